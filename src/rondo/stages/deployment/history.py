"""What served when, read from the event log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from rondo.records.release import Event


def served_at(events: Iterable[Event], moment: datetime) -> Mapping[str, float]:
    """The share of requests that each version answered at that moment; empty before the first release."""
    shares: Mapping[str, float] = {}
    for event in events:
        if event.at <= moment and "generation" in event.details:
            shares = event.details["weights"]
    return shares
