from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from rondo.adapters.dvc.keeper import DvcKeeper
from rondo.adapters.memory import MemoryStateStore
from rondo.contract import LoadedProject, Project, load_project
from rondo.errors import Conflict, ContractError, UsageError, UserCodeError
from rondo.lifecycle.order import BUILT_IN, METRICS, extracted
from rondo.lifecycle.running import Done, Selection, is_running, plan, run_stages
from rondo.ports.progress import Silent
from rondo.records.layout import Layout

FILE: dict[str, Any] = {
    "project": "p",
    "ml_problem": {"target": "y", "baseline": 0.6},
    "data": {"sources": {"a": {"files": "input.csv"}}, "join": [{"base": "a"}]},
    "training": {"seed": 1, "tuning": {"trials": 3}},
    "validation": {"tolerance": 0.01},
}
NAMES = [stage.name for stage in BUILT_IN]


@dataclass
class Bench:
    """A workshop with a real keeper of the pipeline and rooms that leave one small file."""

    folder: Path
    file: dict[str, Any] = field(default_factory=lambda: FILE)
    opened: list[str] = field(default_factory=list)
    state: MemoryStateStore = field(default_factory=MemoryStateStore)
    progress: Silent = field(default_factory=Silent)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self.write(self.file)
        (self.folder / "input.csv").write_text("a\n1\n")

    def write(self, file: dict[str, Any]) -> None:
        self.file = file
        (self.folder / "rondo.yaml").write_text(yaml.safe_dump(file, sort_keys=False))

    @property
    def project(self) -> Project:
        return self.loaded.project

    @property
    def loaded(self) -> LoadedProject:
        return load_project(self.folder)

    @property
    def layout(self) -> Layout:
        return Layout(self.folder)

    @property
    def keeper(self) -> DvcKeeper:
        return DvcKeeper(self.folder)

    def open_room(self, name: str) -> str:
        self.opened.append(name)
        stage = next(stage for stage in BUILT_IN if stage.name == name)
        for out in extracted(self.project) if name == "extract" else ():
            (self.folder / out).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / out).write_text(f"{name} {self.project.training.seed}")
        for out in stage.outs:
            (self.folder / out).mkdir(parents=True, exist_ok=True)
            (self.folder / out / "made.txt").write_text(f"{name} {self.project.training.seed}")
        if stage.metrics:
            (self.folder / METRICS).parent.mkdir(exist_ok=True)
            (self.folder / METRICS).write_text("{}")
        return "made"

    def run(self, **selection: Any) -> list[str]:
        self.opened.clear()
        done: tuple[Done, ...] = run_stages(self, self.open_room, Selection(**selection))  # type: ignore[arg-type]
        return [stage.name for stage in done if stage.ran]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def dvc(folder: Path, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout


def test_a_second_run_does_nothing_and_dvc_agrees(bench: Bench) -> None:
    assert bench.run() == NAMES
    assert bench.run() == []
    assert "up to date" in dvc(bench.folder, "status")
    assert [event.subject for event in bench.state.events(kind="stage.finished")] == NAMES


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"validation": {"tolerance": 0.02}}, ["validation"]),
        ({"monitoring": {"window": "7d"}}, []),
        ({"training": {"seed": 2, "tuning": {"trials": 3}}}, ["training", "packaging", "validation"]),
    ],
)
def test_a_touched_parameter_runs_only_what_depends_on_it(
    bench: Bench, change: dict[str, Any], expected: list[str]
) -> None:
    bench.run()
    bench.write({**FILE, **change})
    assert [p.step.name for p in plan(bench, Selection()) if p.reasons] == expected  # type: ignore[arg-type]
    assert bench.run() == expected


def test_a_stage_whose_input_came_out_the_same_is_skipped(bench: Bench) -> None:
    bench.run()
    (bench.folder / "input.csv").write_text("a\n2\n")
    assert bench.run() == ["extract"]


def test_refresh_reads_the_sources_again(bench: Bench) -> None:
    bench.run()
    assert bench.run(refresh=True) == ["extract"]


def test_single_stages_and_force(bench: Bench) -> None:
    bench.run()
    assert bench.run(only=("training",)) == []
    assert bench.run(only=("training",), force=True) == ["training"]
    with pytest.raises(UsageError, match="Did you mean 'training'"):
        bench.run(only=("trainin",))


def test_a_stage_that_fails_leaves_the_ones_before_it_done(bench: Bench) -> None:
    broken = True

    def open_room(name: str) -> str:
        if name == "training" and broken:
            raise RuntimeError("boom")
        return bench.open_room(name)

    with pytest.raises(RuntimeError):
        run_stages(bench, open_room, Selection())  # type: ignore[arg-type]
    broken = False
    assert bench.run() == ["training", "packaging", "validation"]


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_running import Bench
from rondo.lifecycle.running import Selection, run_stages
bench = Bench(Path({folder!r}))
def open_room(name):
    if name == {stage!r}:
        os.kill(os.getpid(), signal.SIGKILL)
    return bench.open_room(name)
run_stages(bench, open_room, Selection())
"""


@pytest.mark.parametrize("stage", ["data", "validation"])
def test_a_killed_run_goes_on_with_the_stage_in_which_it_died(bench: Bench, stage: str) -> None:
    code = KILLED.format(tests=str(Path(__file__).parent), folder=str(bench.folder), stage=stage)
    ended = subprocess.run([sys.executable, "-c", code], timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not is_running(bench.layout.home)
    assert bench.run() == NAMES[NAMES.index(stage) :]


def test_two_runs_at_once_are_refused(bench: Bench) -> None:
    def open_room(name: str) -> str:
        with pytest.raises(Conflict, match=f"process {os.getpid()}"):
            bench.run()
        return bench.open_room(name)

    run_stages(bench, open_room, Selection(only=("extract",)))  # type: ignore[arg-type]


SCRIPT_STAGE = {
    "name": "extra",
    "script": "extra.py",
    "inputs": ["data/raw/"],
    "params": ["extra.yaml"],
    "outputs": ["extra/"],
}


class TestScripts:
    @pytest.fixture
    def scripted(self, bench: Bench) -> Bench:
        bench.write({**FILE, "pipeline": {"stages": [SCRIPT_STAGE]}})
        return bench

    def write_script(self, bench: Bench, body: str) -> None:
        (bench.folder / "extra.py").write_text(body)
        (bench.folder / "extra.yaml").write_text("depth: 1\n")

    def test_a_script_that_is_not_there_is_an_error_before_anything_runs(self, scripted: Bench) -> None:
        with pytest.raises(ContractError) as found:
            scripted.run()
        assert {"'extra.py' does not exist", "'extra.yaml' does not exist"} <= {
            p.what for p in found.value.problems
        }
        assert scripted.opened == []

    def test_a_script_runs_in_its_place_and_again_when_its_parameters_change(self, scripted: Bench) -> None:
        self.write_script(
            scripted,
            "import pathlib; p = pathlib.Path('extra'); p.mkdir(exist_ok=True); (p / 'x').write_text('1')",
        )
        ran = scripted.run()
        assert set(ran) == {*NAMES, "extra"}
        assert ran.index("extract") < ran.index("extra")
        assert scripted.run() == []
        (scripted.folder / "extra.yaml").write_text("depth: 2\n")
        assert scripted.run() == ["extra"]
        assert "up to date" in dvc(scripted.folder, "status")

    @pytest.mark.parametrize("body", ["raise SystemExit(3)", "pass"])
    def test_a_script_that_fails_or_leaves_nothing_is_the_users_error(
        self, scripted: Bench, body: str
    ) -> None:
        self.write_script(scripted, body)
        with pytest.raises(UserCodeError, match=r"extra\.py"):
            scripted.run()
