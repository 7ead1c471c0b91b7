"""2.2: offline, online and system metrics, each enforced where it can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mission.conftest import Watched
from mission.document import listing
from rondo.assembly import Assembly
from rondo.contract import load_project
from rondo.contract.problem import Costs
from rondo.lifecycle.going_round import Round
from rondo.lifecycle.rooms import last_verdict
from rondo.lifecycle.status import standing
from rondo.stages.monitoring.business import Business, SideBySide, business_observations

MINIMAL = """\
project: churn
ml_problem: {type: binary_classification, target: is_churned}
data: {sources: {customers: {files: customers.parquet}}}
"""


def test_the_listing_is_a_section_as_it_is_printed(tmp_path: Path) -> None:
    text = MINIMAL + listing("2.2").section_of_the_file("success_criteria")
    (tmp_path / "rondo.yaml").write_text(text, encoding="utf-8")

    criteria = load_project(tmp_path).project.success_criteria

    auc = criteria.offline_metrics["auc_roc"]
    assert auc.min is not None
    assert auc.target is not None
    assert (auc.min.value, auc.target.value) == (0.85, 0.9)
    cost = criteria.online_metrics["false_positive_cost"].max
    assert cost is not None
    assert (cost.value, cost.currency, round(cost.per_s / 86_400, 2)) == (10_000.0, "$", 30.44)
    reduction = criteria.online_metrics["churn_rate_reduction"].target
    assert reduction is not None
    assert (reduction.value, reduction.dimension) == (0.3, "share")
    p99, available = criteria.system_metrics["p99_latency"].max, criteria.system_metrics["availability"].min
    assert p99 is not None
    assert available is not None
    assert (p99.value, round(available.value, 6)) == (0.1, 0.999)


def test_each_offline_metric_is_a_gate_with_its_evidence(churn: Assembly) -> None:
    verdict = last_verdict(churn)
    assert verdict is not None
    gates = {gate.name: gate for gate in verdict.gates if gate.kind == "criterion"}
    wanted = listing("2.2").values()["success_criteria"]["offline_metrics"]
    assert gates.keys() == wanted.keys()
    for name, bounds in wanted.items():
        gate = gates[name]
        assert gate.found is not None
        assert gate.low is not None
        assert gate.high is not None
        assert gate.status == "passed"
        assert gate.low <= gate.found <= gate.high
        assert gate.found >= bounds["min"]


def test_a_missed_minimum_refuses_the_model_and_a_missed_target_is_told(
    refused: tuple[Assembly, Round],
) -> None:
    project, went = refused
    lines = {one.name: one for one in standing(project).criteria if one.section == "offline"}
    assert (lines["accuracy"].enforcer, lines["accuracy"].verdict) == ("gate", "failed")
    assert "accuracy failed" in went.release
    assert "the target 1.0 is not reached" in went.release
    assert {lines[name].verdict for name in ("precision", "recall", "auc_roc")} == {"passed"}
    assert project.state.production() is None


def test_online_metrics_are_told_by_outcomes_against_control(tmp_path: Path) -> None:
    """100 days of an A/B test: 200 of 1,000 left under control, 140 under the model, which 50 times cried wolf."""
    (tmp_path / "rondo.yaml").write_text(MINIMAL + listing("2.2").section_of_the_file("success_criteria"))
    criteria = load_project(tmp_path).project.success_criteria.online_metrics
    start = datetime(2026, 5, 4, tzinfo=UTC)
    end = start + timedelta(days=100)
    rows = []
    for version, left, wolf in (("1.2.3", 200, 0), ("2.0.0", 140, 50)):
        for number in range(1_000):
            name = f"{version} {number}"
            moment = start + (end - start) * number / 999
            label = "1" if number >= 1_000 - wolf else "0"
            rows.append((name, moment, version, name, 0.5, False, label, "1" if number < left else "0"))
    fields = ("prediction_id", "event_time", "version", "entity", "score", "shadow", "label", "value")
    table = pl.DataFrame(rows, schema=fields, orient="row")
    seen = Business(
        version="2.0.0",
        positive="1",
        classes=("0", "1"),
        threshold=0.5,
        since=start,
        predictions=table.drop("value"),
        outcomes=table.select("prediction_id", "value"),
        tested=SideBySide("1.2.3", "2.0.0", start, end),
        costs=Costs.model_validate({"false_positive": "$20"}),
    )

    found = {one.metric: one for one in business_observations(criteria, seen, now=end)}

    reduction, cost = found["churn_rate_reduction"], found["false_positive_cost"]
    assert (reduction.value, reduction.threshold) == (pytest.approx(30.0), pytest.approx(30.0))
    assert reduction.state == "fine"
    # 50 wrong decisions at $20 in 100 days, of which a month has 30.4.
    assert cost.value == pytest.approx(50 * 20 / 100 * 30.44, rel=0.01)
    assert (cost.state, cost.unit, cost.threshold) == ("fine", " $/month", 10_000.0)
    dear = replace(seen, costs=Costs.model_validate({"false_positive": "$2000"}))
    (cost,) = (one for one in business_observations(criteria, dear, now=end) if "cost" in one.metric)
    assert cost.state == "breached"


def test_system_metrics_are_service_levels_of_what_the_server_answered(watched: Watched) -> None:
    lines = {(one.section, one.name): one for one in standing(watched.project).criteria}
    p99, available = lines["system", "p99_latency"], lines["system", "availability"]
    assert p99.enforcer == available.enforcer == "service level"
    assert p99.verdict in ("fine", "breached")  # as fast as this machine is
    assert available.verdict == "fine"
    assert available.asked == "at least 99.9%"


def test_what_was_never_measured_is_a_gap_and_not_a_pass(churn: Assembly) -> None:
    lines = {one.name: one for one in standing(churn).criteria}
    for name in ("churn_rate_reduction", "false_positive_cost", "p99_latency", "availability"):
        assert lines[name].verdict == "gap", name
