"""What served when, read from the event log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from rondo.records.release import PROMOTED, ROLLED_BACK, ROUTES_SHIFTED, Event

MOVES = (PROMOTED, ROLLED_BACK, ROUTES_SHIFTED)
"""The kinds of the events that tell a change of routes."""


def served_at(events: Iterable[Event], moment: datetime) -> Mapping[str, float]:
    """The share of requests that each version answered at that moment; empty before the first release.

    Args:
        events: in any order; those that move nothing are passed over.
        moment: aware.
    """
    moves = [event for event in events if event.at <= moment and "generation" in event.details]
    last = max(moves, key=lambda event: event.sequence, default=None)
    return last.details["weights"] if last is not None else {}
