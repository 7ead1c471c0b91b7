"""The shop's data lake: one Parquet file of events per day, ``events/date=YYYY-MM-DD/part-0.parquet``."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from rondo.errors import Conflict
from rondo.shop.spec import check_simulated
from rondo.shop.world import Shop


def write_lake(shop: Shop, folder: Path, *, until: date) -> int:
    """Bring the lake up to the end of a day and return how many daily files were new.

    A file appears complete or not at all, and is never written twice. A day
    without activity has a file without rows.

    Raises:
        UsageError: the world was not simulated up to that day.
        Conflict: the lake holds another world; nothing was changed.
    """
    check_simulated(shop.spec, until)
    days = [shop.spec.start + timedelta(days=number) for number in range(shop.spec.day_number(until) + 1)]
    missing = [day for day in days if not day_file(folder, day).exists()]
    events = _EventsByDay(shop.events)
    if present := sorted(set(days) - set(missing)):
        _check_same_world(day_file(folder, present[-1]), events.on(present[-1]))
    for day in missing:
        _write_at_once(events.on(day), day_file(folder, day))
    return len(missing)


def day_file(folder: Path, day: date) -> Path:
    """Where the events of a day stand in the lake."""
    return folder / "events" / f"date={day.isoformat()}" / "part-0.parquet"


class _EventsByDay:
    """The rows of a day as a slice: events are ordered by date."""

    def __init__(self, events: pl.DataFrame) -> None:
        starts = (
            events.with_row_index("first")
            .group_by("date", maintain_order=True)
            .agg(pl.col("first").first(), pl.len().alias("rows"))
        )
        self._events = events
        self._slices = {day: (first, rows) for day, first, rows in starts.iter_rows()}

    def on(self, day: date) -> pl.DataFrame:
        return self._events.slice(*self._slices.get(day, (0, 0)))


def _check_same_world(path: Path, simulated: pl.DataFrame) -> None:
    if not pl.read_parquet(path, hive_partitioning=False).equals(simulated):
        raise Conflict(
            "The file does not hold what this world did on that day",
            where=str(path),
            rule="A lake holds one practice world",
            mend="Give the spec that it was written with, or another folder",
        )


def _write_at_once(rows: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The draft's name ends so that no reader of *.parquet takes it for data.
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    rows.write_parquet(draft)
    os.replace(draft, path)
