"""The success metric on the rows that share a value of a column. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rondo.records.candidate import Measured
from rondo.records.metrics import bigger_is_better, measure
from rondo.stages.validation.answers import Answers, Floats, Resampling, rounded

VALUES_PER_SLICE = 12
NUMBER_BINS = 4  # a slice over numbers: quarters of the rows
MISSING = "(missing)"


@dataclass(frozen=True, slots=True)
class Slice:
    """The success metric on the rows that share a value of a column."""

    column: str
    value: str
    n: int
    measured: Measured
    base_rate: float | None = None  # share of the positive class, or mean of the target
    predicted: float | None = None  # mean score
    worse: bool = False  # its whole interval is worse than the figure over all rows


def slice_rows(
    answers: Answers,
    column: str,
    values: Sequence[str | None] | Floats,
    *,
    metric: str,
    overall: Measured,
    least_rows: int,
    resampling: Resampling,
) -> tuple[Slice, ...]:
    """One slice per value (numbers: per quarter of the rows), most rows first; beyond a dozen together.

    A slice with fewer than `least_rows` rows is listed and not measured.
    """
    labels = _labels(values)
    counted = sorted(_counts(labels).items(), key=lambda item: (-item[1], item[0]))
    rare = [value for value, _ in counted[VALUES_PER_SLICE:]]
    if rare:
        together = f"other ({len(rare)} values)"
        labels = np.where(np.isin(labels, rare), together, labels)
        kept = [value for value, _ in counted[:VALUES_PER_SLICE]]
        counted = [(value, int((labels == value).sum())) for value in [*kept, together]]
    return tuple(
        _slice(answers.rows(labels == value), column, value, metric, overall, least_rows, resampling)
        for value, _ in counted
    )


def _slice(
    part: Answers,
    column: str,
    value: str,
    metric: str,
    overall: Measured,
    least_rows: int,
    resampling: Resampling,
) -> Slice:
    n = len(part.y)
    if n < least_rows:
        return Slice(column, value, n, Measured(None, n=n, note=f"fewer than {least_rows} rows"))
    measured = measure(
        metric, part.y, part.score, part.threshold, task=part.task,
        resamples=resampling.for_rows(n), confidence=resampling.confidence, seed=resampling.seed,
    )  # fmt: skip
    worse = False
    if overall.value is not None and measured.low is not None and measured.high is not None:
        up = bigger_is_better(metric)
        worse = measured.high < overall.value if up else measured.low > overall.value
    one_number = part.task != "multiclass"
    return Slice(
        column,
        value,
        n,
        measured,
        rounded(part.y.mean()) if one_number else None,
        rounded(part.score.mean()) if one_number else None,
        worse,
    )


def _labels(values: Sequence[str | None] | Floats) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return _quarters(values)
    return np.array([MISSING if value is None else str(value) for value in values], dtype=object)


def _quarters(values: Floats) -> NDArray[Any]:
    """Few distinct numbers stay themselves; many become ranges with about equally many rows."""
    labels = np.full(len(values), MISSING, dtype=object)
    there = np.isfinite(values)
    known = values[there]
    if not known.size:
        return labels
    distinct = np.unique(known)
    if len(distinct) <= VALUES_PER_SLICE:
        labels[there] = [f"{value:g}" for value in known]
        return labels
    edges = np.unique(np.quantile(known, np.linspace(0, 1, NUMBER_BINS + 1)[1:-1]))
    names = [
        f"up to {edges[0]:.4g}",
        *(f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)),
        f"above {edges[-1]:.4g}",
    ]
    labels[there] = np.array(names, dtype=object)[np.searchsorted(edges, known, side="left")]
    return labels


def _counts(labels: NDArray[Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for label in labels.tolist():
        counts[label] = counts.get(label, 0) + 1
    return counts
