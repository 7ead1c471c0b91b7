"""What a person wants to see of each column: how full, how varied, where its values lie. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

from rondo.stages.data.types import logical

BINS = 24
_TOP = 3


@dataclass(frozen=True, slots=True)
class Profile:
    """A column in figures. `counts` over `edges` is the middle 99 % of the values; times are seconds since 1970."""

    name: str
    type: str
    missing: float  # share of the rows
    distinct: int
    low: str = ""
    median: str = ""
    high: str = ""
    top: tuple[tuple[str, float], ...] = ()  # most frequent values with their share of the known ones
    counts: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()


def profile(table: pl.DataFrame) -> tuple[Profile, ...]:
    """The profile of every column."""
    return tuple(_profile(table.get_column(name)) for name in table.columns)


def _profile(column: pl.Series) -> Profile:
    kind = logical(column.dtype)
    known = column.drop_nulls()
    missing = column.null_count() / column.len() if column.len() else 0.0
    if known.is_empty():
        return Profile(column.name, kind, missing, 0)
    if kind in {"string", "bool"}:
        counts = known.value_counts(sort=True, name="rows")
        top = tuple((str(value)[:40], rows / known.len()) for value, rows in counts.head(_TOP).iter_rows())
        return Profile(column.name, kind, missing, counts.height, top=top)
    numbers = known.to_physical().cast(pl.Float64).to_numpy()
    if kind in {"date", "datetime"}:
        numbers = numbers * (86_400.0 if kind == "date" else 1e-6)
    numbers = numbers[np.isfinite(numbers)]
    distinct = known.n_unique()
    if not numbers.size:
        return Profile(column.name, kind, missing, distinct)
    ends = np.quantile(numbers, [0.005, 0.995])
    low, median, high = (_shown(float(value), kind) for value in np.quantile(numbers, [0.0, 0.5, 1.0]))
    if ends[0] == ends[1]:
        ends = np.array([numbers.min(), numbers.max()])
    if not np.diff(np.linspace(ends[0], ends[1], BINS + 1)).all():  # so close that no number lies between
        ends = np.array([ends[0] - 0.5, ends[1] + 0.5])
    counts_, edges = np.histogram(numbers, bins=BINS, range=(float(ends[0]), float(ends[1])))
    return Profile(
        column.name,
        kind,
        missing,
        distinct,
        low,
        median,
        high,
        (),
        tuple(map(int, counts_)),
        tuple(map(float, edges)),
    )


def _shown(value: float, kind: str) -> str:
    if kind == "date":
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d")
    if kind == "datetime":
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M")
    if kind == "int" or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.4g}"
