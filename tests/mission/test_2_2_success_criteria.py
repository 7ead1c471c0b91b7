"""2.2: offline, online and system metrics, each enforced where it can be."""

from __future__ import annotations

from pathlib import Path

from mission.document import listing
from rondo.assembly import Assembly
from rondo.contract import load_project
from rondo.lifecycle.rooms import last_verdict
from rondo.lifecycle.status import standing

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


def test_what_was_never_measured_is_a_gap_and_not_a_pass(churn: Assembly) -> None:
    lines = {one.name: one for one in standing(churn).criteria}
    for name in ("churn_rate_reduction", "false_positive_cost", "p99_latency", "availability"):
        assert lines[name].verdict == "gap", name
