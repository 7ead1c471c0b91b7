from __future__ import annotations

import os
from pathlib import Path

import pytest

from rondo.lifecycle.stillness import forget, recall, remember


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "rondo.yaml").write_text("project: p\n")
    (tmp_path / "lake" / "date=1").mkdir(parents=True)
    (tmp_path / "lake" / "date=1" / "a.csv").write_text("1\n")
    (tmp_path / "features.py").write_text("x = 1\n")
    remember(tmp_path, ["lake", "features.py", "missing"], told="", refused=False)
    return tmp_path


def test_what_nobody_touched_is_still(project: Path) -> None:
    assert recall(project) is not None


def write(path: Path, text: str) -> None:
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 1, before + 1))  # as if a moment later, however coarse the clock of the disk


@pytest.mark.parametrize(
    "touched", ["rondo.yaml", "features.py", "lake/date=1/a.csv", "lake/date=1/b.csv", "missing", "dvc.lock"]
)
def test_any_touch_is_noticed(project: Path, touched: str) -> None:
    write(project / touched, "1\n")
    assert recall(project) is None


def test_a_file_that_is_gone_is_noticed(project: Path) -> None:
    (project / "lake" / "date=1" / "a.csv").unlink()
    assert recall(project) is None


def test_a_round_under_way_is_not_still(project: Path) -> None:
    forget(project)
    assert recall(project) is None
    (project / ".rondo" / "still.json").write_text("{")
    assert recall(project) is None
