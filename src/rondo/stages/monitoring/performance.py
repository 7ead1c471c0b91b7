"""How right the model was, from the outcomes that came back; and before they come, how right it believes to be. Pure.

The estimate is the expected accuracy under calibrated probabilities: a row that is decided positive is right with
probability p, another one with 1 - p (confidence-based performance estimation; Guillory et al., Predicting with
Confidence on Unseen Distributions, 2021). It knows nothing of a change in what the scores mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.bundle.reference import CalibrationPoint
from rondo.contract.metrics import find_metric
from rondo.records.candidate import Measured
from rondo.records.metrics import measure
from rondo.records.ranking import Groups, parse

LIST, SHOWN = "_list", "_shown"
OF_A_LIST = ":"
"""Stands between a list and its item in a prediction id."""
_TRUE = frozenset({"1", "1.0", "true", "yes"})


def labelled(predictions: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """The predictions whose outcome is known, with it in the column `outcome`; order by event time.

    Of lists of items every item counts as soon as one of them has an outcome, those without one as not wanted; and
    a wanted item that was not shown is a row of its own, not `shown`, with the score 0.
    """
    known = outcomes.select(
        "prediction_id",
        pl.col("value").alias("outcome"),
        (pl.col("at") if "at" in outcomes.columns else pl.lit(None)).alias("told_at"),
    )
    if predictions.height and predictions["prediction_id"].str.contains(OF_A_LIST, literal=True).any():
        return _labelled_items(predictions, known)
    return (
        predictions.join(known, on="prediction_id")
        .unique("prediction_id", keep="first", maintain_order=True)
        .sort("event_time", "prediction_id")
    )


def _labelled_items(predictions: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    list_of = pl.col("prediction_id").str.split(OF_A_LIST).list.first().alias(LIST)
    shown = predictions.with_columns(list_of, pl.lit(value=True).alias(SHOWN))
    known = known.with_columns(list_of).unique("prediction_id", keep="first", maintain_order=True)
    told = known.group_by(LIST).agg(pl.col("told_at").max())
    items = shown.join(told, on=LIST).join(
        known.select("prediction_id", "outcome"), on="prediction_id", how="left"
    )
    missed = (
        known.filter(~pl.col("prediction_id").str.ends_with(OF_A_LIST))
        .join(shown.select("prediction_id"), on="prediction_id", how="anti")
        .select("prediction_id", LIST, "outcome", "told_at")
    )
    lists = shown.drop("prediction_id", "score", SHOWN).unique(LIST, keep="first", maintain_order=True)
    missed = missed.join(lists, on=LIST).with_columns(
        pl.lit(0.0).alias("score"), pl.lit(value=False).alias(SHOWN)
    )
    rows = pl.concat([items, missed.select(items.columns)], how="vertical_relaxed")
    return rows.with_columns(pl.col("outcome").fill_null("0")).sort("event_time", "prediction_id")


def measured(
    metric: str, rows: pl.DataFrame, *, positive: str, threshold: float, classes: Sequence[str] = ()
) -> Measured:
    """The metric over labelled rows, without an interval.

    Args:
        positive: the class that counts as 1; empty for several classes and for regression.
        classes: all of them; empty for regression.
    """
    if positive:
        truth = np.array([is_positive(value, positive) for value in rows["outcome"]], dtype=np.float64)
        if parse(metric) is not None:
            return _of_lists(metric, rows, truth)
        return measure(metric, truth, rows["score"].to_numpy(), threshold=threshold, resamples=0)
    if classes:
        return _of_several(metric, rows, classes)
    truth = rows["outcome"].cast(pl.Float64, strict=False).to_numpy()
    return measure(metric, truth, rows["score"].to_numpy(), threshold=threshold, resamples=0)


def _of_lists(metric: str, rows: pl.DataFrame, truth: NDArray[np.float64]) -> Measured:
    """Over the lists with an outcome; one of which nothing was wanted has the value 0."""
    if LIST not in rows.columns:
        return Measured(None, n=rows.height, note="the log holds no lists")
    whose, score = rows[LIST], rows["score"].to_numpy()
    groups = Groups.of(whose.rank("dense").to_numpy(), None, rows[SHOWN].to_numpy())
    found = measure(metric, truth, score, task="ranking", groups=groups, resamples=0)
    lists = whose.n_unique()
    if found.value is None:
        return replace(found, value=0.0 if lists else None, n=lists)
    return replace(found, value=found.value * found.n / lists, n=lists)


def _of_several(metric: str, rows: pl.DataFrame, classes: Sequence[str]) -> Measured:
    """Of several classes the log keeps the decided one: what needs every probability has no value."""
    known = find_metric(metric)
    if known is None or known.needs_score:
        return Measured(None, n=rows.height, note="the log keeps the decided class, not every probability")
    index = {name: place for place, name in enumerate(classes)}
    truth = np.array([index.get(value, -1) for value in rows["outcome"]], dtype=np.float64)
    decided = np.zeros((rows.height, len(classes)))
    for row, name in enumerate(rows["label"]):
        if name in index:
            decided[row, index[name]] = 1.0
    return replace(measure(metric, truth, decided, task="multiclass", resamples=0), n=rows.height)


def estimated_accuracy(
    scores: NDArray[np.floating], calibration: Sequence[CalibrationPoint], *, threshold: float
) -> float | None:
    """The accuracy to be expected of two-class answers with these scores; None without a finite score."""
    known = np.asarray(scores, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return None
    chance = calibrated(known, calibration)
    return float(np.where(known >= threshold, chance, 1.0 - chance).mean())


def calibrated(scores: NDArray[np.float64], calibration: Sequence[CalibrationPoint]) -> NDArray[np.float64]:
    """The probabilities that the scores stood for on the judged rows; without such rows the scores themselves."""
    if not calibration:
        return np.clip(scores, 0.0, 1.0)
    at = np.array([point.score for point in calibration])
    share = np.array([point.positives for point in calibration])
    found: NDArray[np.float64] = np.interp(scores, at, share)
    return found


def is_positive(value: str, positive: str) -> bool:
    """Whether an outcome names the positive class; a class 1 or true may also be called the other way."""
    return value == positive or (value.lower() in _TRUE and positive.lower() in _TRUE)
