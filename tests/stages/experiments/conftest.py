"""Experiments of a practice world: who comes, which variant answers, and what becomes of them is drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from rondo.records.experiment import ExperimentPlan, ExperimentVariant, Guardrail, Truth
from rondo.records.prediction import RequestFigures, VersionFigures
from rondo.stages.experiments.reading import Logged

START = datetime(2026, 5, 4, tzinfo=UTC)
CONTROL = ExperimentVariant("control", "1.2.3", 0.5)
TREATMENT = ExperimentVariant("treatment", "2.0.0", 0.5)


@dataclass(frozen=True)
class World:
    """What really holds, by variant."""

    seed: int = 0
    entities: int = 2_000
    days: float = 10.0
    positive: Mapping[str, float] = field(default_factory=lambda: {"control": 0.2, "treatment": 0.2})
    told: Mapping[str, float] = field(default_factory=lambda: {"control": 1.0, "treatment": 1.0})
    split: Sequence[float] = (0.5, 0.5)
    errors: Mapping[str, float] = field(default_factory=lambda: {"control": 0.001, "treatment": 0.001})
    slow: Mapping[str, float] = field(default_factory=lambda: {"control": 1.0, "treatment": 1.0})

    def logged(self) -> Logged:
        """Its log: an answer per entity."""
        chance = np.random.default_rng(self.seed)
        place = chance.choice(2, self.entities, p=self.split)
        variants = [(CONTROL, TREATMENT)[one] for one in place]
        moments = np.sort(chance.random(self.entities)) * self.days * 86_400
        positive = [chance.random() < self.positive[one.name] for one in variants]
        told = [chance.random() < self.told[one.name] for one in variants]
        rows = [
            row(f"p{n}", START + timedelta(seconds=float(moments[n])), variant.version, f"user {n}")
            for n, variant in enumerate(variants)
        ]
        outcomes = [(f"p{n}", "1" if positive[n] else "0") for n in range(self.entities) if told[n]]
        figures = [
            RequestFigures(
                START + timedelta(hours=12), 1.0, 0, 0, 0, (), 0, 0, 0,
                versions={
                    variant.version: VersionFigures(
                        count := int((place == which).sum()),
                        int(chance.binomial(count, self.errors[variant.name])),
                        tuple(chance.gamma(4.0, 2.0, count) * self.slow[variant.name]),
                    )
                },
            )
            for which, variant in enumerate((CONTROL, TREATMENT))
        ]  # fmt: skip
        return Logged(frame(rows), outcome_frame(outcomes), figures)


def row(
    name: str,
    at: datetime,
    version: str,
    entity: str | None,
    *,
    score: float = 0.5,
    label: str = "1",
    shadow: bool = False,
) -> dict[str, object]:
    """A row of the prediction log."""
    return {
        "prediction_id": name, "at": at, "event_time": at, "version": version, "entity": entity,
        "score": score, "label": label, "latency_ms": 5.0, "shadow": shadow,
    }  # fmt: skip


def frame(rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """The rows as the log gives them."""
    moment = pl.Datetime("us", "UTC")
    schema = {
        "prediction_id": pl.String, "at": moment, "event_time": moment, "version": pl.String,
        "entity": pl.String, "score": pl.Float64, "label": pl.String, "latency_ms": pl.Float64,
        "shadow": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(list(rows), schema=schema)


def outcome_frame(told: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Outcomes (prediction id, value) as the log gives them."""
    return pl.DataFrame(list(told), schema={"prediction_id": pl.String, "value": pl.String}, orient="row")


def make_plan(**changes: object) -> ExperimentPlan:
    """A plan with conversion rate and a guardrail on errors."""
    plain: dict[str, object] = {
        "name": "churn_model_v2",
        "control": CONTROL,
        "treatments": (TREATMENT,),
        "primary": "conversion_rate",
        "guardrails": (Guardrail("error_rate", 0.05),),
        "min_sample_size": 200,
        "duration_s": 14 * 86_400.0,
        "minimum_effect": 0.1,
        "confidence": 0.95,
        "power": 0.8,
        "truth": Truth(positive="1", conversion="1"),
    }
    return ExperimentPlan(**(plain | changes))  # type: ignore[arg-type]


@pytest.fixture
def plan() -> Callable[..., ExperimentPlan]:
    return make_plan


@pytest.fixture
def world() -> type[World]:
    return World
