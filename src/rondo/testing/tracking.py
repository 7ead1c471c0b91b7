"""The promises of an ExperimentTracker, runnable, and a tracker in memory that keeps them.

An adapter's test inherits ExperimentTrackerTests, gives a tracker, and tells how a run is read back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rondo.errors import NotAvailable
from rondo.ports.tracking import ExperimentTracker, Run
from rondo.records.files import to_json


@dataclass
class SeenRun:
    """A run as its tracker has it; also a Run that is kept in memory."""

    run_id: str
    name: str = ""
    experiment: str = ""
    parent: str | None = None
    status: str = "running"  # running, finished, failed, killed
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=dict)  # context -> digest
    files: dict[str, bytes] = field(default_factory=dict)
    models: tuple[str, ...] = ()

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Keeps them as text."""
        for name, value in params.items():
            self.params[name] = (
                value if isinstance(value, str) else to_json(value, indent=-1).decode().strip()
            )

    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        """Keeps the newest value and the history."""
        finite = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
        for name, value in finite.items():
            self.metrics[name] = value
            self.history.setdefault(name, []).append(value)
        if left_out := sorted(set(metrics) - set(finite)):
            self.tags["rondo.not_finite"] = ", ".join(left_out)

    def log_dataset(self, name: str, *, digest: str, rows: int, context: str, source: str) -> None:
        """Keeps the digest."""
        self.datasets[context] = digest

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Keeps them."""
        self.tags.update(tags)

    def log_json(self, file: str, content: Any) -> None:
        """Keeps the bytes."""
        self.files[file] = to_json(content)

    def log_folder(self, folder: Path, *, under: str) -> None:
        """Keeps the bytes."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.files[f"{under}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()

    def log_model(self, graph: Path, *, name: str, numerical: int, categorical: int, outputs: int) -> None:
        """Keeps the name."""
        self.models = (*self.models, name)


class MemoryTracker:
    """An ExperimentTracker whose runs are looked at directly."""

    def __init__(self) -> None:
        self.runs: dict[str, SeenRun] = {}

    @contextmanager
    def run(
        self, experiment: str, name: str, *, tags: Mapping[str, str] | None = None, parent: str | None = None
    ) -> Iterator[SeenRun]:
        """A new run."""
        run = SeenRun(f"run{len(self.runs)}", name, experiment, parent, tags=dict(tags or {}))
        self.runs[run.run_id] = run
        yield from _ended(run)

    @contextmanager
    def resume(self, run_id: str) -> Iterator[SeenRun]:
        """An earlier run."""
        if run_id not in self.runs:
            raise NotAvailable(f"there is no run {run_id!r}")
        yield from _ended(self.runs[run_id])


def _ended(run: SeenRun) -> Iterator[SeenRun]:
    run.status = "running"
    try:
        yield run
    except BaseException as error:
        run.tags["rondo.error"] = f"{type(error).__name__}: {error}"
        run.status = "failed" if isinstance(error, Exception) else "killed"
        raise
    run.status = "finished"


def _log_and_raise(run: Run) -> None:
    run.log_params({"depth": 99})
    raise ValueError("too deep")


class ExperimentTrackerTests:
    """What every tracker keeps."""

    @pytest.fixture
    def tracker(self, tmp_path: Path) -> ExperimentTracker:
        """A fresh tracker."""
        raise NotImplementedError("give a fresh tracker")

    def seen(self, tracker: ExperimentTracker, run_id: str) -> SeenRun:
        """The run as the product has it."""
        raise NotImplementedError("read the run back")

    def test_a_run_keeps_what_was_logged(self, tracker: ExperimentTracker, tmp_path: Path) -> None:
        with tracker.run("churn", "lightgbm", tags={"why": "test"}) as run:
            run.log_params({"depth": 3, "rate": 0.1, "name": "x", "list": [1, 2], "none": None})
            run.log_metrics({"auc_roc": 0.84})
            run.log_json("importance.json", {"age": 0.5})
            (tmp_path / "graphs" / "inner").mkdir(parents=True)
            (tmp_path / "graphs" / "inner" / "a.txt").write_text("a")
            run.log_folder(tmp_path / "graphs", under="graphs")
        found = self.seen(tracker, run.run_id)
        assert (found.name, found.experiment, found.status) == ("lightgbm", "churn", "finished")
        assert found.params == {"depth": "3", "rate": "0.1", "name": "x", "list": "[1,2]", "none": "null"}
        assert found.metrics == {"auc_roc": 0.84}
        assert found.tags["why"] == "test"
        assert found.files == {"importance.json": to_json({"age": 0.5}), "graphs/inner/a.txt": b"a"}

    def test_a_metric_has_a_history(self, tracker: ExperimentTracker) -> None:
        with tracker.run("churn", "steps") as run:
            for step, value in enumerate((0.1, 0.3, 0.2)):
                run.log_metrics({"score": value}, step=step)
        assert self.seen(tracker, run.run_id).history["score"] == [0.1, 0.3, 0.2]

    def test_what_is_not_finite_is_named_and_left_out(self, tracker: ExperimentTracker) -> None:
        with tracker.run("churn", "nan") as run:
            run.log_metrics({"good": 1.0, "nan": math.nan, "inf": math.inf})
        found = self.seen(tracker, run.run_id)
        assert found.metrics == {"good": 1.0}
        assert found.tags["rondo.not_finite"] == "inf, nan"

    def test_datasets_have_digests_per_context(self, tracker: ExperimentTracker) -> None:
        with tracker.run("churn", "data") as run:
            for context, digest in (("training", "aa"), ("validation", "bb")):
                run.log_dataset("matrix", digest=digest, rows=10, context=context, source="matrix.parquet")
        assert self.seen(tracker, run.run_id).datasets == {"training": "aa", "validation": "bb"}

    def test_a_run_that_raises_has_failed_and_keeps_its_parameters(self, tracker: ExperimentTracker) -> None:
        with pytest.raises(ValueError, match="too deep"), tracker.run("churn", "bad") as run:
            _log_and_raise(run)
        found = self.seen(tracker, run.run_id)
        assert (found.status, found.params) == ("failed", {"depth": "99"})
        assert found.tags["rondo.error"] == "ValueError: too deep"

    def test_an_interrupted_run_was_killed(self, tracker: ExperimentTracker) -> None:
        with pytest.raises(KeyboardInterrupt), tracker.run("churn", "stopped") as run:
            raise KeyboardInterrupt
        assert self.seen(tracker, run.run_id).status == "killed"

    def test_a_child_knows_its_parent(self, tracker: ExperimentTracker) -> None:
        with (
            tracker.run("churn", "round") as outer,
            tracker.run("churn", "candidate", parent=outer.run_id) as inner,
        ):
            pass
        assert self.seen(tracker, inner.run_id).parent == outer.run_id
        assert self.seen(tracker, outer.run_id).parent is None

    def test_an_earlier_run_can_be_added_to(self, tracker: ExperimentTracker) -> None:
        with tracker.run("churn", "first") as run:
            run.log_metrics({"a": 1.0})
        with tracker.resume(run.run_id) as again:
            assert again.run_id == run.run_id
            again.log_metrics({"b": 2.0})
        found = self.seen(tracker, run.run_id)
        assert (found.status, found.metrics) == ("finished", {"a": 1.0, "b": 2.0})

    def test_an_unknown_run_cannot_be_resumed(self, tracker: ExperimentTracker) -> None:
        with pytest.raises(NotAvailable), tracker.resume("0" * 32):
            pass
