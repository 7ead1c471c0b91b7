"""Metrics, curves and slices say what the answers say, and nothing where they say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rondo.records.candidate import Measured
from rondo.stages.validation.answers import Answers, Resampling
from rondo.stages.validation.curves import (
    Pictures,
    calibration_bins,
    draw,
    precision_recall_curve,
    roc_curve,
    wilson,
)
from rondo.stages.validation.evaluation import evaluate, metrics_to_measure
from rondo.stages.validation.slices import MISSING, Slice, slice_rows

FAST = Resampling(50, 0.95, 1)
Floats = NDArray[np.float64]


def two_classes(y: list[float], score: list[float], threshold: float = 0.5) -> Answers:
    return Answers(np.array(y), np.array(score), ("no", "yes"), "yes", threshold)


def sample(n: int, seed: int = 1) -> Answers:
    chance = np.random.default_rng(seed)
    score = chance.random(n)
    return two_classes((chance.random(n) < score).astype(float).tolist(), score.tolist())


def test_metrics_asked_for_come_first_each_once_under_the_name_that_was_asked() -> None:
    names = metrics_to_measure("binary", "precision_at_recall_80", ["roc_auc", "recall", "nonsense"])
    assert names[:3] == ("precision_at_recall_80", "roc_auc", "recall")
    assert "nonsense" not in names
    assert "auc_roc" not in names


def test_a_perfect_model_has_the_corner_of_both_curves() -> None:
    y, score = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.8, 0.9])
    assert roc_curve(y, score) == ((0, 0), (0, 0.5), (0, 1), (0.5, 1), (1, 1))
    assert precision_recall_curve(y, score)[:2] == ((0.5, 1), (1, 1))


@given(st.integers(0, 1000), st.integers(2, 60))
def test_the_area_under_the_drawn_curve_is_the_metric(seed: int, n: int) -> None:
    chance = np.random.default_rng(seed)
    score = chance.integers(0, 10, n) / 10
    y = (chance.random(n) < 0.5).astype(float)
    if not 0 < y.sum() < n:
        return
    answers = two_classes(y.tolist(), score.tolist())
    auc = evaluate(answers, ("auc_roc",), "auc_roc", Resampling(0, 0.95, 1)).measured["auc_roc"].value
    x, height = np.array(roc_curve(y, score)).T
    assert np.trapezoid(height, x) == pytest.approx(auc, abs=1e-4)


def test_decisions_are_counted_at_the_threshold_of_the_model() -> None:
    pictures = draw(two_classes([0, 0, 1, 1, 1], [0.1, 0.7, 0.7, 0.2, 0.9], threshold=0.7))
    assert pictures.confusion == ((1, 1), (1, 2))
    (here,) = [row for row in pictures.thresholds if row.threshold == 0.7]
    assert (here.flagged, here.precision, here.recall) == (
        0.6,
        pytest.approx(2 / 3, abs=1e-6),
        here.precision,
    )


def test_the_positive_class_may_be_the_first() -> None:
    answers = Answers(np.array([1.0, 0.0]), np.array([0.9, 0.8]), ("gone", "here"), "gone", 0.5)
    assert draw(answers).confusion == ((1, 0), (1, 0))


def test_calibrated_scores_lie_near_the_diagonal() -> None:
    answers = sample(20_000)
    pictures = draw(answers)
    assert len(pictures.calibration) == 10
    assert pictures.calibration_error is not None
    assert pictures.calibration_error < 0.02
    assert all(one.low <= one.observed <= one.high for one in pictures.calibration)
    assert sum(one.n for one in pictures.calibration) == 20_000


def test_equal_scores_stay_in_one_bin() -> None:
    bins = calibration_bins(np.array([0.0, 1.0, 1.0, 0.0]), np.full(4, 0.3))
    assert [(one.predicted, one.observed, one.n) for one in bins] == [(0.3, 0.5, 4)]


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_wilson_holds_the_share_and_stays_within_0_and_1(share: float, n: int) -> None:
    low, high = wilson(share, n)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1


def test_several_classes_have_decisions_and_no_curves() -> None:
    score = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]])
    pictures = draw(Answers(np.array([0.0, 1.0, 2.0]), score, ("a", "b", "c"), "", 0.5))
    assert pictures.confusion == ((1, 0, 0), (0, 1, 0), (0, 1, 0))
    assert pictures.roc == ()


def test_numbers_have_errors_and_a_calibration() -> None:
    y = np.linspace(0, 10, 100)
    pictures = draw(Answers(y, y + 1, (), "", 0.5))
    assert len(pictures.calibration) == 10
    assert pictures.scores is not None
    assert sum(pictures.scores.counts["predicted minus true"]) == 100


@pytest.mark.parametrize(("y", "score"), [([], []), ([1.0, np.nan], [0.5, 0.5]), ([1.0, 0.0], [0.5, np.nan])])
def test_without_rows_or_numbers_there_is_nothing_to_draw_and_no_value(
    y: list[float], score: list[float]
) -> None:
    evaluation = evaluate(two_classes(y, score), ("auc_roc",), "auc_roc", FAST)
    assert evaluation.pictures == Pictures()
    assert evaluation.measured["auc_roc"].value is None
    assert evaluation.measured["auc_roc"].note


def test_one_class_only_draws_no_curves() -> None:
    evaluation = evaluate(two_classes([1.0, 1.0], [0.5, 0.6]), ("auc_roc",), "auc_roc", FAST)
    assert evaluation.pictures.roc == ()
    assert evaluation.pictures.confusion == ((0, 0), (0, 2))


# Slices.


def slices_of(
    answers: Answers, values: list[str | None] | Floats, *, overall: float | None = 0.8, least: int = 10
) -> tuple[Slice, ...]:
    return slice_rows(
        answers,
        "country",
        values,
        metric="auc_roc",
        overall=Measured(overall),
        least_rows=least,
        resampling=FAST,
    )


def test_slices_come_by_size_and_small_ones_are_not_measured() -> None:
    answers = sample(300)
    found = slices_of(answers, ["kr"] * 200 + ["fr"] * 95 + [None] * 5)
    assert [(one.value, one.n) for one in found] == [("kr", 200), ("fr", 95), (MISSING, 5)]
    assert found[0].measured.value is not None
    assert found[2].measured.value is None
    assert found[2].measured.note == "fewer than 10 rows"


def test_rare_values_beyond_a_dozen_are_taken_together() -> None:
    answers = sample(400)
    found = slices_of(answers, [f"v{at % 20:02}" for at in range(400)])
    assert len(found) == 13
    assert (found[-1].value, found[-1].n) == ("other (8 values)", 160)


def test_a_slice_whose_whole_interval_is_worse_is_marked() -> None:
    answers = sample(1000)
    assert slices_of(answers, ["kr"] * 1000, overall=0.999)[0].worse
    assert not slices_of(answers, ["kr"] * 1000, overall=0.5)[0].worse


def test_numbers_are_sliced_in_their_order() -> None:
    answers = sample(400)
    found = slices_of(answers, np.append(np.arange(396.0), [np.nan] * 4))
    assert [one.n for one in found] == [99, 99, 99, 99, 4]
    assert found[0].value.startswith("up to")
    assert found[3].value.startswith("above")
    assert found[4].value == MISSING
    few = slices_of(answers, np.repeat([3.0, 1.0], 200))
    assert [one.value for one in few] == ["1", "3"]


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=60))
def test_every_row_is_in_exactly_one_slice(values: list[str | None]) -> None:
    assert sum(one.n for one in slices_of(sample(len(values)), values)) == len(values)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60))
def test_every_row_is_in_exactly_one_slice_of_numbers(values: list[float]) -> None:
    assert sum(one.n for one in slices_of(sample(len(values)), np.array(values))) == len(values)
