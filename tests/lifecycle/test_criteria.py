"""What the contract asks, line by line, beside what is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rondo.contract import Project
from rondo.lifecycle.criteria import CriterionStanding, Facts, lines
from rondo.records.dataset import Check
from rondo.records.monitoring import Observation, ObservationState
from rondo.records.verdict import Gate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROJECT = Project.model_validate(
    {
        "project": "churn",
        "business_objective": "reduce churn by 30%",
        "ml_problem": {"target": "y", "success_metric": "precision_at_recall_80", "baseline": 0.65},
        "constraints": {
            "latency": "< 100ms",
            "throughput": "1000 req/s",
            "model_size": "< 500MB",
            "interpretability": "high",
        },
        "data_requirements": {
            "historical_period": "2 years",
            "minimum_samples": 1000,
            "features": ["usage", "support"],
        },
        "success_criteria": {
            "offline_metrics": {"accuracy": {"min": 0.85, "target": 0.9}, "recall": {"target": 0.8}},
            "online_metrics": {"churn_rate_reduction": {"target": "30%"}},
            "system_metrics": {
                "p99_latency": {"max": "100ms"},
                "availability": {"min": "99.9%"},
                "throughput": {"min": "1000 req/s"},
            },
        },
        "data": {"sources": {"a": {"files": "a.csv"}}},
        "monitoring": {
            "model_metrics": {"latency_p99": {"threshold": 100, "alert_on": "above", "unit": "ms"}},
            "drift_metrics": {"psi": {"threshold": 0.1, "alert_on": "above"}},
        },
    }
)


def gate(name: str, kind: Any, found: float | None, status: Any = "passed") -> Gate:
    return Gate(name, kind, "asked", found, status, "because")


def seen(
    metric: str, value: float | None, state: ObservationState, feature: str | None = None
) -> Observation:
    return Observation(metric, value, 500, state, NOW, NOW, NOW, "1.0.0", feature, note="as noted")


def found(facts: Facts) -> dict[tuple[str, str], CriterionStanding]:
    return {(line.section, line.name): line for line in lines(PROJECT, facts)}


def test_before_anything_was_made_every_line_is_a_gap_in_words() -> None:
    nothing = found(Facts())
    assert {line.verdict for line in nothing.values()} == {"gap"}
    assert all(line.value for line in nothing.values())
    assert len(nothing) == 1 + 1 + 4 + 3 + 2 + 1 + 3 + 2


@pytest.mark.parametrize(
    ("facts", "where", "enforcer", "verdict"),
    [
        (Facts(gates=[gate("accuracy", "criterion", 0.9)]), ("offline", "accuracy"), "gate", "passed"),
        (
            Facts(gates=[gate("accuracy", "criterion", 0.9), gate("accuracy", "criterion", 0.9, "failed")]),
            ("offline", "accuracy"), "gate", "failed",
        ),
        (
            Facts(gates=[gate("precision_at_recall_80", "baseline", 0.7)]),
            ("problem", "precision_at_recall_80"), "gate", "passed",
        ),
        (
            Facts(gates=[gate("interpretability", "constraint", None, "missing")]),
            ("constraints", "interpretability"), "gate", "gap",
        ),
        (
            Facts(
                gates=[gate("latency", "constraint", 0.001)],
                preflight=[gate("constraints.latency", "constraint", 0.2, "failed")],
            ),
            ("constraints", "latency"), "pre-flight", "failed",
        ),
        (
            Facts(
                gates=[gate("latency", "constraint", 0.001)],
                preflight=[gate("constraints.latency", "constraint", None, "missing")],
            ),
            ("constraints", "latency"), "gate", "passed",
        ),
        (
            Facts(preflight=[gate("constraints.throughput", "constraint", 2500.0)]),
            ("constraints", "throughput"), "pre-flight", "passed",
        ),
        (
            Facts(checks=[Check("minimum_samples", "passed", "2,000 rows", "at least 1,000")]),
            ("data", "minimum_samples"), "data check", "passed",
        ),
        (
            Facts(checks=[Check("historical_period", "not_computable", "no times", "730 days")]),
            ("data", "historical_period"), "data check", "gap",
        ),
        (
            Facts(groups={"usage": "a view of 3 features", "support": ""}),
            ("data", "features"), "features", "failed",
        ),
        (
            Facts(observations=[seen("service_level", 0.9995, "fine", "availability")]),
            ("system", "availability"), "service level", "fine",
        ),
        (
            Facts(observations=[seen("latency_p99", 250.0, "breached")]),
            ("system", "p99_latency"), "monitoring", "breached",
        ),
        (
            Facts(
                observations=[seen("service_level", 3.0, "told", "throughput")],
                preflight=[gate("system_metrics.throughput", "constraint", 2500.0)],
            ),
            ("system", "throughput"), "pre-flight", "passed",
        ),
        (
            Facts(observations=[seen("service_level", 3.0, "told", "throughput")]),
            ("system", "throughput"), "service level", "gap",
        ),
        (
            Facts(observations=[seen("churn_rate_reduction", 0.31, "fine")]),
            ("problem", "business_objective"), "online metrics", "fine",
        ),
        (
            Facts(observations=[seen("psi", 0.01, "fine", "a"), seen("psi", 0.3, "breached", "b")]),
            ("monitoring", "psi"), "monitoring", "breached",
        ),
        (
            Facts(observations=[seen("psi", None, "not_enough", "a")]),
            ("monitoring", "psi"), "monitoring", "gap",
        ),
    ],
)  # fmt: skip
def test_the_newest_evidence_of_the_right_kind_speaks(
    facts: Facts, where: tuple[str, str], enforcer: str, verdict: str
) -> None:
    line = found(facts)[where]
    assert (line.enforcer, line.verdict) == (enforcer, verdict), line


@pytest.mark.parametrize(
    ("found_share", "told"),
    [(1.0, "100%"), (0.999, "99.9%"), (0.99995, "99.9950%"), (0.99999999, "99.9999%")],
)
def test_an_availability_that_is_not_whole_never_reads_as_whole(found_share: float, told: str) -> None:
    line = found(Facts(preflight=[gate("system_metrics.availability", "constraint", found_share)]))
    assert line["system", "availability"].value == told
