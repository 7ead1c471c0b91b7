"""Metrics agree with scikit-learn, and say so when they have no value."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from rondo.contract.metrics import metric_names
from rondo.contract.problem import ProblemType
from rondo.errors import ContractError
from rondo.records import metrics
from rondo.records.weighted_metrics import Task


def _binary(rows: int = 400, seed: int = 0, ties: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    score = np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0.001, 0.999)
    return y, np.round(score, 2) if ties else score


BINARY = {
    "accuracy": lambda y, s: sk.accuracy_score(y, s >= 0.5),
    "balanced_accuracy": lambda y, s: sk.balanced_accuracy_score(y, s >= 0.5),
    "precision": lambda y, s: sk.precision_score(y, s >= 0.5),
    "recall": lambda y, s: sk.recall_score(y, s >= 0.5),
    "specificity": lambda y, s: sk.recall_score(y, s >= 0.5, pos_label=0),
    "f1": lambda y, s: sk.f1_score(y, s >= 0.5),
    "mcc": lambda y, s: sk.matthews_corrcoef(y, s >= 0.5),
    "auc_roc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("ties", [True, False])
def test_binary_metrics_agree_with_scikit_learn(name: str, ties: bool) -> None:
    y, score = _binary(ties=ties)
    assert metrics.compute(name, y, score) == pytest.approx(BINARY[name](y, score), abs=1e-12)


@pytest.mark.parametrize("percent", [10, 50, 80, 95, 100])
def test_precision_at_recall_is_the_best_point_of_the_curve(percent: int) -> None:
    y, score = _binary()
    precision, recall, _ = sk.precision_recall_curve(y, score)
    expected = precision[recall >= percent / 100 - 1e-12].max()
    assert metrics.compute(f"precision_at_recall_{percent}", y, score) == pytest.approx(expected)
    expected = recall[precision >= percent / 100 - 1e-12].max()
    assert metrics.compute(f"recall_at_precision_{percent}", y, score) == pytest.approx(expected)


def test_several_classes_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, 500)
    score = rng.dirichlet(np.ones(4), 500) + 0.3 * np.eye(4)[y]
    score /= score.sum(axis=1, keepdims=True)
    said = score.argmax(axis=1)
    assert metrics.compute("accuracy", y, score) == pytest.approx(sk.accuracy_score(y, said))
    assert metrics.compute("log_loss", y, score) == pytest.approx(sk.log_loss(y, score))
    one_against_rest = sk.roc_auc_score(y, score, multi_class="ovr")
    assert metrics.compute("auc_roc", y, score) == pytest.approx(one_against_rest)
    for by in ("macro", "weighted"):
        expected = sk.precision_recall_fscore_support(y, said, average=by)
        for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
            assert metrics.compute(f"{name}_{by}", y, score) == pytest.approx(value)
            assert metrics.compute(f"{by}_{name}", y, score) == pytest.approx(value)


def test_regression_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(1e6, 3, 300)
    score = y + rng.normal(0, 1, 300)
    assert metrics.compute("rmse", y, score) == pytest.approx(sk.root_mean_squared_error(y, score))
    assert metrics.compute("mae", y, score) == pytest.approx(sk.mean_absolute_error(y, score))
    assert metrics.compute("mape", y, score) == pytest.approx(sk.mean_absolute_percentage_error(y, score))
    assert metrics.compute("r2", y, score) == pytest.approx(sk.r2_score(y, score))


@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])), max_size=12),
    st.sampled_from([*BINARY, "precision_at_recall_80", "recall_at_precision_80"]),
)
@settings(max_examples=150, deadline=None)
def test_degenerate_rows_give_a_note_and_no_exception(rows: list[tuple[int, float]], name: str) -> None:
    measured = metrics.measure(name, [y for y, _ in rows], [s for _, s in rows], resamples=20)
    if measured.value is None:
        assert measured.note
        assert measured.low is None
    else:
        assert math.isfinite(measured.value)


@pytest.mark.parametrize(
    ("name", "y", "score", "note"),
    [
        ("auc_roc", [], [], "no rows"),
        ("auc_roc", [1, 1], [0.2, 0.3], "every true value is 1"),
        ("precision", [0, 1], [0.2, 0.3], "nothing is predicted positive at the threshold 0.5"),
        ("accuracy", [0, 1], [0.2, math.nan], "1 of 2 predictions are not finite"),
        ("rmse", [0.0, math.nan], [0.2, 1.0], "1 of 2 true values are missing"),
        ("r2", [2.0, 2.0], [1.0, 3.0], "every true value is 2"),
        ("mape", [0.0, 0.0], [1.0, 3.0], "every true value is 0"),
    ],
)
def test_no_value_says_why(name: str, y: list[float], score: list[float], note: str) -> None:
    measured = metrics.measure(name, y, score)
    assert (measured.value, measured.note) == (None, note)
    assert math.isnan(metrics.compute(name, y, score))


def test_errors_in_shares() -> None:
    assert metrics.compute("wape", [10.0, 0.0], [8.0, 1.0]) == pytest.approx(0.3)
    assert metrics.compute("smape", [10.0, 0.0, 0.0], [5.0, 1.0, 0.0]) == pytest.approx((2 / 3 + 2 + 0) / 3)
    assert metrics.measure("wape", [0.0, 0.0], [1.0, 2.0]).note == "every true value is 0"


@pytest.mark.parametrize(
    ("problem", "task"),
    [
        ("binary_classification", "binary"),
        ("multiclass_classification", "multiclass"),
        ("regression", "regression"),
    ],
)
def test_every_metric_that_a_project_may_ask_for_can_be_computed(problem: ProblemType, task: Task) -> None:
    assert [name for name in metric_names(problem) if not metrics.is_known(name, task)] == []


def test_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(ContractError, match="Did you mean 'accuracy'"):
        metrics.compute("acuracy", [0, 1], [0.1, 0.9])
    with pytest.raises(ContractError, match="regression"):
        metrics.compute("auc_roc", [0.0, 1.0], [0.1, 0.9], task="regression")


def test_losses_get_better_downwards() -> None:
    down = [name for name in (*BINARY, "rmse", "mae", "mape", "r2") if not metrics.bigger_is_better(name)]
    assert down == ["log_loss", "brier", "rmse", "mae", "mape"]
    assert metrics.canonical("roc_auc") == "auc_roc"


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(100):
        y = np.random.default_rng(seed).random(200) < 0.7
        measured = metrics.measure("accuracy", np.ones(200), y.astype(float), resamples=200, seed=seed)
        assert measured.low is not None
        assert measured.high is not None
        covered += measured.low <= 0.7 <= measured.high
    assert covered >= 88


def test_paired_difference_is_zero_for_equal_models_and_sees_a_better_one() -> None:
    y, score = _binary(2000, ties=False)
    same = metrics.difference("auc_roc", y, score, score)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    worse = np.clip(score + np.random.default_rng(3).normal(0, 0.3, len(y)), 0, 1)
    better = metrics.difference("auc_roc", y, score, worse)
    assert better.low is not None
    assert better.low > 0
    assert metrics.difference("log_loss", y, score, worse).value < 0  # type: ignore[operator]


def test_best_f1_threshold_beats_every_other() -> None:
    y, score = _binary()
    found = metrics.compute("f1", y, score, metrics.best_f1_threshold(y, score))
    assert found == pytest.approx(max(sk.f1_score(y, score >= t) for t in np.unique(score)))
    assert metrics.best_f1_threshold([1, 1], [0.2, 0.3]) == 0.5


def test_all_metrics_of_twelve_thousand_rows_are_measured_at_once() -> None:
    y, score = _binary(12_000, ties=False)
    names = [*metrics.usual_metrics("binary"), "precision_at_recall_80"]
    start = time.perf_counter()
    found = metrics.measure_all(names, y, score)
    print(f"{len(names)} metrics of 12,000 rows: {time.perf_counter() - start:.1f} s")  # noqa: T201
    assert list(found) == names
