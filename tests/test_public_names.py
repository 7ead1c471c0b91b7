"""What `rondo` shows is what it has, and showing it loads nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rondo

LISTED = {
    "DataPipeline": ("extract", "transform", "validate", "load"),
    "FeatureEngineer": ("create_features", "encode_categoricals", "scale_numericals", "save_transformers"),
    "ModelTrainer": ("train_with_tracking", "hyperparameter_tuning"),
    "ModelValidator": ("validate", "compare_with_baseline"),
    "ModelDeployer": ("promote_to_production", "rollback"),
    "RetrainingTrigger": ("check_triggers",),
}


def test_all_names_what_is_there() -> None:
    assert set(rondo.__all__) == {*LISTED, "__version__"}


@pytest.mark.parametrize("name", sorted(LISTED))
def test_a_public_class_has_the_methods_of_the_mission(name: str) -> None:
    found = getattr(rondo, name)
    assert found.__doc__
    for method in LISTED[name]:
        assert callable(getattr(found, method))


def test_importing_rondo_loads_nothing_of_it() -> None:
    code = "import sys, rondo; sys.exit(' '.join(m for m in sys.modules if m.startswith('rondo.')) or 0)"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 0, told.stderr
