"""ModelValidator answers as the listing does, and where the listing is wrong, rightly."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo import ModelValidator
from rondo.errors import UsageError

GATES = {"accuracy": 0.85, "precision": 0.80, "recall": 0.75, "auc_roc": 0.85}
GOOD = {"accuracy": 0.9, "precision": 0.8, "recall": 0.8, "auc_roc": 0.91}


def test_the_listing_of_the_mission() -> None:
    results = ModelValidator(GATES).validate(GOOD)
    assert results["passed"] is True
    assert results["details"]["precision"] == {"threshold": 0.80, "actual": 0.8, "passed": True}
    assert list(results["details"]) == list(GATES)


def test_one_gate_below_fails_all() -> None:
    results = ModelValidator(GATES).validate(GOOD | {"recall": 0.7})
    assert results["passed"] is False
    assert [name for name, detail in results["details"].items() if not detail["passed"]] == ["recall"]


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "0.99", True])
def test_what_is_not_a_number_fails_by_name(value: object) -> None:
    results = ModelValidator(GATES).validate(GOOD | {"recall": value})  # type: ignore[dict-item]
    assert results["passed"] is False
    assert results["details"]["recall"] == {
        "threshold": 0.75,
        "actual": None,
        "passed": False,
        "reason": "not a number",
    }


def test_a_missing_metric_fails_by_name_even_under_a_threshold_of_zero() -> None:
    results = ModelValidator({"r2": -1.0}).validate({})
    assert results["passed"] is False
    assert results["details"]["r2"]["reason"] == "missing"


def test_errors_gate_downwards() -> None:
    validator = ModelValidator({"rmse": 10.0, "log_loss": 0.4})
    assert validator.validate({"rmse": 9.0, "log_loss": 0.4})["passed"] is True
    assert validator.validate({"rmse": 11.0, "log_loss": 0.4})["passed"] is False


def test_a_gate_may_name_its_sides() -> None:
    validator = ModelValidator({"latency_ms": {"max": 100}, "share": {"min": 0.2, "max": 0.4}})
    assert validator.validate({"latency_ms": 90, "share": 0.3})["passed"] is True
    assert validator.validate({"latency_ms": 90, "share": 0.5})["passed"] is False


def test_no_gates_do_not_pass() -> None:
    results = ModelValidator({}).validate(GOOD)
    assert results["passed"] is False
    assert "nothing was asked" in results["reason"]


@pytest.mark.parametrize("threshold", [math.nan, "high", None, {}, {"least": 1.0}, {"min": math.inf}])
def test_a_threshold_that_cannot_be_is_refused(threshold: object) -> None:
    with pytest.raises(UsageError, match="recall"):
        ModelValidator({"recall": threshold})  # type: ignore[dict-item]


def test_figures_of_numpy_are_figures() -> None:
    results = ModelValidator({"accuracy": np.float32(0.5)}).validate({"accuracy": np.float64(0.6)})  # type: ignore[dict-item]
    assert results["passed"] is True
    assert type(results["details"]["accuracy"]["actual"]) is float


# compare_with_baseline


def compare(new: dict[str, float], old: dict[str, float], **more: float) -> dict[str, object]:
    return ModelValidator(GATES).compare_with_baseline(new, old, **more)


def test_better_and_slightly_worse_are_improved() -> None:
    results = compare({"auc_roc": 0.9, "recall": 0.796}, {"auc_roc": 0.8, "recall": 0.8})
    assert results["improved"] is True
    assert results["details"]["auc_roc"]["improvement"] == "12.50%"  # type: ignore[index]
    assert results["details"]["recall"]["improvement"] == "-0.50%"  # type: ignore[index]


def test_clearly_worse_is_not() -> None:
    assert compare({"auc_roc": 0.78}, {"auc_roc": 0.8})["improved"] is False
    assert compare({"auc_roc": 0.78}, {"auc_roc": 0.8}, min_improvement=0.05)["improved"] is True


def test_less_of_an_error_is_an_improvement() -> None:
    results = compare({"rmse": 8.0}, {"rmse": 10.0})
    assert results["improved"] is True
    assert results["details"]["rmse"]["improvement"] == "20.00%"  # type: ignore[index]
    assert compare({"rmse": 12.0}, {"rmse": 10.0})["improved"] is False


def test_negative_and_zero_baselines_are_compared_by_their_size() -> None:
    assert compare({"r2": -0.2}, {"r2": -0.4})["improved"] is True
    assert compare({"r2": -0.6}, {"r2": -0.4})["improved"] is False
    zero = compare({"r2": -0.1}, {"r2": 0.0})
    assert zero["improved"] is False
    assert zero["details"]["r2"]["improvement"] == "-0.1 from 0"  # type: ignore[index]


@pytest.mark.parametrize("new", [{}, {"auc_roc": math.nan}])
def test_a_metric_without_a_value_is_no_improvement(new: dict[str, float]) -> None:
    results = compare(new, {"auc_roc": 0.8})
    assert results["improved"] is False
    assert results["details"]["auc_roc"]["reason"].startswith("new ")  # type: ignore[index]


def test_a_metric_that_only_the_new_model_has_is_listed_and_not_judged() -> None:
    results = compare({"auc_roc": 0.9, "f1": 0.1}, {"auc_roc": 0.8})
    assert results["improved"] is True
    assert results["details"]["f1"]["passed"] is None  # type: ignore[index]


def test_a_baseline_without_metrics_is_no_comparison() -> None:
    assert compare({"auc_roc": 0.9}, {})["improved"] is False


@given(st.sampled_from(["auc_roc", "rmse", "r2"]), st.floats(-1e6, 1e6))
def test_a_model_is_never_worse_than_itself(metric: str, value: float) -> None:
    assert compare({metric: value}, {metric: value}, min_improvement=0.0)["improved"] is True


def test_it_works_alone_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from rondo import ModelValidator; ModelValidator({'recall': 0.5}).validate({'recall': 0.6});"
        "print([m for m in ('polars', 'onnxruntime', 'sklearn', 'pandas', 'mlflow', 'jinja2') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
