"""The success metric on the rows that share a value of a column. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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
    """One slice per value, most rows first, those beyond a dozen together; numbers by quarters of the rows.

    A slice with fewer than `least_rows` rows is listed and not measured.
    """
    if isinstance(values, np.ndarray):
        places, names = _by_number(values)
    else:
        places, names = _by_word(values)
    return tuple(
        _slice(answers.part(places == place), column, name, metric, overall, least_rows, resampling)
        for place, name in enumerate(names)
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
    n = part.judged
    if n < least_rows:
        what = "lists" if part.task == "ranking" else "rows"
        return Slice(column, value, n, Measured(None, n=n, note=f"fewer than {least_rows} {what}"))
    measured = measure(
        metric, part.y, part.score, part.threshold, task=part.task,
        resamples=resampling.for_rows(len(part.y)), confidence=resampling.confidence, seed=resampling.seed,
        groups=part.groups,
    )  # fmt: skip
    worse = False
    if overall.value is not None and measured.low is not None and measured.high is not None:
        up = bigger_is_better(metric)
        worse = measured.high < overall.value if up else measured.low > overall.value
    one_number = part.task not in ("multiclass", "ranking")
    return Slice(
        column,
        value,
        n,
        measured,
        rounded(part.y.mean()) if one_number else None,
        rounded(part.score.mean()) if one_number else None,
        worse,
    )


def _by_word(values: Sequence[str | None]) -> tuple[NDArray[np.intp], list[str]]:
    """Per row the place of its name, and the names: most rows first, those beyond a dozen together as the last."""
    words = [MISSING if value is None else value for value in values]
    counted = Counter(words)
    names = sorted(counted, key=lambda name: (-counted[name], name))
    place = {name: min(at, VALUES_PER_SLICE) for at, name in enumerate(names)}
    if rare := len(names[VALUES_PER_SLICE:]):
        names = [*names[:VALUES_PER_SLICE], f"other ({rare} values)"]
    return np.array([place[word] for word in words], dtype=np.intp), names


def _by_number(values: Floats) -> tuple[NDArray[np.intp], list[str]]:
    """Per row the place of its name, and the names in the order of the numbers, what is no number last."""
    there = np.isfinite(values)
    places, names = _quarters(values[there]) if there.any() else (np.empty(0, dtype=np.intp), [])
    every = np.full(len(values), len(names), dtype=np.intp)
    every[there] = places
    return every, names if there.all() else [*names, MISSING]


def _quarters(known: Floats) -> tuple[NDArray[np.intp], list[str]]:
    """Few distinct numbers stay themselves; many become ranges with about equally many rows."""
    distinct, places = np.unique(known, return_inverse=True)
    if len(distinct) < VALUES_PER_SLICE:
        return places, [f"{value:g}" for value in distinct]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, NUMBER_BINS + 1)[1:-1]))
    names = [
        f"up to {edges[0]:.4g}",
        *(f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)),
        f"above {edges[-1]:.4g}",
    ]
    places = np.searchsorted(edges, known, side="left")
    if (places < len(edges)).all():  # the greatest value is so frequent that nothing lies above it
        names.pop()
    return places, names
