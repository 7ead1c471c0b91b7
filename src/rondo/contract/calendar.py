"""Days that come again: when a shop is closed, when nothing is released."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from rondo.contract._base import Section

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LEAP_YEAR = 2000


def _day(raw: Any) -> str:
    text = raw.isoformat() if isinstance(raw, date) else str(raw).strip()
    try:
        date.fromisoformat(text if len(text) > len("12-15") else f"{_LEAP_YEAR}-{text}")
    except ValueError:
        raise ValueError(f"{text!r} is not a day; a day is 2026-12-15, or 12-15 for every year") from None
    return text


CalendarDay = Annotated[
    str, BeforeValidator(_day), PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"})
]
"""A date, `2026-12-15`, or a day of every year, `12-15`."""


class Days(Section):
    """Either a `weekday`, or the days from one to another, both included: `{from: 12-24, to: 01-03}`."""

    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None = (
        None
    )
    from_: CalendarDay | None = Field(default=None, alias="from")
    to: CalendarDay | None = None
    """By default the same day as `from`."""
    reason: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Days:
        if (self.weekday is None) == (self.from_ is None):
            raise ValueError(
                "exactly one of weekday and from says which days; write {from: 12-24, to: 01-03}"
            )
        if self.to is not None and self.from_ is None:
            raise ValueError("to without from; write both ends: {from: 12-24, to: 01-03}")
        if self.from_ is not None and self.to is not None:
            if len(self.from_) != len(self.to):
                raise ValueError("one end has a year and the other has none; write both in the same way")
            if len(self.from_) > 5 and self.from_ > self.to:
                raise ValueError(f"{self.from_} is after {self.to}; the earlier day comes first")
        return self

    def cover(self, day: date) -> bool:
        """Whether the day is one of them."""
        if self.weekday is not None:
            return day.weekday() == WEEKDAYS.index(self.weekday)
        assert self.from_ is not None
        first, last = self.from_, self.to or self.from_
        text = day.isoformat()[-len(first) :]
        return first <= text <= last if first <= last else text >= first or text <= last

    def __str__(self) -> str:
        days = self.weekday or (f"{self.from_} to {self.to}" if self.to else str(self.from_))
        return f"{days} ({self.reason})" if self.reason else days
