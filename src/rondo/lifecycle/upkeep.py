"""Watches, retrains, follows the schedule and attends to rollouts until stopped, beside a server that serves.

What is due is decided by pure functions; this loop reads the clock, does it, and waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rondo.contract.cron import parse_cron
from rondo.errors import RondoError
from rondo.lifecycle.attending import attending
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.heartbeat import promise_looks
from rondo.lifecycle.retraining import proposal, propose
from rondo.lifecycle.running import Selection
from rondo.lifecycle.schedule import is_due
from rondo.lifecycle.watching import decide, retrain_now
from rondo.lifecycle.workshop import Workshop

LAST_SCHEDULED = "schedule.last"
LOOK_EVERY = timedelta(minutes=1)
Wait = Callable[[float], bool]
"""Waits that many seconds; true when it is time to stop."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now."""

    round: bool
    look: bool


def due(
    schedule: str | None, zone: str, *, last_scheduled: datetime, last_look: datetime | None, now: datetime
) -> Due:
    """What is to be done now. Pure."""
    scheduled = schedule is not None and is_due(
        parse_cron(schedule), ZoneInfo(zone), last=last_scheduled, now=now
    )
    return Due(scheduled, last_look is None or now >= last_look + LOOK_EVERY)


def keep_up(workshop: Workshop, wait: Wait, *, tick_s: float = 1.0) -> None:
    """Does what is due until `wait` says stop. What fails is told and tried again when it is next due.

    A slot of the schedule is marked before its round begins, so that it fires once however the round ends.
    """
    promise_looks(workshop, LOOK_EVERY)
    with attending(workshop):
        _keep_up(workshop, wait, tick_s)
    promise_looks(workshop, None)


def _keep_up(workshop: Workshop, wait: Wait, tick_s: float) -> None:
    last_look: datetime | None = None
    pipeline = workshop.project.pipeline
    while True:
        now = workshop.clock()
        todo = due(
            pipeline.schedule,
            pipeline.timezone,
            last_scheduled=_last_scheduled(workshop, now),
            last_look=last_look,
            now=now,
        )
        if todo.round:
            workshop.state.put(LAST_SCHEDULED, now.isoformat())
            _guarded(workshop, "scheduled round", lambda: _scheduled(workshop))
        if todo.look:
            last_look = now
            if workshop.state.production() is not None:
                _guarded(workshop, "monitor", lambda: _look_and_retrain(workshop))
        if wait(tick_s):
            return


def _last_scheduled(workshop: Workshop, now: datetime) -> datetime:
    """When a slot last fired; before the first time, now: slots from before are not made up for."""
    kept = workshop.state.get(LAST_SCHEDULED)
    if kept is None:
        workshop.state.put(LAST_SCHEDULED, now.isoformat())
        return now
    return datetime.fromisoformat(kept)


def _scheduled(workshop: Workshop) -> None:
    went = go_round(workshop, Selection(refresh=True, reasons=("schedule",)), by="schedule")
    workshop.progress.say(went.release or "scheduled round: nothing changed")


def _look_and_retrain(workshop: Workshop) -> None:
    decision = decide(workshop)
    mode, reasons = workshop.project.retraining.mode, ", ".join(decision.reasons)
    waiting = proposal(workshop)
    if waiting is not None and waiting.approved:
        workshop.progress.say(f"retraining, approved by {waiting.approved_by}: {waiting.approved_reason}")
        by, reason, decision = waiting.approved_by, waiting.approved_reason, waiting.decision
    elif mode != "auto":
        if propose(workshop, decision):
            how = "rondo retrain --approve --reason ..." if mode == "approve" else "rondo retrain"
            workshop.progress.say(f"a retrain is due ({reasons}): `{how}`")
        return
    elif decision.should_retrain:
        workshop.progress.say(f"retraining: {reasons}")
        by, reason = "monitor", ""
    else:
        return
    went = retrain_now(workshop, decision, by=by, reason=reason)
    workshop.progress.say(went.release or "retraining: nothing changed")


def _guarded(workshop: Workshop, what: str, call: Callable[[], None]) -> None:
    try:
        call()
    except RondoError as error:
        workshop.progress.say(f"{what}: {error}")
        workshop.state.append(
            "upkeep.failed", what, by="rondo up", reason=str(error), details={}, at=workshop.clock()
        )
