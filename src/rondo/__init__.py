"""Rondo: the whole machine-learning lifecycle from one project file.

Importing this package loads nothing heavy; the names below are fetched when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "DataPipeline": "rondo.notebook.pipeline",
    "FeatureEngineer": "rondo.stages.features",
    "ModelTrainer": "rondo.notebook.trainer",
    "ModelValidator": "rondo.stages.validation",
    "ModelDeployer": "rondo.notebook.deployer",
    "RetrainingTrigger": "rondo.stages.retraining",
}

__all__ = ["__version__", *sorted(_HOMES)]

if TYPE_CHECKING:
    from rondo.notebook.deployer import ModelDeployer as ModelDeployer
    from rondo.notebook.pipeline import DataPipeline as DataPipeline
    from rondo.notebook.trainer import ModelTrainer as ModelTrainer
    from rondo.stages.features import FeatureEngineer as FeatureEngineer
    from rondo.stages.retraining import RetrainingTrigger as RetrainingTrigger
    from rondo.stages.validation import ModelValidator as ModelValidator


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rondo' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
