"""Who was answered by which variant, and what became of them: a row per entity. Pure.

The first answer since the start counts, whatever came later. What control answered before the first answer of a
treatment is no exposure: until then servers went by the routes of before, and nobody could have met the other variant.
An entity that two variants answered belongs to neither and is left out; rows without an entity cannot be told apart
and are left out; a shadow's answers are nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from rondo.records.experiment import DayOfExposures, ExperimentPlan

SHOWN_DAYS = 120
TAKEN_UP_WITHIN = timedelta(seconds=5)
"""How long after the start servers may still answer by the routes of before; they look for new ones all the time."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """`entities` in the order of their exposure, with the columns entity, variant, exposed_at, latency_ms and, null
    where no outcome is known, score, label and outcome."""

    entities: pl.DataFrame
    crossed: int  # entities that two variants answered
    nameless: int  # answers without an entity

    @property
    def labelled(self) -> pl.DataFrame:
        """Those with an outcome."""
        return self.entities.filter(pl.col("outcome").is_not_null())

    def counts(self, plan: ExperimentPlan) -> dict[str, int]:
        """Entities per variant, control first."""
        found = dict(self.entities.group_by("variant").len().iter_rows())
        return {variant.name: found.get(variant.name, 0) for variant in plan.variants}


def expose(
    plan: ExperimentPlan,
    predictions: pl.DataFrame,
    outcomes: pl.DataFrame,
    *,
    start: datetime,
    end: datetime | None = None,
) -> Exposed:
    """Who was exposed from `start` on and before `end`, by the moment of the answer, whatever it is about.

    Args:
        predictions: see PredictionLog.
        outcomes: see PredictionLog; of an entity's answers the first one with an outcome tells its outcome.
    """
    names = {variant.version: variant.name for variant in plan.variants}
    own = predictions.filter(
        ~pl.col("shadow") & pl.col("version").is_in(list(names)) & (pl.col("at") >= start)
    )
    if end is not None:
        own = own.filter(pl.col("at") < end)
    own = own.filter(pl.col("at") >= _taken_up(plan, own, start))
    nameless = own["entity"].null_count()
    rows = (
        own.filter(pl.col("entity").is_not_null())
        .with_columns(pl.col("version").replace_strict(names, return_dtype=pl.String).alias("variant"))
        .sort("at", "prediction_id")
        .join(
            outcomes.select("prediction_id", pl.col("value").alias("outcome")).unique(
                "prediction_id", keep="last"
            ),
            on="prediction_id",
            how="left",
            maintain_order="left",
        )
    )
    by_entity = rows.group_by("entity", maintain_order=True)
    first = by_entity.agg(
        pl.col("variant").first(),
        pl.col("at").first().alias("exposed_at"),
        pl.col("latency_ms").first(),
        (pl.col("variant").n_unique() > 1).alias("crossed"),
    )
    told = (
        rows.filter(pl.col("outcome").is_not_null())
        .group_by("entity", maintain_order=True)
        .agg(pl.col("score", "label", "outcome").first())
    )
    entities = first.join(told, on="entity", how="left", maintain_order="left")
    return Exposed(
        entities.filter(~pl.col("crossed")).drop("crossed"), int(first["crossed"].sum()), int(nameless)
    )


def _taken_up(plan: ExperimentPlan, own: pl.DataFrame, start: datetime) -> datetime:
    """When servers had taken up the shares of the test: with the first answer of a treatment, where it came soon."""
    treatments = [variant.version for variant in plan.treatments]
    first = own.filter(pl.col("version").is_in(treatments))["at"].min()
    return first if isinstance(first, datetime) and first - start <= TAKEN_UP_WITHIN else start


def days_of(exposed: Exposed, plan: ExperimentPlan) -> tuple[DayOfExposures, ...]:
    """New entities per UTC day, days without any included; of a long experiment the last ones."""
    rows = exposed.entities.with_columns(pl.col("exposed_at").dt.truncate("1d").alias("day"))
    if not rows.height:
        return ()
    counted: dict[datetime, dict[str, int]] = {}
    for day, variant, count in rows.group_by("day", "variant").len().iter_rows():
        counted.setdefault(day.astimezone(UTC), {})[variant] = count
    first, last = min(counted), max(counted)
    first = max(first, last - timedelta(days=SHOWN_DAYS - 1))
    nobody: Mapping[str, int] = {}
    return tuple(
        DayOfExposures(
            day, {variant.name: counted.get(day, nobody).get(variant.name, 0) for variant in plan.variants}
        )
        for day in (first + timedelta(days=place) for place in range((last - first).days + 1))
    )


def arrivals_per_day(predictions: pl.DataFrame, *, until: datetime, within: timedelta) -> float | None:
    """Different entities per day over the time before `until`; None while nobody was seen.

    Who comes back counts once, so the window should be about as long as the experiment.
    """
    rows = predictions.filter(
        ~pl.col("shadow") & pl.col("entity").is_not_null() & pl.col("at").is_between(until - within, until)
    )
    oldest = rows["at"].min()
    if not isinstance(oldest, datetime):
        return None
    days = max((until - oldest).total_seconds() / 86_400, 1.0)
    return rows["entity"].n_unique() / days
