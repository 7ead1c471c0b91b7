"""Examples with all their features beside them, and the matrix that the model learns from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from rondo.bundle.batch import MOMENT, history_values, model_values, stateless_values, typed_inputs
from rondo.bundle.plan import FeaturePlan
from rondo.bundle.user_functions import UserFunctions


def with_history(plan: FeaturePlan, events: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with typed inputs and history features; other columns stay as they are."""
    typed = typed_inputs(plan, rows)
    history = history_values(plan, events, typed)
    return typed.hstack(history.get_columns()) if history.width else typed


def with_features(
    plan: FeaturePlan, events: pl.DataFrame, rows: pl.DataFrame, functions: UserFunctions
) -> pl.DataFrame:
    """The rows with their inputs and every feature of the plan, kept or intermediate."""
    return stateless_values(plan, with_history(plan, events, rows), functions)


def matrix_of(
    plan: FeaturePlan, rows: pl.DataFrame, target: str, companions: Sequence[str] = ()
) -> pl.DataFrame:
    """Entity, event time, target and companions, then the features in the model's order; a missing number is NaN."""
    names = [name for name in (plan.entity, plan.event_time, target, *companions) if name is not None]
    made = model_values(plan, rows).with_columns(pl.col(plan.numerical).fill_null(float("nan")))
    return rows.select(names).hstack(made.get_columns())


def store_rows(plan: FeaturePlan, rows: pl.DataFrame, *, at: datetime | None = None) -> pl.DataFrame:
    """The rows as the feature store takes them: entity, times, and every field of the views."""
    assert plan.entity is not None
    moment = pl.lit(at, dtype=MOMENT) if plan.event_time is None else pl.col(plan.event_time)
    fields = list(dict.fromkeys(name for names in plan.views.values() for name in names))
    # Known as soon as true: the values are a function of earlier rows, whenever they were computed.
    times = [moment.alias("event_timestamp"), moment.alias("created_timestamp")]
    return rows.select(pl.col(plan.entity), *times, *fields)
