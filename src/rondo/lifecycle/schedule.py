"""When a round is due by the calendar, and how far the calendar is worked off. Pure.

A slot is a minute of the local calendar. Where clocks are put forward, a slot that does not exist fires at the moment
of the change; where they are put back, a slot that exists twice fires the first time only.

Every slot is done once: it is taken, its round is gone, it is done. Who takes it holds the schedule's lease, so a slot
that was taken and is not done belongs to a process that is gone: the next one takes it up again. Slots that were missed
are one round, that of the newest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rondo.contract.cron import Cron

MOST_ATTEMPTS = 3
"""A slot whose round ended its process that often is given up: it would end the next one, too."""
CLOCK_WAS_WRONG = timedelta(days=1)
"""Slots that were done so far ahead of now were done by a clock that was wrong: the calendar begins anew."""
_DAY = timedelta(days=1)
_DAYS_AHEAD = 4 * 366 + 1  # every schedule that ever fires does so within a leap period


@dataclass(frozen=True, slots=True)
class Slots:
    """How far the calendar is worked off: every slot up to `done`. `taken` is under way, or was left by a process."""

    done: datetime
    taken: datetime | None = None
    attempts: int = 0


def take(slots: Slots, cron: Cron, zone: ZoneInfo, now: datetime) -> tuple[Slots, datetime | None]:
    """The calendar with the slot that is due now taken, and that slot; no slot where none is due.

    To be called, and its answer kept, under the schedule's lease.
    """
    if slots.done - now > CLOCK_WAS_WRONG:
        return Slots(now), None
    slot = newest_due(cron, zone, after=slots.done, now=now)
    if slot is None:
        return slots, None
    again = slots.attempts if slot == slots.taken else 0
    if again >= MOST_ATTEMPTS:
        return Slots(slot), None
    return Slots(slots.done, slot, again + 1), slot


def finished(slots: Slots, slot: datetime) -> Slots:
    """The calendar after that slot's round, however it ended."""
    return Slots(max(slots.done, slot))


def left(slots: Slots) -> Slots:
    """The calendar after the round under way was stopped in good order: taken up again, and not held against it."""
    return replace(slots, attempts=max(0, slots.attempts - 1))


def next_due(cron: Cron, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first slot later than `after` (an aware moment), in UTC; None for a schedule that never fires."""
    first = after.astimezone(zone).date() - _DAY
    for ahead in range(_DAYS_AHEAD):
        for moment in _slots_on(cron, zone, first + ahead * _DAY):
            if moment > after:
                return moment
    return None


def newest_due(cron: Cron, zone: ZoneInfo, *, after: datetime, now: datetime) -> datetime | None:
    """The newest slot later than `after` and not later than `now`, in UTC."""
    day, oldest = now.astimezone(zone).date() + _DAY, after.astimezone(zone).date() - _DAY
    while day >= oldest:
        for moment in reversed(_slots_on(cron, zone, day)):
            if after < moment <= now:
                return moment
        day -= _DAY
    return None


@lru_cache(maxsize=64)
def _slots_on(cron: Cron, zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    """The slots of a local day in UTC, in order; none of a later day is earlier."""
    if not cron.fires_on(day):
        return ()
    return tuple(
        sorted({_moment(day, time(hour, minute), zone) for hour in cron.hours for minute in cron.minutes})
    )


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    local = datetime.combine(day, at, tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # The hour was left out: `fold` reads it by the offset of after the change, which lies before the change.
    return _change(zone, local.replace(fold=1).astimezone(UTC), moment)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The moment (whole seconds) between the two at which the offset changes."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
