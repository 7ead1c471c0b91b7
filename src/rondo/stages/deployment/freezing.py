"""How many automatic rollbacks there were in a row, read from the event log. Pure.

The row ends when a rollout brings its candidate through, or when a person promotes or deploys by hand.
"""

from __future__ import annotations

from collections.abc import Iterable

from rondo.records.release import PROMOTED, Event

BEGUN = ("rollout.begun", "rollout.waiting")
ENDED = tuple(f"rollout.{state}" for state in ("promoted", "rolled_back", "aborted", "held", "frozen"))
TELLING = (PROMOTED, *BEGUN, *ENDED)
"""The kinds of the events that it is read from."""
BY_HAND, OVERRULED, AUTOMATIC = "by_hand", "overruled", "automatic"
"""What the details of such events say."""


def rollbacks_in_a_row(events: Iterable[Event]) -> int:
    """The number of automatic rollbacks since the last release that stood; events in order, others are passed over."""
    count, under_way = 0, False
    for event in events:
        if event.kind == PROMOTED:
            count = count if under_way else 0  # that of a rollout stands only when the rollout says so
        elif event.kind in BEGUN:
            under_way = True
            count = 0 if event.details.get(BY_HAND) else count
        elif event.kind in ENDED and "rollout" in event.details:
            under_way = False
            if event.kind == "rollout.promoted" or event.details.get(OVERRULED):
                count = 0
            elif event.kind in ("rollout.rolled_back", "rollout.frozen") and event.details.get(AUTOMATIC):
                count += 1
    return count
