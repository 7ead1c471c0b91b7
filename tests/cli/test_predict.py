"""`rondo predict` as it is typed: exit codes, what is said, and no training library on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.cli.app import app
from rondo.cli.errors import guarded
from rondo.records.layout import Layout
from rondo.testing.live_server import add_release, route

PROJECT = """
project: tiny
ml_problem: {type: binary_classification, target: churned, entity: user_id, baseline: 0.5, success_metric: auc_roc}
data: {sources: {rows: {files: rows.csv}}}
"""
FULL = "age,plan,spend_30d\n30,pro,1.5\n,basic,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rondo.yaml").write_text(PROJECT)
    state = SqlStateStore(Layout(tmp_path).state)
    add_release(tmp_path, state, "1.0.0", explained=True)
    route(state, {"1.0.0": 1.0})
    state.close()
    (tmp_path / "in.csv").write_text(FULL)
    return tmp_path


def predict(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; from rondo.cli import main\n"
        "try: main()\n"
        "finally: print('loaded:', *sorted({'sklearn', 'pandas', 'mlflow', 'lightgbm', 'onnx', 'pyarrow'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "predict", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_file_is_scored_and_told(folder: Path) -> None:
    done = predict(folder, "in.csv", "out.csv", "--explain", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["rows"], told["errors"], told["version"]) == (2, 0, "1.0.0")
    head, *rows = (folder / "out.csv").read_text().splitlines()
    assert head == (
        "age,plan,spend_30d,score,label,version,unseen,entity_known,base,"
        "contribution.age,contribution.spend_30d,contribution.plan"
    )
    assert len(rows) == 2
    assert done.stderr.strip().endswith("loaded:")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("in.csv", "in.csv"), 6, "there is a file already"),
        (("none.csv", "out.csv"), 5, "there is no such file"),
        (("in.csv", "out.xlsx"), 2, "does not say what it is"),
        (("in.csv", "out.csv", "--version", "9.9.9"), 5, "no version 9.9.9 is registered"),
        (("in.csv", "out.csv", "--errors", "ignore"), 2, "It is one of refuse, keep"),
        (("bad.csv", "out.csv"), 4, "bad.csv, line 3: age: a number is expected, found the text 'old'"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    folder: Path,
    words: tuple[str, ...],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "bad.csv").write_text("age,plan,spend_30d\n30,pro,1\nold,pro,1\n")
    before = {path.name for path in folder.iterdir()}
    monkeypatch.chdir(folder)
    assert guarded(lambda: app(["predict", *words], prog_name="rondo", standalone_mode=False)) == code
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert {path.name for path in folder.iterdir()} == before
    assert (folder / "in.csv").read_text() == FULL
