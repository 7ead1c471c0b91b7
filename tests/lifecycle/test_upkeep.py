"""The loop beside the server: nothing that fails ends it, and nothing that takes long silences the monitor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rondo.adapters.memory import MemoryStateStore
from rondo.assembly import Assembly
from rondo.contract import load_project
from rondo.lifecycle import looking, upkeep
from rondo.lifecycle.heartbeat import LOOKS_EVERY
from rondo.lifecycle.mishaps import FAILED
from rondo.lifecycle.upkeep import keep_up
from rondo.records.monitoring import Decision
from rondo.records.release import PROMOTED, Switch
from rondo.testing.deployment import Clock
from rondo.testing.state import release

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE = """\
project: churn
ml_problem: {target: left, event_time: at, baseline: 0.6}
data: {sources: {rows: {files: rows.csv}}}
features: {categorical: {columns: [plan]}}
retraining: {max_psi: 0.1}
pipeline: {schedule: "0 2 * * *"}
"""
QUIET = Decision(False, (), (), START)


@pytest.fixture
def workshop(tmp_path: Path) -> Assembly:
    (tmp_path / "rondo.yaml").write_text(FILE)
    clock = Clock(START)
    made = Assembly(load_project(tmp_path), clock=clock, wall_clock=clock, env={})
    state = made.__dict__["state"] = MemoryStateStore()
    state.add_release(release("1.0.0"), by="ann")
    state.switch(Switch("1.0.0", None, {"1.0.0": 1.0}, None, PROMOTED, "ann", "first", 0), at=START)
    return made


def ticks(workshop: Assembly, count: int) -> Any:
    """A wait that passes a day per tick, and stops after so many."""
    left = [count]

    def wait(_: float) -> bool:
        workshop.clock.now += timedelta(days=1)  # type: ignore[attr-defined]
        left[0] -= 1
        return left[0] < 0

    return wait


def failures(workshop: Assembly) -> list[tuple[str, str]]:
    return [(event.subject, event.reason) for event in workshop.state.events(kind=FAILED)]


def test_a_fault_in_a_round_does_not_end_the_loop(
    workshop: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(looking, "decide", lambda _: QUIET)
    monkeypatch.setattr(upkeep, "go_round", fails)
    keep_up(workshop, ticks(workshop, 4))
    assert failures(workshop) == [("scheduled round", "KeyError: 'a fault of ours'")] * 3


def test_a_monitor_that_fails_again_and_again_says_so_once(
    workshop: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Semaphore(0)

    def fails(_: Any) -> None:
        looked.release()
        raise ValueError("no such column")

    monkeypatch.setattr(looking, "decide", fails)
    with looking.looking(workshop, every=timedelta(milliseconds=1)):
        for _ in range(5):
            assert looked.acquire(timeout=60)
    assert failures(workshop) == [("monitor", "ValueError: no such column")]


def test_the_monitor_looks_while_a_round_is_under_way(
    workshop: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()

    def decide(_: Any) -> Decision:
        looked.set()
        return QUIET

    def a_long_round(*_: Any, **__: Any) -> Any:
        looked.clear()
        assert looked.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(upkeep, "LOOK_EVERY", timedelta(milliseconds=1))
    monkeypatch.setattr(looking, "decide", decide)
    monkeypatch.setattr(upkeep, "go_round", a_long_round)
    keep_up(workshop, ticks(workshop, 1_000))
    assert failures(workshop) == []


def test_an_interrupt_within_a_round_stops_in_good_order(
    workshop: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[str] = []

    @contextmanager
    def interruptible() -> Iterator[None]:
        inside.append("round")
        yield

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(looking, "decide", lambda _: QUIET)
    monkeypatch.setattr(upkeep, "go_round", interrupted)
    keep_up(workshop, ticks(workshop, 1_000), interruptible=interruptible)
    assert "round" in inside
    assert workshop.state.get(LOOKS_EVERY) is None
    assert failures(workshop) == []


def test_what_was_interrupted_is_begun_at_the_next_start(
    workshop: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def interrupted(*_: Any, **__: Any) -> Any:
        begun.append("round")
        raise KeyboardInterrupt

    monkeypatch.setattr(looking, "decide", lambda _: QUIET)
    monkeypatch.setattr(upkeep, "go_round", interrupted)
    keep_up(workshop, ticks(workshop, 1_000))
    keep_up(workshop, lambda _: len(begun) > 1)
    assert begun == ["round"] * 2
