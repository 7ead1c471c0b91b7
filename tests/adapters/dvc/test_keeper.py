from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from rondo.adapters.dvc.keeper import DvcKeeper
from rondo.errors import ContractError, NotAvailable
from rondo.ports.pipeline import StageDeclaration

PREPARE = StageDeclaration(
    name="prepare",
    command="python prepare.py",
    params={"rondo.yaml": ("data", "training.seed")},
    outs=("out",),
    metrics=("metrics.json",),
    description="makes out",
)


def dvc(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "rondo.yaml").write_text("data: {rows: 3}\ntraining: {seed: 1, trials: 5}\n")
    return tmp_path


def run_prepare(project: Path) -> None:
    (project / "out").mkdir(exist_ok=True)
    (project / "out" / "a.txt").write_text("made")
    (project / "metrics.json").write_text('{"auc": 0.9}')


def test_a_stage_is_new_then_committed_then_changes_only_by_its_own_parameters(project: Path) -> None:
    keeper = DvcKeeper(project)
    keeper.declare([PREPARE])
    assert keeper.changes("prepare") == ("has not run yet",)
    run_prepare(project)
    keeper.commit("prepare")
    assert keeper.changes("prepare") == ()
    assert set(keeper.versions(["out", "nothing"])) == {"out"}

    text = (project / "rondo.yaml").read_text()
    (project / "rondo.yaml").write_text(text.replace("trials: 5", "trials: 6"))
    assert DvcKeeper(project).changes("prepare") == ()
    (project / "rondo.yaml").write_text(text.replace("seed: 1", "seed: 2"))
    assert DvcKeeper(project).changes("prepare") == ("rondo.yaml: training.seed modified",)


def test_dvc_itself_agrees_that_there_is_nothing_to_do(project: Path) -> None:
    keeper = DvcKeeper(project)
    keeper.declare([PREPARE])
    run_prepare(project)
    keeper.commit("prepare")
    assert "up to date" in dvc(project, "status")
    assert "didn't change" in dvc(project, "repro", "--dry")


def test_a_touched_output_is_noticed(project: Path) -> None:
    keeper = DvcKeeper(project)
    keeper.declare([PREPARE])
    run_prepare(project)
    keeper.commit("prepare")
    (project / "out" / "a.txt").write_text("touched")
    assert DvcKeeper(project).changes("prepare") == ("output out modified",)


def test_stages_of_somebody_else_stay(project: Path) -> None:
    (project / "dvc.yaml").write_text("# by hand\nstages:\n  mine:\n    cmd: echo hi\n")
    DvcKeeper(project).declare([PREPARE])
    text = (project / "dvc.yaml").read_text()
    assert "# by hand" in text
    assert "mine:" in text
    assert "prepare:" in text


def test_a_stage_that_is_no_longer_declared_goes(project: Path) -> None:
    keeper = DvcKeeper(project)
    keeper.declare([PREPARE])
    keeper.declare([])
    assert "prepare" not in (project / "dvc.yaml").read_text()


def test_a_name_that_somebody_else_uses_is_refused(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages:\n  prepare:\n    cmd: echo hi\n")
    with pytest.raises(ContractError, match="prepare"):
        DvcKeeper(project).declare([PREPARE])


def test_what_an_output_held_is_given_back_after_it_changed(project: Path, tmp_path: Path) -> None:
    keeper = DvcKeeper(project)
    keeper.declare([PREPARE])
    run_prepare(project)
    keeper.commit("prepare")
    first = keeper.versions(["out"])["out"]
    (project / "out" / "a.txt").unlink()  # it may be a link into the store
    (project / "out" / "a.txt").write_text("made otherwise")
    keeper.commit("prepare")

    keeper.restore(first, tmp_path / "back")

    assert (tmp_path / "back" / "a.txt").read_text() == "made"
    with pytest.raises(NotAvailable, match="DVC has no content"):
        keeper.restore("0" * 32 + ".dir", tmp_path / "other")


def test_on_a_terminal_dvc_draws_no_bars_of_its_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    keeper = DvcKeeper(project)
    keeper.declare([PREPARE])
    run_prepare(project)
    keeper.changes("prepare")
    keeper.commit("prepare")
    keeper.changes("prepare")
    assert terminal.getvalue() == ""
