"""Retrains as rounds: proposed, approved by a person, one at a time, and never in a storm."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rondo.adapters.memory.state import MemoryStateStore
from rondo.assembly import Assembly
from rondo.contract import load_project
from rondo.errors import Conflict, DataError, NotAvailable
from rondo.lifecycle import retraining, upkeep
from rondo.lifecycle.freezing import frozen_today
from rondo.lifecycle.going_round import Round
from rondo.lifecycle.retraining import (
    APPROVED,
    PROPOSED,
    ROUND_ENDED,
    ROUND_STARTED,
    WITHDRAWN,
    approve,
    lost_in_a_row,
    proposal,
    propose,
    retrain_now,
    rounds_so_far,
)
from rondo.records.monitoring import Decision
from rondo.records.release import Event
from rondo.stages.retraining import Fired, decide

START = datetime(2026, 3, 1, tzinfo=UTC)
FILE = """\
project: churn
ml_problem: {target: left, event_time: at, baseline: 0.6}
data: {sources: {rows: {files: rows.csv}}}
features: {categorical: {columns: [plan]}}
retraining: {max_psi: 0.1, cooldown: 1d, mode: MODE, freeze: [{from: 12-15, to: 01-05, reason: sales}]}
pipeline: {timezone: Asia/Seoul}
"""
DUE = Decision(True, ("data_drift",), ("largest PSI is 0.5",), START)
QUIET = Decision(False, (), (), START)
WON = Round((), "ship", "1.0.1", "1.0.1 is in production", refused=False)
LOST = Round((), "reject", "1.0.1", "Version 1.0.1 is not released", refused=True)


class Clock:
    """A time that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def made(folder: Path, mode: str = "auto") -> Assembly:
    (folder / "rondo.yaml").write_text(FILE.replace("MODE", mode))
    workshop = Assembly(load_project(folder), clock=Clock(), env={})
    workshop.__dict__["state"] = MemoryStateStore()
    return workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Assembly:
    return made(tmp_path)


def rounds_that(monkeypatch: pytest.MonkeyPatch, *outcomes: Round | Exception) -> list[str]:
    """Rounds come to these outcomes, the last one again and again; gives who went round."""
    left, who = list(outcomes), list[str]()

    def go_round(workshop: Any, selection: Any, *, by: str, fixed: Any) -> Round:
        who.append(by)
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(retraining, "go_round", go_round)
    return who


def kinds(workshop: Assembly) -> list[str]:
    return [event.kind for event in workshop.state.events()]


@pytest.mark.parametrize(
    ("story", "lost"),
    [
        ("", 0),
        ("sL", 1),
        ("sLsW", 0),
        ("sWsLsL", 2),
        ("sWsLsFsL", 3),
        ("sLss", 3),  # two processes died before their rounds ended
        ("sWs", 1),
        ("sLsC", 1),  # somebody else was at work
        ("sLsCsL", 2),
    ],
)
def test_rounds_lost_in_a_row_are_counted_from_the_newest(story: str, lost: int) -> None:
    details = {
        "L": {"refused": True},
        "F": {"refused": True, "failed": True},
        "W": {"refused": False},
        "C": {"refused": True, "begun": False},
    }
    events = [
        Event(number, START, ROUND_STARTED if letter == "s" else ROUND_ENDED, "p", "m", "", details.get(letter, {}))
        for number, letter in enumerate(story)
    ]  # fmt: skip
    started = [event for event in events if event.kind == ROUND_STARTED]
    ended = [event for event in events if event.kind == ROUND_ENDED]
    assert lost_in_a_row(started, ended, under_way=False) == lost


def test_a_round_that_is_under_way_is_not_lost_yet() -> None:
    begun = Event(1, START, ROUND_STARTED, "p", "m", "", {})
    assert lost_in_a_row([begun], [], under_way=True) == 0


def test_one_retrain_at_a_time_across_processes(workshop: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []

    def go_round(*_: Any, **__: Any) -> Round:
        monkeypatch.setattr(retraining, "this_process", lambda: "elsewhere/1/2")
        with pytest.raises(Conflict) as found:
            retrain_now(workshop, DUE, by="another")
        refused.append(str(found.value))
        assert rounds_so_far(workshop).round_under_way
        return WON

    monkeypatch.setattr(retraining, "go_round", go_round)
    retrain_now(workshop, DUE, by="monitor")
    assert len(refused) == 1
    assert kinds(workshop) == [ROUND_STARTED, ROUND_ENDED]
    assert not rounds_so_far(workshop).round_under_way


def test_many_threads_begin_one_round(workshop: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [0], [0]
    begun, go_on = threading.Event(), threading.Event()

    def go_round(*_: Any, **__: Any) -> Round:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        begun.set()
        go_on.wait(10)
        inside[0] -= 1
        return WON

    numbers = iter(range(100))
    monkeypatch.setattr(retraining, "go_round", go_round)
    monkeypatch.setattr(retraining, "this_process", lambda: f"host/{next(numbers)}/1")
    conflicts: list[Conflict] = []

    def attempt() -> None:
        try:
            retrain_now(workshop, DUE, by="monitor")
        except Conflict as found:
            conflicts.append(found)

    first = threading.Thread(target=attempt)
    first.start()
    assert begun.wait(10)
    others = [threading.Thread(target=attempt) for _ in range(5)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(10)
    go_on.set()
    first.join(10)
    assert most == [1]
    assert len(conflicts) == 5


def test_a_failed_round_is_kept_with_its_reason_and_counts_as_lost(
    workshop: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds_that(monkeypatch, DataError("the trainer failed"))
    with pytest.raises(DataError):
        retrain_now(workshop, DUE, by="monitor")
    (ended,) = workshop.state.events(kind=ROUND_ENDED)
    assert "the trainer failed" in ended.reason
    assert rounds_so_far(workshop).lost_in_a_row == 1


@pytest.mark.parametrize("outcome", [LOST, DataError("the trainer failed")])
def test_thirty_days_of_drift_with_only_losses_are_three_rounds_and_a_freeze(
    workshop: Assembly, monkeypatch: pytest.MonkeyPatch, outcome: Round | Exception
) -> None:
    who = rounds_that(monkeypatch, outcome)
    policy, clock = workshop.project.retraining, workshop.clock
    assert isinstance(clock, Clock)
    begun: list[datetime] = []
    held: set[str] = set()
    for hour in range(30 * 24):
        clock.now = START + timedelta(hours=hour)
        fired = Fired(("data_drift",), ("largest PSI is 0.5",), ())
        decision = decide(policy, fired, rounds_so_far(workshop), now=clock.now)
        held.add(decision.held_back.partition(":")[0])
        if decision.should_retrain:
            begun.append(clock.now)
            with contextlib.suppress(DataError):
                retrain_now(workshop, decision, by="monitor")
    assert [(at - START).days for at in begun] == [0, 2, 6]
    assert who == ["monitor"] * 3
    assert len(workshop.state.events(kind=ROUND_ENDED)) == 3
    assert "3 rounds in a row failed or lost their gates" in held
    rounds_that(monkeypatch, WON)
    approve(workshop, decision, by="ann", reason="the labels were mended")
    retrain_now(workshop, decision, by="ann", reason="the labels were mended")
    assert rounds_so_far(workshop).lost_in_a_row == 0


# A person's yes


def test_a_due_retrain_is_proposed_once_and_taken_back_when_nothing_asks_for_it(workshop: Assembly) -> None:
    assert propose(workshop, DUE)
    assert not propose(workshop, DUE)
    waiting = proposal(workshop)
    assert waiting is not None
    assert waiting.decision.reasons == ("data_drift",)
    assert not waiting.approved
    propose(workshop, QUIET)
    assert proposal(workshop) is None
    assert kinds(workshop) == [PROPOSED, WITHDRAWN]


def test_an_approval_is_kept_with_who_and_why_and_given_once(workshop: Assembly) -> None:
    propose(workshop, DUE)
    approve(workshop, by="ann", reason="drift is real")
    event = workshop.state.events(kind=APPROVED)[0]
    assert (event.by, event.reason) == ("ann", "drift is real")
    with pytest.raises(Conflict, match="ann has approved it already"):
        approve(workshop, by="bob", reason="me too")
    propose(workshop, QUIET)  # what a person approved is not taken back
    assert proposal(workshop) is not None


def test_what_is_not_due_cannot_be_approved(workshop: Assembly) -> None:
    with pytest.raises(NotAvailable, match="no retrain is due"):
        approve(workshop, QUIET, by="ann", reason="for fun")


@pytest.mark.parametrize("mode", ["suggest", "approve", "auto"])
def test_the_loop_begins_what_its_mode_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    workshop = made(tmp_path, mode)
    begun: list[tuple[str, str]] = []

    def retrain(_: Any, decision: Decision, *, by: str, reason: str) -> Round:
        begun.append((by, reason))
        return WON

    monkeypatch.setattr(upkeep, "retrain_now", retrain)
    upkeep._retrain_if_due(workshop, DUE)
    upkeep._retrain_if_due(workshop, DUE)
    if mode == "auto":
        assert begun == [("monitor", ""), ("monitor", "")]
        return
    assert begun == []
    assert kinds(workshop) == [PROPOSED]
    approve(workshop, by="ann", reason="yes")
    upkeep._retrain_if_due(workshop, DUE)
    assert begun == [("ann", "yes")]


def test_frozen_days_are_those_of_the_project_s_own_clock(workshop: Assembly) -> None:
    clock = workshop.clock
    assert isinstance(clock, Clock)
    clock.now = datetime(2026, 12, 14, 14, 59, tzinfo=UTC)  # a minute before midnight in Seoul
    assert frozen_today(workshop) == ""
    clock.now += timedelta(minutes=1)
    assert frozen_today(workshop) == "2026-12-15 is frozen: 12-15 to 01-05 (sales)"
