"""A model's answers beside the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rondo.records.ranking import Groups
from rondo.records.weighted_metrics import Task, Together

Floats = NDArray[np.float64]
DIGITS = 10
MOST_CELLS = 50_000_000  # resamples times rows, per set of metrics


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Truth and answers, in the order of the rows.

    `y` [n]: 1 for the positive class else 0; with several classes the index of the class; else the number.
    NaN where the truth is not known. `score` [n], or [n, classes].
    """

    y: Floats
    score: Floats
    classes: tuple[str, ...]
    positive: str
    threshold: float
    groups: Together | None = None
    """What belongs to the rows beside truth and answer: the lists of a ranking, the series of a forecast."""

    @property
    def task(self) -> Task:
        """What kind of answers they are."""
        if isinstance(self.groups, Groups):
            return "ranking"
        return "regression" if not self.classes else "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def broken(self) -> int:
        """Rows whose answer is not a finite number."""
        finite = np.isfinite(self.score)
        return int((~(finite.all(axis=1) if finite.ndim == 2 else finite)).sum())

    def part(self, which: NDArray[np.bool_]) -> Answers:
        """What a slice is judged on: those rows alone; of a ranking whole lists, in which only they are wanted."""
        if isinstance(self.groups, Groups):
            return replace(self, y=np.where(which, self.y, 0.0))
        return self.rows(which)

    @property
    def judged(self) -> int:
        """How many rows are judged; of a ranking, how many lists."""
        if isinstance(self.groups, Groups):
            return len(np.unique(self.groups.lists[self.y > 0]))
        return len(self.y)

    def rows(self, which: NDArray[np.bool_]) -> Answers:
        """Those rows alone."""
        groups = None if self.groups is None else self.groups.rows(which)
        return Answers(self.y[which], self.score[which], self.classes, self.positive, self.threshold, groups)


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are drawn."""

    resamples: int
    confidence: float
    seed: int

    def for_rows(self, rows: int) -> int:
        """Fewer resamples where many rows make the interval narrow anyway and each of them dear."""
        return max(min(self.resamples, 100), min(self.resamples, MOST_CELLS // max(rows, 1)))


def rounded(value: Any) -> float:
    """The figure as it is kept: to ten digits, so that files of equal runs are equal."""
    return float(f"{float(value):.{DIGITS}g}")
