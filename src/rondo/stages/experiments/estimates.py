"""A variant's value of a metric, with how exactly it is known. Pure.

Metrics of outcomes are over entities, each by its first answer that has an outcome: rates, means, and ratios of means
(precision, recall, f1) by the delta method; the area under the ROC curve after E. DeLong and others (Comparing the
Areas under Two or More Correlated ROC Curves, 1988). Metrics of requests are from what the servers counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.contract.ab_test import compared_name, of_requests
from rondo.contract.metrics import LATENCIES
from rondo.records.experiment import Truth
from rondo.records.intervals import Estimate, Mean, Quantile, Rate, mean_of, ratio_of
from rondo.records.outcomes import are_class
from rondo.records.prediction import RequestFigures

Floats = NDArray[np.float64]
_SMALLEST = 1e-15


@dataclass(frozen=True, slots=True)
class Requests:
    """What the servers counted of one version."""

    requests: int
    errors: int
    latency_s: tuple[float, ...]  # sorted; a sample, each interval by its own number of requests


@dataclass(frozen=True, slots=True)
class Group:
    """One variant: its entities with an outcome (see Exposed.labelled), and its requests."""

    labelled: pl.DataFrame
    requests: Requests


def requests_of(figures: Sequence[RequestFigures], version: str, rows: pl.DataFrame) -> Requests:
    """What the servers counted of that version; without their samples, the times of `rows` (Exposed.entities)."""
    own = [one.versions[version] for one in figures if version in one.versions]
    parts = [(one.requests, np.asarray(one.latency_ms)) for one in own if one.latency_ms]
    if parts:
        # Each interval kept at most so many times: a busy one stands for more requests than a quiet one.
        rarest = max(requests / sample.size for requests, sample in parts)
        kept = [
            sample[: max(1, round(requests / max(rarest, 1.0)))]
            if requests / sample.size < rarest
            else sample
            for requests, sample in parts
        ]
        times = np.concatenate(kept)
    else:
        times = rows["latency_ms"].drop_nulls().to_numpy()
    times = np.sort(times[np.isfinite(times)]) / 1e3
    return Requests(
        sum(one.requests for one in own), sum(one.errors for one in own), tuple(float(t) for t in times)
    )


def estimate(metric: str, group: Group, truth: Truth) -> Estimate:
    """The group's value of the metric.

    Args:
        metric: one of `experiment_metrics`.
        truth: how outcomes are read.
    """
    name = compared_name(metric)
    if of_requests(name):
        if name in LATENCIES:
            return Quantile(_share(name), group.requests.latency_s)
        return Rate(group.requests.errors, group.requests.requests)
    return of_outcomes(name, group.labelled, truth)


def of_outcomes(name: str, rows: pl.DataFrame, truth: Truth) -> Estimate:
    """The value of a metric of outcomes over these entities."""
    if not rows.height:
        return Rate(0, 0)
    if truth.numbers:
        return _of_numbers(name, rows)
    outcomes = rows["outcome"].to_list()
    if name == "conversion_rate":
        return Rate(int(are_class(outcomes, truth.conversion).sum()), rows.height)
    if name == "accuracy":
        return Rate(int((rows["label"] == rows["outcome"]).sum()), rows.height)
    positive = are_class(outcomes, truth.positive)
    decided = are_class(rows["label"].to_list(), truth.positive)
    if name in _COUNTED:
        counted, among = _COUNTED[name](positive, decided)
        return Rate(int((counted & among).sum()), int(among.sum()))
    return _SCORED[name](positive.astype(np.float64), decided, rows["score"].to_numpy().astype(np.float64))


def _of_numbers(name: str, rows: pl.DataFrame) -> Mean:
    actual = rows["outcome"].cast(pl.Float64, strict=False).to_numpy()
    error = np.abs(rows["score"].to_numpy() - actual)
    match name:
        case "outcome_mean":
            return mean_of(actual)
        case "mae":
            return mean_of(error)
        case "rmse":
            squared = mean_of(error**2)
            root = math.sqrt(squared.value)
            return Mean(root, squared.error / (2 * root) if root else math.nan, squared.n)
        case "wape":
            return ratio_of(error, np.abs(actual))
        case _:
            some = actual != 0
            return mean_of(error[some] / np.abs(actual[some]))


_Counts = Callable[[NDArray[np.bool_], NDArray[np.bool_]], tuple[NDArray[np.bool_], NDArray[np.bool_]]]
_COUNTED: Mapping[str, _Counts] = {
    "churn_rate": lambda positive, _: (positive, np.ones_like(positive)),
    "precision": lambda positive, decided: (positive, decided),
    "recall": lambda positive, decided: (decided, positive),
    "specificity": lambda positive, decided: (~decided, ~positive),
    "false_positive_rate": lambda positive, decided: (decided, ~positive),
}


def _f1(positive: Floats, decided: NDArray[np.bool_], _: Floats) -> Estimate:
    found = positive * decided
    return ratio_of(2 * found, positive + decided)


def _balanced_accuracy(positive: Floats, decided: NDArray[np.bool_], _: Floats) -> Estimate:
    recall = ratio_of(positive * decided, positive)
    specificity = ratio_of((1 - positive) * ~decided, 1 - positive)
    error = math.hypot(recall.error, specificity.error) / 2
    return Mean((recall.value + specificity.value) / 2, error, positive.size)


def _brier(positive: Floats, _: NDArray[np.bool_], score: Floats) -> Estimate:
    return mean_of((score - positive) ** 2)


def _log_loss(positive: Floats, _: NDArray[np.bool_], score: Floats) -> Estimate:
    right = np.where(positive > 0, score, 1 - score)
    return mean_of(-np.log(np.clip(right, _SMALLEST, 1.0)))


def _auc_roc(positive: Floats, _: NDArray[np.bool_], score: Floats) -> Estimate:
    above, below = np.sort(score[positive > 0]), np.sort(score[positive == 0])
    if min(above.size, below.size) < 2:
        return Mean(math.nan, math.nan, positive.size)
    of_positives = _places(below, above)
    of_negatives = 1 - _places(above, below)
    error = math.sqrt(of_positives.var(ddof=1) / above.size + of_negatives.var(ddof=1) / below.size)
    return Mean(float(of_positives.mean()), error, positive.size)


def _places(among: Floats, values: Floats) -> Floats:
    """Which share of `among` lies below each value; equal ones count half."""
    low = np.searchsorted(among, values, side="left")
    return (low + np.searchsorted(among, values, side="right")) / 2 / among.size


_SCORED: Mapping[str, Callable[[Floats, NDArray[np.bool_], Floats], Estimate]] = {
    "f1": _f1,
    "balanced_accuracy": _balanced_accuracy,
    "brier": _brier,
    "log_loss": _log_loss,
    "auc_roc": _auc_roc,
}


def _share(name: str) -> float:
    """`p99_latency` -> 0.99"""
    return int(name[1:3]) / 100
