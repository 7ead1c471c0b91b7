"""Each gate asks one thing; whatever is missing, not a number or unclear does not pass, and is named."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.problem import Criterion
from rondo.contract.units import parse_limit
from rondo.records.candidate import Measured
from rondo.stages.validation.gates import (
    Comparison,
    baseline_gate,
    comparison_gate,
    criterion_gates,
    exact_gate,
    latency_gate,
    rows_needed,
    size_gate,
)

NUMBERS = st.floats(0.0, 1.0)


def criterion(**bounds: object) -> dict[str, Criterion]:
    return {"metric": Criterion.model_validate(bounds)}


@pytest.mark.parametrize(
    ("bounds", "value", "status"),
    [
        ({"min": 0.8}, 0.8, "passed"),
        ({"min": 0.8}, 0.79, "failed"),
        ({"min": "80%"}, 0.81, "passed"),
        ({"max": 5}, 5.0, "passed"),
        ({"max": 5}, 5.1, "failed"),
    ],
)
def test_a_bound_holds_from_its_side(bounds: dict[str, object], value: float, status: str) -> None:
    (gate,) = criterion_gates(criterion(**bounds), {"metric": Measured(value)})
    assert (gate.status, gate.found) == (status, value)


def test_two_bounds_are_two_gates() -> None:
    low, high = criterion_gates(criterion(min=0.2, max=0.4), {"metric": Measured(0.5)})
    assert (low.status, high.status) == ("passed", "failed")


def test_a_target_alone_is_no_gate() -> None:
    assert criterion_gates(criterion(target=0.9), {"metric": Measured(0.1)}) == ()


def test_a_missing_metric_fails_by_name_even_when_zero_would_pass() -> None:
    (gate,) = criterion_gates(criterion(max=5), {"another": Measured(1.0)})
    assert (gate.name, gate.status, gate.found) == ("metric", "missing", None)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_fails_by_name(value: float | None) -> None:
    (gate,) = criterion_gates(criterion(min=0), {"metric": Measured(value, note="one class only")})
    assert (gate.name, gate.status, gate.found) == ("metric", "not_a_number", None)
    assert gate.evidence == "one class only"


def test_the_evidence_names_the_target_and_an_interval_that_reaches_beyond_the_bound() -> None:
    (gate,) = criterion_gates(criterion(min=0.8, target=0.9), {"metric": Measured(0.82, 0.78, 0.86, 100)})
    assert gate.status == "passed"
    assert gate.evidence == "the interval reaches 0.78; the target 0.9 is not reached"


@pytest.mark.parametrize(
    ("metric", "value", "status"),
    [
        ("auc_roc", 0.66, "passed"),
        ("auc_roc", 0.65, "failed"),
        ("rmse", 0.64, "passed"),
        ("rmse", 0.66, "failed"),
    ],
)
def test_better_than_the_baseline_depends_on_the_metric(metric: str, value: float, status: str) -> None:
    assert baseline_gate(metric, 0.65, {metric: Measured(value)}).status == status


def test_size_is_compared_in_bytes() -> None:
    limit = parse_limit("< 500MB", default_op="<")
    assert size_gate(limit, 499_999_999).status == "passed"
    assert size_gate(limit, 500_000_000).status == "failed"
    assert size_gate(limit, None).status == "missing"


def test_latency_is_the_99th_percentile() -> None:
    limit = parse_limit("< 100ms", default_op="<")
    assert latency_gate(limit, [0.001] * 99 + [5.0]).status == "passed"
    slow = latency_gate(limit, [0.001] * 98 + [5.0] * 2)
    assert (slow.status, slow.found, slow.n) == ("failed", 5.0, 100)
    assert latency_gate(limit, []).status == "missing"


def test_an_integrity_gate_without_rows_is_missing() -> None:
    assert exact_gate("golden_rows", "equal", None, True, "", 0).status == "missing"
    assert exact_gate("golden_rows", "equal", math.inf, False, "", 8).status == "not_a_number"


# Against production.


def compared(
    difference: Measured | None, *, metric: str = "auc_roc", production: float | None = 0.8, note: str = ""
) -> Comparison:
    candidate = Measured(0.81, 0.79, 0.83, 1000)
    return Comparison(metric, "1.0.0", candidate, Measured(production), difference, note)


@pytest.mark.parametrize(
    ("value", "low", "high", "status"),
    [
        (0.02, 0.01, 0.03, "passed"),
        (0.0, -0.007, 0.007, "passed"),
        (0.0, 0.0, 0.0, "passed"),
        (-0.05, -0.06, -0.04, "failed"),
        (-0.02, -0.04, -0.001, "failed"),
        (-0.004, -0.012, -0.001, "inconclusive"),
        (0.01, -0.03, 0.05, "inconclusive"),
        (-0.02, -0.06, 0.02, "inconclusive"),
    ],
)
def test_not_inferior_within_one_percent(value: float, low: float, high: float, status: str) -> None:
    assert comparison_gate(compared(Measured(value, low, high, 1000)), 0.01).status == status


def test_less_of_an_error_is_a_gain() -> None:
    gate = comparison_gate(compared(Measured(-0.3, -0.4, -0.2, 500), metric="rmse"), 0.01)
    assert gate.status == "passed"
    assert (gate.found, gate.low, gate.high) == (0.3, 0.2, 0.4)
    assert comparison_gate(compared(Measured(0.3, 0.2, 0.4, 500), metric="rmse"), 0.01).status == "failed"


def test_unclear_says_how_many_rows_could_tell() -> None:
    gate = comparison_gate(compared(Measured(0.0, -0.016, 0.016, 1000)), 0.01)
    assert gate.status == "inconclusive"
    assert "about 4,000 could" in gate.evidence


def test_no_number_of_rows_makes_a_worse_model_pass() -> None:
    assert rows_needed(1000, gain=-0.02, low=-0.06, margin=0.008) is None
    gate = comparison_gate(compared(Measured(-0.02, -0.06, 0.02, 1000)), 0.01)
    assert "more rows of this kind would not help" in gate.evidence


def test_without_an_interval_nothing_is_clear() -> None:
    gate = comparison_gate(compared(Measured(0.05, n=10, note="no interval")), 0.01)
    assert gate.status == "inconclusive"


def test_a_difference_that_is_not_a_number_is_said_to_be_none() -> None:
    gate = comparison_gate(compared(Measured(None, n=10, note="every true value is 0")), 0.01)
    assert (gate.status, gate.evidence) == ("not_a_number", "every true value is 0")


def test_other_rows_let_a_clearly_better_candidate_pass_and_never_fail() -> None:
    better = comparison_gate(compared(None, production=0.7, note="it needs tickets"), 0.01)
    worse = comparison_gate(compared(None, production=0.95, note="it needs tickets"), 0.01)
    assert (better.status, worse.status) == ("passed", "missing")
    assert "it needs tickets; its recorded auc_roc is 0.95, on rows of its own" in worse.evidence


def test_production_without_a_figure_is_missing_with_its_reason() -> None:
    gate = comparison_gate(compared(None, production=None, note="its bundle cannot be loaded"), 0.01)
    assert (gate.status, gate.evidence) == ("missing", "its bundle cannot be loaded")


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5), NUMBERS)
def test_only_a_whole_interval_above_the_margin_passes(
    value: float, below: float, above: float, tolerance: float, production: float
) -> None:
    difference = Measured(value, value - below, value + above, 100)
    gate = comparison_gate(compared(difference, production=production), tolerance)
    margin = tolerance * production
    assert (gate.status == "passed") == (value - below >= -margin - 1e-12)
    if gate.status == "failed":
        assert value < -margin
        assert value + above < 0
    assert gate.low is not None
    assert gate.high is not None
    assert gate.low <= value <= gate.high


@given(NUMBERS, st.floats(0, 0.5))
def test_an_identical_model_passes_at_every_tolerance(production: float, tolerance: float) -> None:
    gate = comparison_gate(compared(Measured(0.0, 0.0, 0.0, 10), production=production), tolerance)
    assert gate.status == "passed"
