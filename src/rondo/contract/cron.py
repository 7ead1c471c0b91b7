"""Five-field schedules: minute, hour, day of month, month, day of week (0 and 7 are Sunday).

A field is `*`, a number, a range `1-5`, a list `1,3`, a step `*/15` or `0-30/10`; months and days have their
English names too. When both days are restricted, a day fires that fits either (as in Vixie cron).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_WEEKDAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_FIELDS: tuple[tuple[str, int, int, Mapping[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _WEEKDAYS),
)
_SHORT = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
}  # fmt: skip
_LEAP_PERIOD = date(2024, 1, 1), 4 * 366  # long enough to see every 29 February and every weekday of a month


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule: the minutes, hours and days on which it fires."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either_day: bool
    """Whether a day fires that fits the days of the month or the days of the week."""

    def fires_on(self, day: date) -> bool:
        """Whether it fires on that day."""
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (in_month or in_week) if self.either_day else (in_month and in_week)

    def ever_fires(self) -> bool:
        """Whether there is any day on which it fires."""
        first, days = _LEAP_PERIOD
        return any(self.fires_on(first + timedelta(days=n)) for n in range(days))


def parse_cron(text: str) -> Cron:
    """The schedule that a person wrote.

    Raises:
        ValueError: it does not have five fields, or one is outside its range; the message says which.
    """
    parts = _SHORT.get(text.strip().lower(), text).split()
    if len(parts) != 5:
        raise ValueError(
            f"{text!r} has {len(parts)} fields; a schedule has five: minute hour day month weekday"
        )
    minutes, hours, days, months, weekdays = (
        _field(part, *field) for part, field in zip(parts, _FIELDS, strict=True)
    )
    return Cron(
        minutes,
        hours,
        days,
        months,
        frozenset(day % 7 for day in weekdays),
        either_day=not parts[2].startswith("*") and not parts[4].startswith("*"),
    )


def _field(text: str, name: str, low: int, high: int, words: Mapping[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, text, name, 1, high, {}) if slash else 1
        if span == "*":
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, text, name, low, high, words)
            last = _number(end, text, name, low, high, words) if dash else (high if slash else first)
        if first > last:
            raise ValueError(f"the {name} {text!r} runs backwards; write the smaller number first")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(part: str, text: str, name: str, low: int, high: int, words: Mapping[str, int]) -> int:
    number = words.get(part, int(part) if part.isascii() and part.isdigit() and len(part) < 4 else -1)
    if not low <= number <= high:
        raise ValueError(f"the {name} {text!r} is not a schedule's; it lies between {low} and {high}")
    return number
