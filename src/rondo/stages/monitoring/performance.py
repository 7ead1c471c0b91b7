"""How right the model was, from the outcomes that came back. Pure."""

from __future__ import annotations

import numpy as np
import polars as pl

from rondo.records.candidate import Measured
from rondo.records.metrics import measure

_TRUE = frozenset({"1", "1.0", "true", "yes"})


def labelled(predictions: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """The predictions whose outcome is known, with it in the column `outcome`; order by event time."""
    return (
        predictions.join(
            outcomes.select("prediction_id", pl.col("value").alias("outcome")), on="prediction_id"
        )
        .unique("prediction_id", keep="first", maintain_order=True)
        .sort("event_time", "prediction_id")
    )


def measured(metric: str, rows: pl.DataFrame, *, positive: str, threshold: float) -> Measured:
    """The metric over labelled rows; `positive` is the class that counts as 1, empty for regression."""
    if not positive:
        truth = rows["outcome"].cast(pl.Float64, strict=False).to_numpy()
    else:
        truth = np.array([is_positive(value, positive) for value in rows["outcome"]], dtype=np.float64)
    return measure(metric, truth, rows["score"].to_numpy(), threshold=threshold)


def is_positive(value: str, positive: str) -> bool:
    """Whether an outcome names the positive class; a class 1 or true may also be called the other way."""
    return value == positive or (value.lower() in _TRUE and positive.lower() in _TRUE)
