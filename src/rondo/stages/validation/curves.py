"""Curves, calibration, histogram, confusion: what a picture of a model is drawn from. Pure.

Every function wants at least one row, and truth and scores that are numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rondo.stages.validation.answers import Answers, Floats, rounded

Point = tuple[float, float]

CURVE_POINTS = 160
CALIBRATION_BINS = 10
HISTOGRAM_BINS = 25
CHOSEN = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)  # shares of the rows that thresholds let through


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows of similar score: what was predicted on average, what came true, and its interval (Wilson)."""

    predicted: float
    observed: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """What deciding at a threshold means; a share that has no rows below the line is None."""

    threshold: float
    flagged: float
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Rows per bin, by class (or under one name for numbers); one edge more than bins."""

    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Everything drawn of one model; empty where the task or the rows have none of it."""

    confusion: tuple[tuple[int, ...], ...] = ()  # rows: truth, columns: decision, in the order of the classes
    roc: tuple[Point, ...] = ()
    precision_recall: tuple[Point, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    calibration_error: float | None = None
    scores: Histogram | None = None
    thresholds: tuple[ThresholdRow, ...] = ()


def draw(answers: Answers) -> Pictures:
    """The pictures of these answers."""
    match answers.task:
        case "binary":
            return _of_two_classes(answers)
        case "ranking":
            return Pictures(scores=_histogram_by_class(answers))
        case "multiclass":
            return Pictures(confusion=_confusion_several(answers))
        case "regression":
            return Pictures(
                calibration=calibration_bins(answers.y, answers.score, shares=False),
                scores=_histogram_of_errors(answers.score - answers.y),
            )


def _of_two_classes(answers: Answers) -> Pictures:
    both = 0 < answers.y.sum() < len(answers.y)
    bins = calibration_bins(answers.y, answers.score)
    error = sum(one.n * abs(one.predicted - one.observed) for one in bins) / len(answers.y)
    return Pictures(
        confusion=_confusion_binary(answers),
        roc=roc_curve(answers.y, answers.score) if both else (),
        precision_recall=precision_recall_curve(answers.y, answers.score) if both else (),
        calibration=bins,
        calibration_error=rounded(error),
        scores=_histogram_by_class(answers),
        thresholds=tuple(_at(answers, threshold) for threshold in _thresholds(answers)),
    )


def roc_curve(y: Floats, score: Floats) -> tuple[Point, ...]:
    """(false positive rate, true positive rate), one point per distinct score, thinned evenly."""
    true, false = _cumulated(y, score)
    return _thinned(np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1]))


def precision_recall_curve(y: Floats, score: Floats) -> tuple[Point, ...]:
    """(recall, precision), from the highest score downwards, one point per distinct score, thinned evenly."""
    true, false = _cumulated(y, score)
    return _thinned(true / true[-1], true / (true + false))


def _cumulated(y: Floats, score: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = y[order]
    return np.cumsum(hits)[ends], np.cumsum(1.0 - hits)[ends]


def _thinned(x: Floats, y: Floats) -> tuple[Point, ...]:
    at = np.unique(np.linspace(0, len(x) - 1, min(len(x), CURVE_POINTS)).round().astype(int))
    return tuple((rounded(x[i]), rounded(y[i])) for i in at)


def calibration_bins(y: Floats, score: Floats, *, shares: bool = True) -> tuple[CalibrationBin, ...]:
    """Rows in tenths by score, equal scores together; 95% intervals (Wilson for shares, normal for means)."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]))
    place = np.searchsorted(edges, score, side="left")
    bins = []
    for number in np.unique(place):
        which = place == number
        n, observed = int(which.sum()), float(y[which].mean())
        if shares:
            low, high = wilson(observed, n)
        else:
            half = 1.96 * float(y[which].std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
            low, high = observed - half, observed + half
        if math.isfinite(low):
            bins.append(
                CalibrationBin(
                    rounded(score[which].mean()), rounded(observed), rounded(low), rounded(high), n
                )
            )
    return tuple(bins)


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a share of n rows (Wilson 1927): honest near 0 and 1, where the normal one is not."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _thresholds(answers: Answers) -> list[float]:
    """The model's own threshold, and those that would choose the given shares of the rows; ascending."""
    by_share = np.quantile(answers.score, 1 - np.array(CHOSEN))
    return sorted({answers.threshold, *(round(float(one), 4) for one in by_share)})


def _at(answers: Answers, threshold: float) -> ThresholdRow:
    flagged = answers.score >= threshold
    hits = float(answers.y[flagged].sum())
    positives, chosen = float(answers.y.sum()), int(flagged.sum())
    precision = hits / chosen if chosen else None
    recall = hits / positives if positives else None
    f1 = 2 * hits / (chosen + positives) if chosen + positives else None
    return ThresholdRow(
        threshold,
        rounded(flagged.mean()),
        *(None if figure is None else rounded(figure) for figure in (precision, recall, f1)),
    )


def _confusion_binary(answers: Answers) -> tuple[tuple[int, ...], ...]:
    place = answers.classes.index(answers.positive)
    said = np.where(answers.score >= answers.threshold, place, 1 - place)
    true = np.where(answers.y == 1, place, 1 - place)
    return _confusion(true, said, 2)


def _confusion_several(answers: Answers) -> tuple[tuple[int, ...], ...]:
    known = answers.y >= 0
    return _confusion(answers.y[known].astype(int), answers.score[known].argmax(axis=1), len(answers.classes))


def _confusion(true: NDArray[Any], said: NDArray[Any], k: int) -> tuple[tuple[int, ...], ...]:
    counts = np.bincount(true * k + said, minlength=k * k).reshape(k, k)
    return tuple(tuple(row) for row in counts.tolist())


def _histogram_by_class(answers: Answers) -> Histogram:
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    negative = next(name for name in answers.classes if name != answers.positive)
    counts = {
        name: tuple(np.histogram(answers.score[answers.y == value], bins=edges)[0].tolist())
        for name, value in ((negative, 0), (answers.positive, 1))
    }
    return Histogram(tuple(rounded(edge) for edge in edges), counts)


def _histogram_of_errors(errors: Floats) -> Histogram:
    low, high = float(errors.min()), float(errors.max())
    if high - low <= 1e-9 * max(1.0, abs(low), abs(high)):  # all alike: one bin around them
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(errors, bins=HISTOGRAM_BINS, range=(low, high))
    return Histogram(tuple(rounded(edge) for edge in edges), {"predicted minus true": tuple(counts.tolist())})
