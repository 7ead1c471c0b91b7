"""What metrics mean: pure NumPy, one implementation for training, validation and monitoring.

Binary:      `y_true` 0/1 [n], `score` probability of the positive class [n] (or [n, 2]); a row is predicted
             positive when its score >= threshold
Multiclass:  `y_true` index of the class [n] (-1: one unknown to the model), `score` probabilities [n, k]
Regression:  `y_true` and `score` numbers [n]
Ranking:     `y_true` 0/1 [n], `score` what orders the rows of a list [n], `groups` which rows are a list

Degenerate input (no rows, one class only, values that are not finite) gives NaN with a note, never an
exception and never a number that could pass for one. Intervals are percentile bootstraps over rows (of a
ranking: over the owners of its lists; of a forecast: over its moments).
The formulas are in weighted_metrics.py, the names in contract/metrics.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rondo.contract.metrics import ALIASES, find_metric
from rondo.errors import ContractError, nearest
from rondo.records.candidate import Measured
from rondo.records.ranking import parse
from rondo.records.weighted_metrics import METRICS, Floats, Metric, Side, Task, Together, find

RESAMPLES = 500
CONFIDENCE = 0.95
CELLS_AT_ONCE = 2_000_000  # weights held at a time: bounds memory, whatever the number of rows
MIN_VALID_RESAMPLES = 0.9  # with fewer resamples that have a value, there is no interval

_EXAMPLES = ("precision_at_recall_80", "recall_at_precision_80")


def canonical(metric: str) -> str:
    """The metric's own name for one of its other names (`roc_auc` -> `auc_roc`); others as they are."""
    return ALIASES.get(metric, metric)


def bigger_is_better(metric: str) -> bool:
    """Whether more of it is better; errors and losses get better downwards."""
    found = find_metric(metric)
    return found is None or found.bigger_is_better


def is_known(metric: str, task: Task | None = None) -> bool:
    """Whether it can be computed (for that kind of problem)."""
    tasks: tuple[Task, ...] = (task,) if task else ("binary", "multiclass", "regression", "ranking")
    return any(find(canonical(metric), each) is not None for each in tasks)


def usual_metrics(task: Task, *, forecast: bool = False) -> tuple[str, ...]:
    """The metrics that a practitioner would want to see of such a problem."""
    if forecast:
        return ("mase", "wape", "smape", "mae", "rmse")
    match task:
        case "binary":
            return (
                "accuracy", "precision", "recall", "f1", "auc_roc", "average_precision", "log_loss", "brier",
            )  # fmt: skip
        case "multiclass":
            return (
                "accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_weighted",
                "auc_roc", "log_loss",
            )  # fmt: skip
        case "regression":
            return ("rmse", "mae", "mape", "r2")
        case "ranking":
            return ("ndcg@10", "map@10", "recall@10", "precision@10", "hit_rate@10", "mrr")


def compute(
    metric: str,
    y_true: ArrayLike,
    score: ArrayLike,
    threshold: float = 0.5,
    *,
    task: Task | None = None,
    groups: Together | None = None,
) -> float:
    """The metric's value, NaN where it has none.

    Args:
        task: by default told by the metric's name and the score's shape.
        groups: which rows are a list (of a ranking), or of what moment and series they are (of a forecast).

    Raises:
        ContractError: nothing computes such a metric.
        ValueError: the arrays are not of equal length.
    """
    value = measure(metric, y_true, score, threshold, task=task, groups=groups, resamples=0).value
    return math.nan if value is None else value


def measure(
    metric: str,
    y_true: ArrayLike,
    score: ArrayLike,
    threshold: float = 0.5,
    *,
    task: Task | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    groups: Together | None = None,
) -> Measured:
    """The metric with its confidence interval; no value and a note where it cannot be computed."""
    return measure_all(
        (metric,), y_true, score, threshold,
        task=task, resamples=resamples, confidence=confidence, seed=seed, groups=groups,
    )[metric]  # fmt: skip


def measure_all(
    metrics: Iterable[str],
    y_true: ArrayLike,
    score: ArrayLike,
    threshold: float = 0.5,
    *,
    task: Task | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    groups: Together | None = None,
) -> dict[str, Measured]:
    """Every metric with its confidence interval, over the same resamples of the rows; keys as asked for."""
    names = tuple(metrics)
    functions = {name: _function(name, task or _task_of(name, score)) for name in names}
    y, s = _arrays(y_true, score)
    if len(y) == 0:
        return {name: Measured(None, note="no rows") for name in names}
    sides = Side.of(y, s, threshold, groups), None
    draws = _draws(functions, sides, resamples, seed)
    return {name: _summary(draws[name], sides[0], confidence) for name in names}


def difference(
    metric: str,
    y_true: ArrayLike,
    score: ArrayLike,
    other: ArrayLike,
    threshold: float = 0.5,
    other_threshold: float = 0.5,
    *,
    task: Task | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    groups: Together | None = None,
) -> Measured:
    """The metric of `score` minus that of `other` on the same rows, with a paired interval.

    Its sign is that of the metric: less of a loss is an improvement (see `bigger_is_better`).
    """
    function = _function(metric, task or _task_of(metric, score))
    y, s = _arrays(y_true, score)
    _, o = _arrays(y_true, other)
    if len(y) == 0:
        return Measured(None, note="no rows")
    one, two = Side.of(y, s, threshold, groups), Side.of(y, o, other_threshold, groups)
    values = _draws({metric: function}, (one, two), resamples, seed)[metric]
    return _summary(values, one if one.note or not two.note else two, confidence)


def best_f1_threshold(y_true: ArrayLike, score: ArrayLike) -> float:
    """The threshold with the best F1, in the middle between two scores; 0.5 where there is none."""
    y, s = _arrays(y_true, score)
    side = Side.of(y, s, 0.5)
    if side.note or not 0 < y.sum() < len(y):
        return 0.5
    weighted = side.weighted(np.ones((1, len(y))))
    tp, fp, positives, _ = weighted.curve()
    f1 = 2 * tp[0] / (tp[0] + fp[0] + positives[0])
    best = int(np.argmax(f1))
    levels = np.sort(np.unique(side.score))[::-1]
    below = levels[best + 1] if best + 1 < len(levels) else levels[best]
    return float((levels[best] + below) / 2)


def _function(metric: str, task: Task) -> Metric:
    if (function := find(canonical(metric), task)) is None:
        known = {*METRICS[task], *(_EXAMPLES if task == "binary" else ())}
        raise ContractError(
            f"no metric of a {task} problem is called {metric!r}", where="metric", mend=nearest(metric, known)
        )
    return function


def _task_of(metric: str, score: ArrayLike) -> Task:
    if parse(canonical(metric)) is not None:
        return "ranking"
    if canonical(metric) in METRICS["regression"]:
        return "regression"
    return "multiclass" if np.ndim(score) == 2 and np.shape(score)[1] > 2 else "binary"


def _arrays(y_true: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    y = np.asarray(y_true, dtype=np.float64).reshape(-1)
    s: NDArray[Any] = np.asarray(score, dtype=np.float64)
    if s.ndim == 2 and s.shape[1] <= 2:
        s = s[:, -1]
    if len(y) != len(s):
        raise ValueError(f"{len(y)} true values beside {len(s)} predictions")
    return y, s


def _weights(rows: int, resamples: int, seed: int) -> Iterator[Floats]:
    """The row of ones, then how often each resample drew each row; equal seeds draw alike."""
    yield np.ones((1, rows))
    rng = np.random.default_rng(seed)
    at_once = max(1, CELLS_AT_ONCE // rows)
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        drawn = rng.integers(0, rows, (count, rows)) + np.arange(count)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype(np.float64)


def _drawn(side: Side, resamples: int, seed: int) -> Iterator[Floats]:
    """The weights of rows; of a ranking the weights of lists: every list as often as its owner was drawn."""
    if side.series is not None:
        moments = side.series.moments
        for weights in _weights(int(moments.max()) + 1, resamples, seed):
            yield from _each(weights, moments)
        return
    if side.lists is None:
        yield from _weights(len(side.y), resamples, seed)
        return
    owners = np.unique(side.lists.owner[side.lists.judged])
    place = np.searchsorted(owners, side.lists.owner).clip(max=max(len(owners) - 1, 0))
    for weights in _weights(max(len(owners), 1), resamples, seed):
        yield weights[:, place]


def _each(weights: Floats, place: NDArray[np.intp]) -> Iterator[Floats]:
    """The weights of what the rows belong to, as weights of the rows; few resamples at a time."""
    at_once = max(1, CELLS_AT_ONCE // len(place))
    for start in range(0, len(weights), at_once):
        yield weights[start : start + at_once][:, place]


def _draws(
    functions: Mapping[str, Metric], sides: tuple[Side, Side | None], resamples: int, seed: int
) -> dict[str, Floats]:
    """Per metric: its value first, then one per resample; with two sides the differences."""
    one, two = sides
    if one.note or (two and two.note):
        return {name: np.full(1, np.nan) for name in functions}
    parts: dict[str, list[Floats]] = {name: [] for name in functions}
    for weights in _drawn(one, resamples, seed):
        first, second = one.weighted(weights), two.weighted(weights) if two else None
        for name, function in functions.items():
            value = function(first)
            parts[name].append(value - function(second) if second else value)
    return {name: np.concatenate(values) for name, values in parts.items()}


def _summary(values: Floats, side: Side, confidence: float) -> Measured:
    point, drawn = float(values[0]), values[1:]
    rows = len(side.y) if side.lists is None else int(side.lists.judged.sum())
    if not math.isfinite(point):
        return Measured(None, n=rows, note=side.note or _why_not(side))
    valid = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Measured(point, n=rows)
    if len(valid) < MIN_VALID_RESAMPLES * len(drawn):
        note = f"no interval: only {len(valid)} of {len(drawn)} resamples have a value"
        return Measured(point, n=rows, note=note)
    low, high = np.quantile(valid, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Measured(point, float(low), float(high), rows)


def _why_not(side: Side) -> str:
    if side.lists is not None:
        return "no list has a relevant item"
    if side.series is not None and not np.isfinite(side.series.scale).any():
        return "no row has a scale: the series are too short or never change"
    classes = np.unique(side.y)
    if len(classes) == 1:
        return f"every true value is {classes[0]:g}"
    both = side.score.ndim == 1 and set(classes.tolist()) == {0.0, 1.0}
    if both and not (side.score >= side.threshold).any():
        return f"nothing is predicted positive at the threshold {side.threshold:g}"
    return "a class does not occur" if side.score.ndim == 2 else "it has no value on these rows"
