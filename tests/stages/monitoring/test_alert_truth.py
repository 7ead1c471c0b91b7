"""R47 in small: each fault alarms once, within two looks, and a quiet day alarms nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from rondo.bundle.reference import Reference, describe_categories, describe_numbers
from rondo.contract.monitoring import Monitoring
from rondo.contract.problem import Criterion
from rondo.records.monitoring import AcceleratorFigures, Alert, Observation
from rondo.records.prediction import RequestFigures
from rondo.stages.monitoring import Evidence, Served, alerts_after, current, due, is_live, name_of, observe

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
PER_HOUR = 200
ABOVE = {"alert_on": "above"}
WATCHED = Monitoring.model_validate(
    {
        "model_metrics": {
            "accuracy": {"threshold": 0.85, "alert_on": "below"},
            "latency_p99": {"threshold": 100, "unit": "ms", **ABOVE},
            "error_rate": {"threshold": 0.01, **ABOVE},
        },
        "drift_metrics": {
            "psi": {"threshold": 0.1, **ABOVE},
            "ks_statistic": {"threshold": 0.1, **ABOVE},
            "missing_rate": {"threshold": 0.05, **ABOVE},
            "unseen_rate": {"threshold": 0.02, **ABOVE},
        },
        "system_metrics": {
            "cpu_usage": {"threshold": 80, "unit": "%", **ABOVE},
            "memory_usage": {"threshold": 80, "unit": "%", **ABOVE},
            "gpu_utilization": {"threshold": 90, "unit": "%", **ABOVE},
        },
    }
)
CRITERIA = {"availability": Criterion.model_validate({"min": "99%"})}


@dataclass(frozen=True)
class World:
    """What is logged in an hour; a fault is another world."""

    shift: float = 0.0
    spread: float = 1.0
    missing: float = 0.02
    unknown: float = 0.0
    plans: tuple[float, float] = (0.5, 0.5)
    score_shift: float = 0.0
    right: float = 0.93
    latency_ms: float = 20.0
    errors: int = 0
    cpu: float = 0.3
    memory: float = 0.4
    gpu: float = 0.2


def rows_of(world: World, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, list[str], np.ndarray]:
    spend = rng.normal(world.shift, world.spread, rows)
    spend[rng.random(rows) < world.missing] = np.nan
    plans = rng.choice(["a", "b"], rows, p=world.plans)
    plans[rng.random(rows) < world.unknown] = "z"
    scores = np.clip(rng.beta(2, 5, rows) + world.score_shift, 0, 1)
    return spend, plans.tolist(), scores


def served() -> Served:
    spend, plans, scores = rows_of(World(), 8000, np.random.default_rng(0))
    reference = Reference(
        8000,
        10,
        {"spend": describe_numbers(spend, 10)},
        {"plan": describe_categories(plans)},
        describe_numbers(scores, 10),
    )
    return Served("1", ("spend",), ("plan",), "1", 0.5, reference, categories={"plan": frozenset("ab")})


def hour(world: World, number: int) -> tuple[pl.DataFrame, pl.DataFrame, RequestFigures]:
    rng = np.random.default_rng([7, number])
    spend, plans, scores = rows_of(world, PER_HOUR, rng)
    start = MIDNIGHT + number * HOUR
    names = [f"{number}-{row}" for row in range(PER_HOUR)]
    asked = pl.DataFrame(
        {
            "prediction_id": names,
            "event_time": [start + timedelta(seconds=10 * row) for row in range(PER_HOUR)],
            "version": "1",
            "score": scores,
            "shadow": False,
            "numerical": [[None if value != value else value] for value in spend.tolist()],
            "categorical": [[plan] for plan in plans],
        }
    )
    right = rng.random(PER_HOUR) < world.right
    told = pl.DataFrame(
        {
            "prediction_id": names,
            "value": [str(int((score >= 0.5) == ok)) for score, ok in zip(scores, right, strict=True)],
        }
    )
    times = tuple(float(world.latency_ms * factor) for factor in rng.uniform(0.5, 1.5, 50))
    at = start + HOUR - timedelta(seconds=1)
    figures = RequestFigures(at, 3600.0, PER_HOUR, world.errors, 0, times, world.cpu, world.memory, 1000)
    return asked, told, figures


def looks(world_at: Callable[[int], World], hours: int) -> tuple[list[Alert], int]:
    """Every alert of hourly looks, and how many messages were said about them."""
    version, heard, said = served(), dict[str, datetime](), 0
    logged: list[tuple[pl.DataFrame, pl.DataFrame, RequestFigures]] = []
    known: dict[str, Observation] = {}
    alerts: dict[str, Alert] = {}
    for number in range(hours):
        world, now = world_at(number), MIDNIGHT + (number + 1) * HOUR
        logged.append(hour(world, number))
        evidence = Evidence(
            pl.concat([one[0] for one in logged]),
            pl.concat([one[1] for one in logged]),
            [one[2] for one in logged],
            (AcceleratorFigures("gpu", world.gpu, 0.5),),
        )
        found = observe(WATCHED, version, evidence, now=now, known=known, criteria=CRITERIA)
        speaking = current([*(seen for seen in known.values() if not is_live(seen)), *found])
        known |= {seen.identity: seen for seen in found}
        changed = alerts_after(WATCHED, alerts.values(), speaking, now=now).changed
        alerts |= {name_of(alert): alert for alert in changed}
        asked = due(alerts.values(), heard, repeat_every=timedelta(days=1), now=now)
        said += len(asked)
        heard |= {name_of(alert): now for alert in asked}
    return list(alerts.values()), said


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"shift": 1.5}, "psi/spend"),
        ({"shift": 1.5}, "ks_statistic/spend"),
        ({"spread": 4.0}, "psi/spend"),
        ({"missing": 0.5}, "missing_rate/spend"),
        ({"missing": 1.0}, "psi/spend"),
        ({"unknown": 0.3}, "unseen_rate/plan"),
        ({"plans": (0.95, 0.05)}, "psi/plan"),
        ({"score_shift": 0.4}, "psi/prediction"),
        ({"right": 0.5}, "accuracy"),
        ({"latency_ms": 400.0}, "latency_p99"),
        ({"errors": 40}, "error_rate"),
        ({"errors": 40}, "service_level/availability"),
        ({"errors": 60}, "service_level/availability_burn_1h"),
        ({"cpu": 1.0}, "cpu_usage"),
        ({"memory": 1.0}, "memory_usage"),
        ({"gpu": 0.99}, "gpu_utilization"),
    ],
)
def test_a_fault_alarms_once_and_is_said_once(fault: dict[str, float], expected: str) -> None:
    alerts, said = looks(lambda _: replace(World(), **fault), 3)  # type: ignore[arg-type]
    (alert,) = (one for one in alerts if one.key == expected)
    assert alert.fired_at is not None
    assert alert.fired_at - MIDNIGHT <= 2 * HOUR
    assert alert.recovered_at is None
    assert said == len(alerts)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [({"latency_ms": 400.0}, "latency_p99"), ({"cpu": 1.0}, "cpu_usage"), ({"errors": 60}, "error_rate")],
)
def test_a_fault_of_the_evening_is_not_hidden_by_a_quiet_day(fault: dict[str, float], expected: str) -> None:
    alerts, _ = looks(lambda number: replace(World(), **fault) if number >= 20 else World(), 22)  # type: ignore[arg-type]
    (alert,) = (one for one in alerts if one.key == expected)
    assert alert.opened_at <= MIDNIGHT + 22 * HOUR


def test_a_quiet_day_alarms_nobody() -> None:
    assert looks(lambda _: World(), 24) == ([], 0)


def test_an_alarm_ends_when_the_fault_does() -> None:
    alerts, said = looks(lambda number: World(gpu=0.99 if number < 2 else 0.2), 5)
    (alert,) = alerts
    assert (alert.key, alert.recovered_at) == ("gpu_utilization", MIDNIGHT + 3 * HOUR)
    assert said == 2
