"""The dead man's handle: when the monitor last looked, so that others can tell when it does not look any more.

A monitor that has died says nothing; whoever shows figures asks here whether they are still being made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rondo.lifecycle.workshop import Workshop

LAST_LOOK = "monitor.last"
LOOKS_EVERY = "monitor.every_s"
"""Set while `rondo up` watches, and taken back when it stops in good order."""
MISSED_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When the monitor last looked; `late` when it should have looked again by now, or never has."""

    last_look: datetime | None
    late: bool
    told: str


def note_look(workshop: Workshop, *, at: datetime) -> None:
    """The monitor has looked, and everything that it saw is written down."""
    workshop.state.put(LAST_LOOK, at.isoformat())


def promise_looks(workshop: Workshop, every: timedelta | None) -> None:
    """From now on somebody looks so often; None: nobody looks by itself any more."""
    workshop.state.put(LOOKS_EVERY, every.total_seconds() if every else None)


def heartbeat(workshop: Workshop) -> Heartbeat:
    """Whether the monitor lives."""
    last, every_s = workshop.state.get(LAST_LOOK), workshop.state.get(LOOKS_EVERY)
    every = timedelta(seconds=every_s) if every_s else None
    return heartbeat_of(
        datetime.fromisoformat(last) if last else None,
        every,
        window=workshop.project.monitoring.window,
        now=workshop.clock(),
    )


def heartbeat_of(
    last: datetime | None, every: timedelta | None, *, window: timedelta, now: datetime
) -> Heartbeat:
    """Whether the monitor lives. Pure.

    Args:
        every: how often it promised to look; None: nobody did, then a window may pass without a look.
    """
    if last is None:
        return Heartbeat(None, True, "the monitor has never looked")
    patience = every * MISSED_LOOKS if every else window
    late = now - last > patience
    told = f"the monitor last looked at {last:%Y-%m-%d %H:%M:%S} UTC"
    if late:
        promise = (
            f"it should look every {every.total_seconds():g} s" if every else "nothing watches by itself"
        )
        told = f"{told}: late, {promise}"
    return Heartbeat(last, late, told)
