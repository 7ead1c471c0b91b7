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
from rondo.stages.monitoring.windows import Window, within

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


class Comparison:
    """Finds the reference of each window.

    Args:
        own: rows of the version that is watched.
        alike: rows of it and of versions with the same features.
    """

    def __init__(
        self,
        watched: Monitoring,
        features: Features,
        judged: Reference,
        *,
        own: pl.DataFrame,
        alike: pl.DataFrame,
    ) -> None:
        self._watched, self._features, self._judged = watched, features, judged
        self._own, self._alike = own, alike

    def of(self, window: Window) -> Compared:
        """What that window is compared with; no reference where there are too few rows."""
        if self._watched.reference == "judged":
            return Compared(
                "against the judged rows", "judged", self._judged, self._judged.score, self._judged.rows
            )
        found = [self._rows_of(earlier, told) for earlier, told in self._earlier(window)]
        return next((one for one in found if one.reference is not None), found[0])

    def _earlier(self, window: Window) -> Iterator[tuple[Window, str]]:
        if self._watched.reference == "previous_window":
            yield window.moved(-self._watched.window), "the window before"
            return
        season = self._watched.season or WEEK
        yield window.moved(-season), "one season earlier"
        if season > WEEK:
            yield window.moved(-WEEK), "one week earlier (the log does not reach back a season)"

    def _rows_of(self, earlier: Window, told: str) -> Compared:
        rows, needed = within(self._alike, earlier), self._watched.min_samples
        told = f"against {told}, {earlier}"
        mark = f"{earlier.start:%Y%m%dT%H%M%S}.{rows.height}"
        if rows.height < needed:
            why = f"{told}: the log has {rows.height:,} of at least {needed:,} rows"
            return Compared(why, mark, None, None, rows.height)
        own = within(self._own, earlier)
        bins = self._watched.bins
        reference = described(rows, self._features, bins)
        scores = describe_numbers(_floats(own["score"]), bins) if own.height >= needed else None
        return Compared(told, f"{mark}.{own.height}", reference, scores, rows.height)


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
