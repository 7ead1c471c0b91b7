"""Who of a real shop's customers buys again, from order lines and the project file alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rondo.assembly import open_project
from rondo.errors import DataError
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.records.candidate import TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.files import read_record

HERE = Path(__file__).parent
pytestmark = pytest.mark.real_data

LOOKS_AHEAD = '''
import numpy as np

def next_month(inputs):
    """What the customer's lines will be two snapshots later: the label's window, shifted into the features."""
    return np.concatenate([inputs["lines_30d"][2:], [0.0, 0.0]])
'''


@pytest.fixture
def retail(tmp_path: Path, real_data: Path) -> Path:
    shutil.copy(HERE / "retail.yaml", tmp_path / "rondo.yaml")
    (tmp_path / ".env").write_text(f"RETAIL_PARQUET={real_data / 'online_retail.parquet'}\n")
    return tmp_path


def test_next_sixty_days_from_541909_lines(retail: Path) -> None:
    project = open_project(retail)
    went = go_round(project, Selection(), by="test")
    result = read_record(project.layout.training / "result.json", TrainingResult)
    auc = result.best.test["auc_roc"]
    print(f"retail: {result.best.name} test AUC {auc.value:.4f} [{auc.low:.4f}, {auc.high:.4f}], n = {auc.n}")  # noqa: T201
    assert not went.refused, went.release
    assert auc.value is not None
    assert auc.value >= 0.70
    assert result.split.test_from is not None
    table = read_record(project.layout.features / "table.json", FeatureTable)
    assert table.parity is not None
    assert table.parity.mismatches == 0


def test_features_shifted_by_the_label_window_are_caught_by_name(retail: Path) -> None:
    (retail / "peek.py").write_text(LOOKS_AHEAD)
    file = retail / "rondo.yaml"
    definition = "    peeks: {python: 'peek.py:next_month', inputs: [lines_30d]}\n"
    file.write_text(file.read_text().replace("  definitions:\n", "  definitions:\n" + definition))
    with pytest.raises(DataError, match="peeks"):
        go_round(open_project(retail), Selection(), by="test")
