"""Attends to rollouts in a thread of its own: a bad candidate must not wait until a retraining is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rondo.lifecycle.mishaps import Mishaps
from rondo.lifecycle.releasing import catch_up
from rondo.lifecycle.rollouts import pace, tick
from rondo.lifecycle.workshop import Workshop
from rondo.records.rollout import Rollout

STOP_S = 10.0
"""A pre-flight that takes longer is left to itself at the end; the next start measures anew."""
CATCH_UP_EVERY_S = 60.0
"""How often the model registry is told what a process that died, or it itself, kept from it."""


@contextmanager
def attending(workshop: Workshop, *, every_s: float = 1.0) -> Iterator[None]:
    """Looks at the rollout under way again and again for the time of the block, whoever began it."""
    over = threading.Event()
    thread = threading.Thread(target=_attend, args=(workshop, over, every_s), name="rollouts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(STOP_S)


def _attend(workshop: Workshop, over: threading.Event, every_s: float) -> None:
    rollouts, registry = Mishaps(workshop, "rollout"), Mishaps(workshop, "model registry")
    seen, again_at, caught_up_at = (0, 0), 0.0, float("-inf")
    while not over.wait(every_s):
        if monotonic() >= caught_up_at + CATCH_UP_EVERY_S:
            caught_up_at = monotonic()
            with registry.survived():
                catch_up(workshop)
        with rollouts.survived():
            before = workshop.state.rollout()
            if before is not None and (_mark(before) != seen or monotonic() >= again_at):
                after = tick(workshop) or before
                seen, again_at = _mark(after), monotonic() + pace(after).total_seconds()


def _mark(rollout: Rollout) -> tuple[int, int]:
    """Changes when somebody else changed the rollout: then there is something new to look at."""
    return rollout.number, rollout.revision
