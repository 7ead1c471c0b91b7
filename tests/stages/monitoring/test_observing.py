from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from rondo.bundle.reference import Reference, describe_categories, describe_numbers
from rondo.contract.monitoring import Monitoring
from rondo.records.monitoring import Observation
from rondo.records.prediction import RequestFigures
from rondo.stages.monitoring import Evidence, Served, alerts_after, observe

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WATCHED = Monitoring.model_validate(
    {
        "model_metrics": {
            "accuracy": {"threshold": 0.85, "alert_on": "below"},
            "latency_p99": {"threshold": 100, "alert_on": "above", "unit": "ms"},
            "error_rate": {"threshold": 0.01, "alert_on": "above"},
        },
        "drift_metrics": {"psi": {"threshold": 0.1, "alert_on": "above"}},
        "system_metrics": {
            "cpu_usage": {"threshold": 80, "alert_on": "above", "unit": "%"},
            "gpu_utilization": {"threshold": 90, "alert_on": "above", "unit": "%"},
        },
        "window": "30d",
        "min_samples": 50,
    }
)
TRAINED = np.random.default_rng(0).normal(size=2000)
SERVED = Served(
    "1.0.0",
    ("spend",),
    ("plan",),
    "1",
    0.5,
    Reference(
        2000,
        10,
        {"spend": describe_numbers(TRAINED, 10)},
        {"plan": describe_categories(["a", "b"] * 1000)},
        describe_numbers(TRAINED, 10),
    ),
)
NO_OUTCOMES = pl.DataFrame(schema={"prediction_id": pl.String, "value": pl.String})


def predictions(
    rows: int, *, shift: float = 0.0, score: float = 0.9, version: str = "1.0.0", days_ago: int = 1
) -> pl.DataFrame:
    spend = np.random.default_rng(1).normal(shift, 1, rows)
    return pl.DataFrame(
        {
            "prediction_id": [f"{version}-{days_ago}-{i}" for i in range(rows)],
            "event_time": [NOW - timedelta(days=days_ago, seconds=i) for i in range(rows)],
            "version": version,
            "score": score,
            "shadow": False,
            "numerical": [[float(x)] for x in spend],
            "categorical": [["a" if i % 2 else "b"] for i in range(rows)],
        }
    )


def outcomes(of: pl.DataFrame, right: float) -> pl.DataFrame:
    n = of.height
    return pl.DataFrame(
        {"prediction_id": of["prediction_id"], "value": ["1" if i < right * n else "0" for i in range(n)]}
    )


def seen(evidence: Evidence, metric: str, feature: str | None = None) -> Observation:
    return next(
        o for o in observe(WATCHED, SERVED, evidence, now=NOW) if (o.metric, o.feature) == (metric, feature)
    )


def test_accuracy_comes_from_outcomes_of_the_newest_window() -> None:
    old, new = predictions(100, days_ago=60), predictions(100)
    both = pl.concat([old, new])
    known = pl.concat([outcomes(old, 1.0), outcomes(new, 0.7)])
    figure = seen(Evidence(both, known, ()), "accuracy")
    assert (figure.state, figure.value, figure.n) == ("breached", 0.7, 100)


def test_without_outcomes_accuracy_is_missing_and_never_fine() -> None:
    assert seen(Evidence(predictions(100), NO_OUTCOMES, ()), "accuracy").state == "missing"


def test_too_few_rows_are_not_enough() -> None:
    assert seen(Evidence(predictions(20, shift=3), NO_OUTCOMES, ()), "psi", "spend").state == "not_enough"


def test_drift_is_told_per_feature() -> None:
    evidence = Evidence(predictions(500, shift=1.0), NO_OUTCOMES, ())
    assert seen(evidence, "psi", "spend").state == "breached"
    assert seen(evidence, "psi", "plan").state == "fine"


def test_features_that_follow_the_calendar_are_not_compared() -> None:
    evidence = Evidence(predictions(500, shift=1.0), NO_OUTCOMES, ())
    served = replace(SERVED, calendar=frozenset({"spend"}))
    assert {o.feature for o in observe(WATCHED, served, evidence, now=NOW) if o.metric == "psi"} == {"plan"}


def test_other_versions_do_not_count() -> None:
    assert (
        seen(Evidence(predictions(500, version="2.0.0"), NO_OUTCOMES, ()), "psi", "spend").state == "missing"
    )


def test_system_figures_come_from_requests() -> None:
    figures = [RequestFigures(NOW, 1.0, 100, 3, 0, (5.0,) * 99 + (250.0,), 0.5, 0.2, 10)]
    evidence = Evidence(predictions(100), NO_OUTCOMES, figures)
    assert seen(evidence, "error_rate").state == "breached"
    assert seen(evidence, "cpu_usage").value == 50.0
    assert seen(evidence, "latency_p99").state == "fine"
    assert seen(Evidence(predictions(100), NO_OUTCOMES, ()), "error_rate").state == "missing"


def test_a_figure_that_nothing_reads_is_not_available_and_not_zero() -> None:
    gpu = seen(Evidence(predictions(100), NO_OUTCOMES, ()), "gpu_utilization")
    assert (gpu.state, gpu.value) == ("not_available", None)


def test_an_alert_opens_once_goes_on_and_closes_only_when_the_figure_is_fine() -> None:
    moved = observe(WATCHED, SERVED, Evidence(predictions(500, shift=1.0), NO_OUTCOMES, ()), now=NOW)
    first = alerts_after(WATCHED, (), moved, now=NOW)
    assert [alert.key for alert in first.opened] == ["psi/spend"]
    later = NOW + timedelta(hours=1)
    second = alerts_after(WATCHED, first.opened, moved, now=later)
    assert (second.opened, second.recovered) == ((), ())
    assert second.kept[0].opened_at == NOW
    silent = observe(WATCHED, SERVED, Evidence(predictions(5), NO_OUTCOMES, ()), now=later)
    assert alerts_after(WATCHED, second.kept, silent, now=later).changed == ()
    fine = observe(WATCHED, SERVED, Evidence(predictions(500), NO_OUTCOMES, ()), now=later)
    assert alerts_after(WATCHED, second.kept, fine, now=later).recovered[0].recovered_at == later
