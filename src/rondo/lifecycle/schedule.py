"""When the next round is due. Pure.

A slot is a minute of the local calendar. Where clocks are put forward, a slot that does not exist fires at the moment
of the change; where they are put back, a slot that exists twice fires the first time only.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rondo.contract.cron import Cron

_DAYS_AHEAD = 4 * 366 + 1  # every schedule that ever fires does so within a leap period


def next_due(cron: Cron, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first slot later than `after` (an aware moment), in UTC; None for a schedule that never fires."""
    day = after.astimezone(zone).date() - timedelta(days=1)
    for _ in range(_DAYS_AHEAD):
        if cron.fires_on(day):
            for hour in sorted(cron.hours):
                for minute in sorted(cron.minutes):
                    moment = datetime.combine(day, time(hour, minute), tzinfo=zone).astimezone(UTC)
                    if moment > after:
                        return moment
        day += timedelta(days=1)
    return None


def is_due(cron: Cron, zone: ZoneInfo, *, last: datetime, now: datetime) -> bool:
    """Whether a slot has come since `last`; many missed slots are one round, not many."""
    slot = next_due(cron, zone, last)
    return slot is not None and slot <= now
