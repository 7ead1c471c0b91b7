"""Windows of event time, side by side on a grid that never moves: a row belongs to one, whenever it is looked at.

The grid begins on a Monday, so that windows of 7 days are weeks; windows of a day begin at midnight UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)
WINDOW = "window"
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of event time: its start included, its end not."""

    start: datetime
    end: datetime

    def moved(self, by: timedelta) -> Window:
        """The window that lies that much later."""
        return Window(self.start + by, self.end + by)

    def __str__(self) -> str:
        whole_days = self.start.time() == self.end.time() and not self.start.hour
        text = "%Y-%m-%d" if whole_days else "%Y-%m-%d %H:%M"
        return f"{self.start:{text}} to {self.end:{text}}"


def window_of(moment: datetime, length: timedelta) -> Window:
    """The window in which the moment lies."""
    start = ANCHOR + (moment - ANCHOR) // length * length
    return Window(start, start + length)


def with_window(rows: pl.DataFrame, length: timedelta) -> pl.DataFrame:
    """The rows with the start of their window by event time in the column `window`."""
    step = length // _MICROSECOND
    since = (pl.col("event_time") - pl.lit(ANCHOR)).dt.total_microseconds()
    start = pl.lit(ANCHOR) + pl.duration(microseconds=since // step * step)
    return rows.with_columns(start.cast(pl.Datetime("us", "UTC")).alias(WINDOW))


def within(rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The rows of the window by event time."""
    return rows.filter(pl.col("event_time").is_between(window.start, window.end, closed="left"))


def windows_in(rows: pl.DataFrame, length: timedelta) -> tuple[Window, ...]:
    """The windows that have rows, in order; the rows have the column `window`."""
    starts: Iterable[datetime] = rows[WINDOW].unique().sort().to_list() if rows.height else ()
    return tuple(Window(start, start + length) for start in starts)
