"""One gate that does not pass is enough, and no gates are not enough."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract import Project
from rondo.records.verdict import Gate
from rondo.stages.validation.judgement import decide, not_judged

KINDS = ["criterion", "baseline", "constraint", "comparison", "integrity"]
STATUSES = ["passed", "failed", "missing", "not_a_number", "inconclusive"]


def gate(kind: str = "criterion", status: str = "passed", name: str = "auc_roc") -> Gate:
    return Gate(name, kind, ">= 0.8", 0.9 if status in {"passed", "failed"} else None, status)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gates", "judgement"),
    [
        ([gate()], "ship"),
        ([gate(), gate("comparison")], "ship"),
        ([gate(status="failed")], "reject"),
        ([gate(status="missing"), gate("baseline", "failed")], "reject"),
        ([gate(status="missing")], "inconclusive"),
        ([gate(status="not_a_number")], "inconclusive"),
        ([gate(), gate("comparison", "inconclusive")], "inconclusive"),
        ([gate(), gate("comparison", "not_a_number")], "inconclusive"),
        ([gate(), gate("comparison", "missing")], "hold"),
        ([gate(), gate("comparison", "missing"), gate("constraint", "missing")], "inconclusive"),
        ([gate(), gate("integrity", "failed")], "reject"),
    ],
)
def test_the_judgement_follows_from_the_worst_gate(gates: list[Gate], judgement: str) -> None:
    assert decide(gates)[0] == judgement


@pytest.mark.parametrize("gates", [[], [gate("integrity")], [gate("constraint"), gate("integrity")]])
def test_gates_that_ask_nothing_of_quality_do_not_pass(gates: list[Gate]) -> None:
    judgement, reasons = decide(gates)
    assert judgement == "inconclusive"
    assert "No gate asks anything of the model's quality" in reasons[0]


def test_every_gate_that_stands_in_the_way_is_named_failures_first() -> None:
    gates = [gate(status="missing", name="recall"), gate(name="f1"), gate(status="failed", name="precision")]
    _, reasons = decide(gates)
    assert [reason.split()[0] for reason in reasons] == ["precision", "recall"]
    assert reasons[0] == "precision failed: 0.9, asked >= 0.8."
    assert reasons[1] == "recall is missing, asked >= 0.8."


@given(st.lists(st.builds(gate, st.sampled_from(KINDS), st.sampled_from(STATUSES)), max_size=6))
def test_only_passed_gates_ship(gates: list[Gate]) -> None:
    judgement, reasons = decide(gates)
    assert reasons
    quality = [one for one in gates if one.kind in {"criterion", "baseline", "comparison"}]
    assert (judgement == "ship") == (bool(quality) and all(one.status == "passed" for one in gates))


def test_what_is_asked_and_not_measured_here_is_named(project: Callable[..., Project]) -> None:
    asked = project(
        constraints={"interpretability": "high", "throughput": "1000 req/s", "latency": "< 100ms"},
        success_criteria={
            "offline_metrics": {"auc_roc": {"min": 0.8}, "recall": {"target": 0.9}},
            "online_metrics": {"churn_rate_reduction": {"target": "30%"}},
            "system_metrics": {"availability": {"min": "99.9%"}},
        },
    )
    assert not_judged(asked) == (
        "Not judged here: constraints.throughput (>= 1000 req/s), "
        "online_metrics.churn_rate_reduction, system_metrics.availability, "
        "offline_metrics.recall (a target without min or max)."
    )
    assert not_judged(project()) == ""
