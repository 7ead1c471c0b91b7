"""What a window is compared with: the judged rows, the window before, or the same time a season earlier. Pure.

With `season` and a log that does not reach back a whole season, a season longer than a week gives way to the same
time one week earlier; a log that is too short for that too says `not_enough`. It never falls back to the judged rows:
they are of all seasons, and the season would look like drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.bundle.reference import (
    NumericalReference,
    Reference,
    describe_categories,
    describe_numbers,
)
from rondo.contract.monitoring import Monitoring
from rondo.stages.monitoring.rows import Rows
from rondo.stages.monitoring.windows import Window

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a version by name, and which column of the log each is."""

    numerical: tuple[str, ...]
    categorical: tuple[str, ...]

    def numbers(self, rows: pl.DataFrame, column: int) -> NDArray[np.float64]:
        """[n] the values of a numerical feature; missing, and left out by the writer, = NaN."""
        return _floats(rows["numerical"].list.get(column, null_on_oob=True)) if rows.height else _floats(None)

    def words(self, rows: pl.DataFrame, column: int) -> list[str | None]:
        """[n] the values of a categorical feature; missing = None."""
        if not rows.height:
            return []
        return rows["categorical"].list.get(column, null_on_oob=True).to_list()


@dataclass(frozen=True, slots=True)
class Compared:
    """The reference of a window, in words, and a mark that changes with its rows.

    `scores` is None where the rows say nothing of this version's answers.
    """

    told: str
    mark: str
    reference: Reference | None
    scores: NumericalReference | None
    rows: int


@dataclass(frozen=True, slots=True)
class Found:
    """Which rows a window is to be compared with: the judged ones where it names no earlier window.

    The mark changes with them. Too few rows are not compared with.
    """

    told: str
    mark: str
    earlier: Window | None
    rows: int
    enough: bool = True


class Comparison:
    """Finds the reference of each window, and describes it where it is needed."""

    def __init__(self, watched: Monitoring, features: Features, judged: Reference, rows: Rows) -> None:
        self._watched, self._features, self._judged, self._rows = watched, features, judged, rows

    def find(self, window: Window) -> Found:
        """What that window is compared with; costs no look at features."""
        if self._watched.reference == "judged":
            return Found("against the judged rows", "judged", None, self._judged.rows)
        found = [self._counted(earlier, told) for earlier, told in self._earlier(window)]
        return next((one for one in found if one.enough), found[0])

    def describe(self, found: Found) -> Compared:
        """Those rows as a reference; none where there are too few."""
        if found.earlier is None:
            return Compared(found.told, found.mark, self._judged, self._judged.score, found.rows)
        if not found.enough:
            return Compared(found.told, found.mark, None, None, found.rows)
        own, bins = self._rows.own_in(found.earlier), self._watched.bins
        reference = described(self._rows.alike_in(found.earlier), self._features, bins)
        enough = own.height >= self._watched.min_samples
        scores = describe_numbers(_floats(own["score"]), bins) if enough else None
        return Compared(found.told, found.mark, reference, scores, found.rows)

    def _earlier(self, window: Window) -> Iterator[tuple[Window, str]]:
        if self._watched.reference == "previous_window":
            yield window.moved(-self._watched.window), "the window before"
            return
        season = self._watched.season or WEEK
        yield window.moved(-season), "one season earlier"
        if season > WEEK:
            yield window.moved(-WEEK), "one week earlier (the log does not reach back a season)"

    def _counted(self, earlier: Window, told: str) -> Found:
        (own, rows), needed = self._rows.count(earlier), self._watched.min_samples
        told = f"against {told}, {earlier}"
        mark = f"{earlier.start:%Y%m%dT%H%M%S}.{rows}"
        if rows < needed:
            why = f"{told}: the log has {rows:,} of at least {needed:,} rows"
            return Found(why, mark, earlier, rows, enough=False)
        return Found(told, f"{mark}.{own}", earlier, rows)


def described(rows: pl.DataFrame, features: Features, bins: int) -> Reference:
    """These rows as a reference."""
    return Reference(
        rows=rows.height,
        bins=bins,
        numerical={
            name: describe_numbers(features.numbers(rows, column), bins)
            for column, name in enumerate(features.numerical)
        },
        categorical={
            name: describe_categories(features.words(rows, column))
            for column, name in enumerate(features.categorical)
        },
        score=describe_numbers(_floats(rows["score"]), bins),
    )


def scores_of(rows: pl.DataFrame) -> NDArray[np.float64]:
    """[n] what the model said of each row; what is no number = NaN."""
    return _floats(rows["score"])


def unknown(words: list[str | None], known: frozenset[str]) -> tuple[int, int]:
    """How many of the values that are there are of categories that training did not know, and how many are there."""
    there = [word for word in words if word]
    return sum(word not in known for word in there), len(there)


def _floats(column: pl.Series | None) -> NDArray[np.float64]:
    if column is None:
        return np.empty(0)
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
