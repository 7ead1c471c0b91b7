"""Reference statistics of the rows on which the model was judged: what monitoring compares production with.

Bins are (-inf, e1], (e1, e2], …, (ek, inf): an edge belongs to the bin on its left. The edges are quantiles
of the reference values, so on the reference rows the bins are about equally full. A value that is not finite
counts as missing, here as in production.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SKETCH_POINTS = 1001
"""Points of the quantile sketch: the values at the shares 0, 0.001, …, 1."""


@dataclass(frozen=True, slots=True)
class NumericalReference:
    """How a number was distributed; `counts` has one entry more than `edges`, missing values are apart."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int
    quantiles: tuple[
        float, ...
    ]  # SKETCH_POINTS observed values in ascending order; empty when there were none
    mean: float | None = None
    std: float | None = None

    @property
    def n(self) -> int:
        """Values that were there."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class CategoricalReference:
    """How often each category was seen; missing values are apart."""

    counts: Mapping[str, int]
    missing: int

    @property
    def n(self) -> int:
        """Values that were there."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """Rows of about one score, and what became of them."""

    score: float  # their mean
    positives: float  # share of the positive class among them
    rows: int


@dataclass(frozen=True, slots=True)
class Reference:
    """The rows of the reference in figures, feature by feature, and what the model says of them."""

    rows: int
    bins: int
    numerical: Mapping[str, NumericalReference]
    categorical: Mapping[str, CategoricalReference]
    score: NumericalReference  # as Prediction.score
    labels: Mapping[str, int] = field(default_factory=dict)  # as Prediction.label; empty for regression
    calibration: tuple[CalibrationPoint, ...] = ()  # by rising score; two classes only


def describe_numbers(values: NDArray[np.floating], bins: int) -> NumericalReference:
    """The distribution of a column of numbers, in at most `bins` quantile bins (fewer if values repeat)."""
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.sort(numbers[np.isfinite(numbers)])
    missing = int(numbers.size - finite.size)
    if finite.size == 0:
        return NumericalReference((), (0,), missing, ())
    edges = tuple(np.unique(_quantiles(finite, bins)[1:-1]).tolist())
    if edges and edges[-1] == finite[-1]:  # nothing lies above the greatest value
        edges = edges[:-1]
    sketch = _quantiles(finite, SKETCH_POINTS - 1)
    return NumericalReference(
        edges,
        count_in_bins(finite, edges),
        missing,
        tuple(sketch.tolist()),
        float(finite.mean()),
        float(finite.std()),
    )


def _quantiles(ascending: NDArray[np.float64], parts: int) -> NDArray[np.float64]:
    """The values at the shares 0, 1/parts, …, 1: observed ones, and shares as whole numbers, so that
    equal data give equal references and n rows fall into n / parts each."""
    ranks = (np.arange(parts + 1) * ascending.size + parts - 1) // parts
    return ascending[np.maximum(ranks - 1, 0)]


def describe_calibration(
    scores: NDArray[np.floating], positives: NDArray[np.floating], bins: int
) -> tuple[CalibrationPoint, ...]:
    """What scores stood for, in at most `bins` groups of about equally many rows.

    Args:
        scores: [n] probability of the positive class.
        positives: [n] 1 where the row was of the positive class, else 0; rows that are not finite are left out.
    """
    known = np.isfinite(scores) & np.isfinite(positives)
    order = np.argsort(scores[known], kind="stable")
    ascending, truth = scores[known][order], positives[known][order]
    parts = np.array_split(np.arange(ascending.size), max(1, min(bins, ascending.size)))
    return tuple(
        CalibrationPoint(float(ascending[part].mean()), float(truth[part].mean()), int(part.size))
        for part in parts
        if part.size
    )


def count_in_bins(values: NDArray[np.floating], edges: Sequence[float]) -> tuple[int, ...]:
    """How many finite values lie in each bin; one entry more than there are edges."""
    numbers = np.asarray(values, dtype=np.float64)
    bins = np.searchsorted(np.asarray(edges, dtype=np.float64), numbers[np.isfinite(numbers)], side="left")
    return tuple(int(count) for count in np.bincount(bins, minlength=len(edges) + 1))


def describe_categories(values: Sequence[str | None]) -> CategoricalReference:
    """How often each category occurs, by name; None and the empty string are missing."""
    counts: dict[str, int] = {}
    missing = 0
    for value in values:
        if value is None or value == "":
            missing += 1
        else:
            counts[value] = counts.get(value, 0) + 1
    return CategoricalReference(dict(sorted(counts.items())), missing)


def describe_rows(
    names: tuple[Sequence[str], Sequence[str]],
    numerical: NDArray[np.float32],
    categorical: NDArray[np.object_],
    scores: NDArray[np.float64],
    labels: Sequence[str],
    *,
    bins: int,
    calibration: Sequence[CalibrationPoint] = (),
) -> Reference:
    """The reference of these rows.

    Args:
        names: the numerical and the categorical features, in the order of the columns.
        numerical: [n, k]; missing = NaN.
        categorical: [n, c]; missing = None.
        scores: [n] what the model says of each row, as in Prediction.score.
        labels: what was decided for each row, as in Prediction.label; empty for regression.
        bins: at most that many per number.
        calibration: what the scores stood for, where outcomes are known.
    """
    return Reference(
        rows=int(numerical.shape[0]),
        bins=bins,
        numerical={
            name: describe_numbers(numerical[:, column], bins) for column, name in enumerate(names[0])
        },
        categorical={
            name: describe_categories(categorical[:, column].tolist()) for column, name in enumerate(names[1])
        },
        score=describe_numbers(scores, bins),
        labels=dict(describe_categories([label or None for label in labels]).counts),
        calibration=tuple(calibration),
    )
