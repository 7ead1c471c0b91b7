"""Aggregates over windows of earlier rows, for many windows at once, in NumPy.

Rows are sorted by entity and time once; every window is then a slice [low, high) of them. A slice is folded
from blocks of doubling length, so the work grows with rows x log(longest window), and the result depends on
the rows of the window alone: the same window gives the same bits whatever lies around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
DAY_US = 86_400_000_000


def micros(times: pl.Series) -> pl.Series:
    """Moments as microseconds since 1970 in UTC; moments without a zone are taken as UTC, nulls stay null."""
    if times.dtype == pl.Date:
        times = times.cast(pl.Datetime("us"))
    if isinstance(times.dtype, pl.Datetime):
        return times.dt.cast_time_unit("us").to_physical()
    return times.cast(pl.Int64)


class EntityRows:
    """Rows sorted by entity and time; ties keep their order, rows without entity or time are left out."""

    def __init__(self, entity: pl.Series, times: pl.Series) -> None:
        frame = pl.DataFrame({"entity": entity, "at": micros(times)}).with_row_index("row").drop_nulls()
        self._codes = (
            frame.select("entity").unique(maintain_order=True).with_row_index("code").cast({"code": pl.Int64})
        )
        coded = frame.join(self._codes, on="entity", how="left", maintain_order="left")
        code, at = coded["code"].to_numpy(), coded["at"].to_numpy()
        order = np.lexsort((at, code))
        self.code: Ints = code[order]
        self.at: Ints = at[order]
        self.row: Ints = coded["row"].to_numpy()[order].astype(np.int64)
        ascending = np.sort(self.at)  # np.unique hashes integers: ten times slower where most differ
        self._moments = ascending[np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)]]
        self._keys = self._key(self.code, np.searchsorted(self._moments, self.at))

    def __len__(self) -> int:
        return len(self.row)

    def _key(self, code: Ints, rank: Any) -> Ints:
        return np.asarray(code * (len(self._moments) + 1) + rank, dtype=np.int64)

    def places(self, entity: pl.Series) -> Ints:
        """The code of each entity; -1 where it has no row."""
        asked = pl.DataFrame({"entity": entity}).cast({"entity": self._codes.schema["entity"]})
        found = asked.join(self._codes, on="entity", how="left", maintain_order="left")
        return found["code"].fill_null(-1).to_numpy()

    def slots(self, code: Ints, at: Ints, *, side: Literal["left", "right"] = "left") -> Ints:
        """The place of the entity's first sorted row at or after the moment (right: after it)."""
        rank = np.searchsorted(self._moments, at, side=side)
        slots = np.searchsorted(self._keys, self._key(code, rank))
        return np.where(code < 0, 0, slots).astype(np.int64)


def fold(
    values: Floats, low: Ints, length: Ints, combine: Callable[[Any, Any], Any], neutral: float
) -> Floats:
    """`combine` over values[low : low + length] for every window; `neutral` where the length is 0."""
    out = np.full(len(low), neutral)
    if not len(low):
        return out
    at, table, step, longest = low.copy(), values, 1, int(length.max())
    while step <= longest:
        here = np.flatnonzero(length & step)
        out[here] = combine(out[here], table[at[here]])
        at[here] += step
        table = combine(table[:-step], table[step:])
        step *= 2
    return out


def spread(values: Floats, low: Ints, length: Ints) -> Floats:
    """Sample standard deviation (n - 1) of every window; NaN where it has fewer than two values.

    Blocks are merged by the rule of Chan, Golub and LeVeque (1979), which does not cancel.
    """
    count, mean, squares = np.zeros(len(low)), np.zeros(len(low)), np.zeros(len(low))
    table = (np.ones(len(values)), values, np.zeros(len(values)))
    at, step, longest = low.copy(), 1, int(length.max()) if len(low) else 0
    while step <= longest:
        here = np.flatnonzero(length & step)
        place = at[here]
        merged = _merge((count[here], mean[here], squares[here]), tuple(part[place] for part in table))
        count[here], mean[here], squares[here] = merged
        at[here] += step
        table = _merge(tuple(part[:-step] for part in table), tuple(part[step:] for part in table))
        step *= 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 1, np.sqrt(squares / (count - 1)), np.nan)


def _merge(a: tuple[Floats, ...], b: tuple[Floats, ...]) -> tuple[Floats, Floats, Floats]:
    count = a[0] + b[0]
    apart = b[1] - a[1]
    share = np.divide(b[0], count, out=np.zeros_like(count), where=count > 0)
    return count, a[1] + apart * share, a[2] + b[2] + apart * apart * a[0] * share


def distinct(previous: Ints, low: Ints, high: Ints) -> Ints:
    """How many different values each window holds; `previous` is the place where a value stood last, or -1.

    A value counts at its first place in the window, which is the one whose previous place lies before `low`.
    Counting those is a rank query on a wavelet matrix: one pass per bit of the positions.
    """
    levels = (len(previous) + 1).bit_length()
    below = np.zeros(len(low), dtype=np.int64)
    left, right = low.copy(), high.copy()
    column = previous + 1
    for bit in reversed(range(levels)):
        zero = ((column >> bit) & 1) == 0
        zeros = np.concatenate(([0], np.cumsum(zero)))
        left_zeros, right_zeros = zeros[left], zeros[right]
        is_one = ((low + 1) >> bit) & 1 == 1
        below += np.where(is_one, right_zeros - left_zeros, 0)
        left = np.where(is_one, zeros[-1] + left - left_zeros, left_zeros)
        right = np.where(is_one, zeros[-1] + right - right_zeros, right_zeros)
        column = np.concatenate((column[zero], column[~zero]))
    return below
