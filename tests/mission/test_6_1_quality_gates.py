"""6.1: the gates of the listing, and what its own code lets through by mistake."""

from __future__ import annotations

import inspect

import pytest

from mission.document import listing
from rondo import ModelValidator

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
