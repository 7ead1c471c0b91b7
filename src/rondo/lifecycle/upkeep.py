"""Watches, retrains, follows the schedule and attends to rollouts until stopped, beside a server that serves.

Rounds are gone one at a time, here; what must not wait for their end has threads of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from rondo.lifecycle.attending import attending
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.looking import looking
from rondo.lifecycle.mishaps import Mishaps
from rondo.lifecycle.retraining import proposal, propose
from rondo.lifecycle.running import Selection
from rondo.lifecycle.scheduled import do_what_is_due
from rondo.lifecycle.watching import retrain_now
from rondo.lifecycle.workshop import Workshop
from rondo.records.monitoring import Decision

LOOK_EVERY = timedelta(minutes=1)
Wait = Callable[[float], bool]
"""Waits that many seconds; true when it is time to stop."""


def keep_up(
    workshop: Workshop,
    wait: Wait,
    *,
    interruptible: Callable[[], AbstractContextManager[object]] = nullcontext,
    tick_s: float = 1.0,
) -> None:
    """Does what is due until `wait` says stop. What fails is told, and tried again when it is next due.

    Args:
        workshop: the project.
        wait: paces the loop, and ends it.
        interruptible: is entered for work that can be begun again; a KeyboardInterrupt in it stops, too.
        tick_s: between two looks at what is due.
    """
    with attending(workshop), looking(workshop, every=LOOK_EVERY) as newest_decision:
        try:
            while not wait(tick_s):
                with Mishaps(workshop, "scheduled round").survived(), interruptible():
                    do_what_is_due(workshop, lambda: _go_round(workshop))
                if (decision := newest_decision()) is not None:
                    with Mishaps(workshop, "retraining").survived(), interruptible():
                        _retrain_if_due(workshop, decision)
        except KeyboardInterrupt:
            workshop.progress.say("stopped within a round; it is taken up again at the next start")


def _go_round(workshop: Workshop) -> None:
    went = go_round(workshop, Selection(refresh=True, reasons=("schedule",)), by="schedule")
    workshop.progress.say(went.release or "scheduled round: nothing changed")


def _retrain_if_due(workshop: Workshop, decision: Decision) -> None:
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
