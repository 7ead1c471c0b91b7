"""6.2: the experiment of the listing, as it is printed, decided by its own rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mission.document import listing
from rondo.contract import load_project
from rondo.records.experiment import ExperimentPlan, Reading
from rondo.records.prediction import RequestFigures, VersionFigures
from rondo.stages.experiments import Logged, plan_of, read
from rondo.stages.serving.routing import choose

HEAD = """\
project: churn
ml_problem: {type: binary_classification, target: is_churned, entity: user_id, baseline: 0.65}
data: {sources: {customers: {files: customers.parquet}}}
"""
START = datetime(2026, 5, 4, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")


@pytest.fixture
def plan(tmp_path: Path) -> ExperimentPlan:
    text = HEAD + listing("6.2").section_of_the_file("ab_test_config", "ab_test")
    (tmp_path / "rondo.yaml").write_text(text, encoding="utf-8")
    project = load_project(tmp_path).project
    return plan_of(
        project,
        classes=("0", "1"),
        positive="1",
        registered={"1.2.3", "2.0.0"},
        production="1.2.3",
    )


def looked(
    plan: ExperimentPlan,
    entities: int,
    days: float,
    rates: tuple[float, float],
    *,
    lost: float = 0.0,
    errors: float = 0.001,
    slower: float = 1.0,
) -> Reading:
    """A look at a log in which so many entities were answered by who the router chooses for them.

    Args:
        rates: how often control's and treatment's entities convert.
        lost: share of the treatment's entities that never reach the log.
        errors: how often the treatment fails; control does so once in a thousand requests.
        slower: how many times as long the treatment takes.
    """
    chance = np.random.default_rng(5)
    shares = {one.version: one.share for one in plan.variants}
    names = [f"user {n}" for n in range(entities)]
    versions = [choose(shares, name) for name in names]
    kept = [n for n in range(entities) if versions[n] == "1.2.3" or chance.random() >= lost]
    moments = [START + timedelta(days=days * n / entities) for n in kept]
    predictions = pl.DataFrame(
        {
            "prediction_id": [f"p{n}" for n in kept],
            "at": moments,
            "event_time": moments,
            "version": [versions[n] for n in kept],
            "entity": [names[n] for n in kept],
            "score": [0.5] * len(kept),
            "label": ["1"] * len(kept),
            "latency_ms": [5.0] * len(kept),
            "shadow": [False] * len(kept),
        },
        schema_overrides={"at": MOMENT, "event_time": MOMENT},
    )
    converted = ["1" if chance.random() < rates[versions[n] == "2.0.0"] else "0" for n in kept]
    outcomes = pl.DataFrame({"prediction_id": [f"p{n}" for n in kept], "value": converted})
    figures = RequestFigures(
        START + timedelta(hours=1), 1.0, 0, 0, 0, (), 0, 0, 0,
        versions={
            version: VersionFigures(
                count := sum(versions[n] == version for n in kept),
                int(count * (errors if version == "2.0.0" else 0.001)),
                tuple((slower if version == "2.0.0" else 1.0) * chance.gamma(4.0, 2.0, min(count, 5_000))),
            )
            for version in shares
        },
    )  # fmt: skip
    logged = Logged(predictions, outcomes, [figures])
    return read(plan, logged, started_at=START, now=START + timedelta(days=days))


def test_the_listing_is_a_section_as_it_is_printed(plan: ExperimentPlan) -> None:
    printed = listing("6.2").values()["ab_test_config"]
    assert plan.name == printed["experiment_name"]
    assert [(one.name, f"v{one.version}", one.share * 100) for one in plan.variants] == [
        (name, one["model_version"], one["traffic_percentage"]) for name, one in printed["variants"].items()
    ]
    assert plan.primary == "conversion_rate"
    assert {one.metric for one in plan.guardrails} == {"latency_p99", "error_rate"}
    assert (plan.duration_s / 86_400, plan.min_sample_size) == (14, 10_000)


def test_a_key_always_meets_the_same_variant_in_the_planned_shares() -> None:
    shares = {"1.2.3": 0.5, "2.0.0": 0.5}
    chosen = [choose(shares, f"user {n}") for n in range(20_000)]
    assert chosen == [choose(shares, f"user {n}") for n in range(20_000)]
    # Within four standard deviations of a half.
    assert abs(chosen.count("2.0.0") / 20_000 - 0.5) < 4 * (0.25 / 20_000) ** 0.5


def test_the_listing_is_decided_by_its_own_rules(plan: ExperimentPlan) -> None:
    too_early = looked(plan, 9_000, 3, (0.10, 0.30))
    better = looked(plan, 30_000, 10, (0.10, 0.13))
    worse = looked(plan, 30_000, 10, (0.13, 0.10))
    equal = looked(plan, 30_000, 10, (0.10, 0.10))
    over = looked(plan, 30_000, 14.1, (0.10, 0.10))
    uneven = looked(plan, 30_000, 10, (0.10, 0.13), lost=0.1)
    said = [one.judgement for one in (too_early, better, worse, equal, over, uneven)]
    assert said == ["inconclusive", "ship", "reject", "inconclusive", "hold", "inconclusive"]
    assert "10,000" in too_early.reasons[0]
    assert uneven.balance.mismatch
    assert {one.guardrail.metric: one.state for one in better.guardrails} == {
        "latency_p99": "fine",
        "error_rate": "fine",
    }


@pytest.mark.parametrize(
    ("worse", "guardrail"), [({"errors": 0.05}, "error_rate"), ({"slower": 40.0}, "latency_p99")]
)
def test_a_better_model_that_breaks_a_secondary_metric_is_not_shipped(
    plan: ExperimentPlan, worse: dict[str, float], guardrail: str
) -> None:
    found = looked(plan, 30_000, 10, (0.10, 0.13), **worse)
    assert {one.guardrail.metric: one.state for one in found.guardrails}[guardrail] == "worse"
    assert found.judgement == "reject"
    assert any(guardrail in reason for reason in found.reasons)


def test_its_days_are_over_with_or_without_the_sample(plan: ExperimentPlan) -> None:
    """Too few entities are no reason to ship, however good the treatment looks; that the time is over is said."""
    before, after = (looked(plan, 9_000, days, (0.10, 0.30)) for days in (13.9, 14.1))
    assert before.judgement == after.judgement == "inconclusive"
    assert "the time is over" not in before.reasons[0]
    assert after.reasons[0].startswith("the time is over: of at least 10,000")
