"""6.1: the gates of the listing, and what its own code lets through by mistake."""

from __future__ import annotations

import inspect
from itertools import product

import pytest

from mission.document import listing
from rondo import ModelValidator
from rondo.assembly import Assembly
from rondo.lifecycle.going_round import Round
from rondo.lifecycle.rooms import last_verdict

GOOD = {"accuracy": 0.90, "precision": 0.85, "recall": 0.80, "auc_roc": 0.93}


def use(metrics: dict[str, float]) -> dict[str, object]:
    """The statements of the listing under its class, with our class in its place."""
    names: dict[str, object] = {"ModelValidator": ModelValidator, "model_metrics": metrics}
    exec(listing("6.1").usage(), names)
    result = names["validation_result"]
    assert isinstance(result, dict)
    return result


def test_it_has_the_methods_of_the_listing() -> None:
    for name, arguments in listing("6.1").methods("ModelValidator").items():
        assert list(inspect.signature(getattr(ModelValidator, name)).parameters)[1:] == list(arguments)


def test_the_usage_of_the_listing_passes_a_good_model() -> None:
    result = use(GOOD)
    assert result["passed"] is True
    assert result["details"]["auc_roc"] == {"threshold": 0.85, "actual": 0.93, "passed": True}


@pytest.mark.parametrize(
    "metrics",
    [
        GOOD | {"recall": 0.74},
        {k: v for k, v in GOOD.items() if k != "recall"},
        GOOD | {"recall": float("nan")},
    ],
    ids=["too low", "missing", "not a number"],
)
def test_the_usage_of_the_listing_refuses_the_others(metrics: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Model failed quality gates"):
        use(metrics)


def test_gates_are_those_of_the_listing_s_own_code() -> None:
    """Its class runs as it is printed; what ours says more of, a missing or strange metric, is told above."""
    gates = listing("6.1").own("ModelValidator")
    for threshold, actual in product((0.5, 0.85, 1.0), (0.0, 0.4999, 0.5, 0.85, 1.0)):
        ours = ModelValidator({"accuracy": threshold}).validate({"accuracy": actual})
        assert ours == gates({"accuracy": threshold}).validate({"accuracy": actual})


def test_comparisons_are_those_of_the_listing_s_own_code() -> None:
    gates = listing("6.1").own("ModelValidator")
    for new, old, margin in product((0.5, 0.79, 0.8, 0.85), (0.5, 0.8, 0.9), (0.0, 0.01, 0.1)):
        ours = ModelValidator({"recall": 0.5}).compare_with_baseline({"recall": new}, {"recall": old}, margin)
        theirs = gates({"recall": 0.5}).compare_with_baseline({"recall": new}, {"recall": old}, margin)
        assert ours["improved"] is theirs["improved"], (new, old, margin)
        told = ours["details"]["recall"]
        assert {name: told[name] for name in theirs["details"]["recall"]} == theirs["details"]["recall"]
    usual = inspect.signature(ModelValidator.compare_with_baseline).parameters["min_improvement"].default
    assert usual == inspect.signature(gates.compare_with_baseline).parameters["min_improvement"].default


def test_a_round_compares_with_what_serves_on_the_same_rows(again: Assembly) -> None:
    verdict = last_verdict(again)
    assert verdict is not None
    compared = [gate for gate in verdict.gates if gate.kind == "comparison"]
    assert compared
    for gate in compared:
        assert gate.status == "passed"
        assert gate.name.endswith(" against 1.0.0")
        assert f"on the same {gate.n:,} rows" in gate.evidence
        assert gate.low is not None  # of the difference, paired by row


def test_a_model_that_fails_a_gate_is_not_released(refused: tuple[Assembly, Round]) -> None:
    project, went = refused
    assert went.judgement == "reject"
    assert project.state.releases() == ()


def test_gates_that_ask_nothing_do_not_pass() -> None:
    assert ModelValidator({}).validate(GOOD)["passed"] is False


def test_errors_are_gated_downwards() -> None:
    assert ModelValidator({"log_loss": 0.5}).validate({"log_loss": 0.4})["passed"] is True
    assert ModelValidator({"log_loss": 0.5}).validate({"log_loss": 0.6})["passed"] is False


def test_a_model_worse_than_the_baseline_is_found_out() -> None:
    compare = ModelValidator({"accuracy": 0.5}).compare_with_baseline
    assert compare(GOOD, GOOD | {"accuracy": 0.905})["improved"] is True  # within 1 %
    worse = compare(GOOD, GOOD | {"accuracy": 0.95})
    assert worse["improved"] is False
    assert worse["details"]["accuracy"]["improvement"] == "-5.26%"
    assert compare({"log_loss": 0.6}, {"log_loss": 0.4})["improved"] is False
    assert compare({}, {"accuracy": 0.9})["improved"] is False
