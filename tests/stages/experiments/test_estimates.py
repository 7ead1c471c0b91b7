"""Values and their spread agree with the formulas of the evaluation, and with the spread of repeated samples."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rondo.contract.ab_test import experiment_metrics, more_is_better
from rondo.records.experiment import Truth
from rondo.records.intervals import Quantile, Rate, mean_of, ratio_of, relative_reduction, wilson
from rondo.records.metrics import compute
from rondo.records.outcomes import names_class
from rondo.records.prediction import RequestFigures, VersionFigures
from rondo.stages.experiments.estimates import of_outcomes, requests_of

from .conftest import START

TRUTH = Truth(positive="1", conversion="0")


def sample(seed: int, n: int = 400) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    positive = chance.random(n) < 0.4
    score = np.clip(0.35 + 0.25 * positive + chance.normal(0, 0.2, n), 0.01, 0.99)
    return pl.DataFrame(
        {
            "score": score,
            "label": ["1" if one >= 0.5 else "0" for one in score],
            "outcome": ["1" if one else "0" for one in positive],
        }
    )


@pytest.mark.parametrize(
    "name",
    ["accuracy", "precision", "recall", "specificity", "f1", "balanced_accuracy", "auc_roc", "brier", "log_loss"],
)  # fmt: skip
def test_a_value_is_that_of_the_evaluation_and_its_spread_that_of_samples(name: str) -> None:
    rows = sample(1)
    truth = (rows["outcome"] == "1").cast(pl.Float64).to_numpy()
    assert of_outcomes(name, rows, TRUTH).value == pytest.approx(
        compute(name, truth, rows["score"].to_numpy())
    )
    values = np.array([of_outcomes(name, sample(seed), TRUTH).value for seed in range(2, 302)])
    low, high = of_outcomes(name, rows, TRUTH).bounds(1.0)
    assert (high - low) / 2 == pytest.approx(values.std(), rel=0.2)


@pytest.mark.parametrize("name", ["mae", "rmse", "mape", "wape", "outcome_mean"])
def test_of_numbers_too(name: str) -> None:
    def numbers(seed: int) -> pl.DataFrame:
        chance = np.random.default_rng(seed)
        actual = chance.normal(100, 10, 400)
        return pl.DataFrame(
            {"score": actual + chance.normal(0, 5, 400), "outcome": [str(one) for one in actual]}
        )

    truth, rows = Truth(numbers=True), numbers(1)
    actual = rows["outcome"].cast(pl.Float64).to_numpy()
    if name in ("mae", "rmse", "mape"):
        expected = compute(name, actual, rows["score"].to_numpy())
        assert of_outcomes(name, rows, truth).value == pytest.approx(expected)
    values = np.array([of_outcomes(name, numbers(seed), truth).value for seed in range(2, 302)])
    low, high = of_outcomes(name, rows, truth).bounds(1.0)
    assert (high - low) / 2 == pytest.approx(values.std(), rel=0.2)


def test_rates_of_outcomes_and_decisions() -> None:
    rows = sample(1)
    stayed = (rows["outcome"] == "0").mean()
    assert of_outcomes("conversion_rate", rows, TRUTH).value == pytest.approx(stayed)
    assert of_outcomes("churn_rate", rows, TRUTH).value == pytest.approx(1 - float(stayed or 0))
    specificity = of_outcomes("specificity", rows, TRUTH).value
    assert of_outcomes("false_positive_rate", rows, TRUTH).value == pytest.approx(1 - specificity)


def test_every_metric_that_is_offered_can_be_computed() -> None:
    rows = sample(1)
    for name in experiment_metrics("binary_classification"):
        if name not in ("error_rate", "p50_latency", "p95_latency", "p99_latency"):
            assert np.isfinite(of_outcomes(name, rows, TRUTH).value), name


def test_no_rows_have_no_value() -> None:
    empty = sample(1).clear()
    assert np.isnan(of_outcomes("accuracy", empty, TRUTH).value)
    assert np.isnan(of_outcomes("auc_roc", sample(1).filter(pl.col("outcome") == "1"), TRUTH).value)
    assert np.isnan(mean_of(np.array([])).value)
    assert np.isnan(ratio_of(np.zeros(3), np.zeros(3)).value)
    assert all(np.isnan(bound) for bound in mean_of(np.ones(5)).bounds(2.0)), "equal values tell no spread"


def test_which_way_is_better_is_known_by_name() -> None:
    better = {"conversion_rate", "accuracy", "f1", "auc_roc", "outcome_mean"}
    worse = {
        "error_rate",
        "latency_p99",
        "p95_latency",
        "log_loss",
        "rmse",
        "churn_rate",
        "false_positive_rate",
    }
    assert all(more_is_better(name) for name in better)
    assert not any(more_is_better(name) for name in worse)


def test_a_busy_interval_weighs_as_much_as_it_answered() -> None:
    def figures(requests: int, ms: float) -> RequestFigures:
        versions = {"2.0.0": VersionFigures(requests, 1, (ms,) * 100)}
        return RequestFigures(START, 1.0, 0, 0, 0, (), 0, 0, 0, versions=versions)

    found = requests_of([figures(1_000, 1.0), figures(9_000, 2.0)], "2.0.0", sample(1).clear())
    assert (found.requests, found.errors) == (10_000, 2)
    assert sum(one > 0.0015 for one in found.latency_s) / len(found.latency_s) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize(("count", "n"), [(0, 50), (50, 50), (3, 10)])
def test_a_share_lies_in_its_interval(count: int, n: int) -> None:
    low, high = wilson(count, n, 3.0)
    assert 0.0 <= low <= count / n <= high <= 1.0
    assert low < high


def test_a_quantile_beyond_the_values_has_no_upper_bound() -> None:
    assert Quantile(0.99, tuple(float(n) for n in range(100))).bounds(3.0)[1] == float("inf")
    low, high = Quantile(0.5, tuple(float(n) for n in range(1_000))).bounds(2.0)
    assert low < 500 < high
    assert high - low < 100


def test_a_reduction_and_its_interval() -> None:
    found = relative_reduction(Rate(140, 1_000), Rate(200, 1_000), 1.96)
    assert found is not None
    assert found[0] == pytest.approx(0.3)
    assert found[1] < 0.3 < found[2]
    assert relative_reduction(Rate(0, 10), Rate(5, 10), 1.96) is None


@pytest.mark.parametrize(
    ("value", "name", "same"),
    [
        ("1", "1", True),
        ("true", "1", True),
        ("0", "False", True),
        ("yes", "0", False),
        ("basic", "basic", True),
    ],
)
def test_an_outcome_may_spell_its_class_otherwise(value: str, name: str, same: bool) -> None:
    assert names_class(value, name) is same
