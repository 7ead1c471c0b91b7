"""Scaled errors: the seasonal naive forecast is the measure of every other one."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.records.metrics import difference, measure
from rondo.records.series import Series, series_of

START = datetime(2024, 1, 1)


def made(learned: list[bool] | None = None) -> tuple[Series, np.ndarray]:
    entity = pl.Series(["a", "a", "a", "b", "b", "b", "c"])
    at = pl.Series([START + timedelta(days=day) for day in (0, 1, 2, 0, 1, 2, 2)])
    y = np.array([1.0, 3.0, 5.0, 2.0, 2.0, 9.0, 4.0])
    naive = pl.Series([2.0, 1.0, 3.0, 2.0, 2.0, 2.0, 1.0])
    rows = np.array(learned or [True, True, False, True, True, False, False])
    return series_of(entity, at, y, naive, rows), y


def test_the_scale_is_the_naive_error_on_learned_rows_only() -> None:
    series, _ = made()
    np.testing.assert_allclose(series.scale, [1.5, 1.5, 1.5, np.nan, np.nan, np.nan, np.nan])
    assert series.moments.tolist() == [0, 1, 2, 0, 1, 2, 2]


def test_what_comes_after_does_not_change_the_scale() -> None:
    before, y = made()
    entity = pl.Series(["a", "a", "a", "b", "b", "b", "c"])
    at = pl.Series([START + timedelta(days=day) for day in (0, 1, 2, 0, 1, 2, 2)])
    y = np.where([False, False, True, False, False, True, True], 1000.0, y)
    rows = np.array([True, True, False, True, True, False, False])
    again = series_of(entity, at, y, pl.Series(before.naive), rows)
    np.testing.assert_array_equal(again.scale, before.scale)


def test_mase_is_the_mean_scaled_error_of_the_rows_that_have_a_scale() -> None:
    series, y = made()
    score = np.array([1.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0])
    found = measure("mase", y, score, task="regression", resamples=0, groups=series)
    assert found.value == pytest.approx((0 + 1 + 3) / 1.5 / 3)


def test_without_any_scale_mase_has_no_value_and_says_why() -> None:
    series, y = made([False] * 7)
    found = measure("mase", y, y, task="regression", resamples=0, groups=series)
    assert found.value is None
    assert "no row has a scale" in found.note
    assert measure("mase", y, y, task="regression", resamples=0).value is None


def test_the_naive_forecast_on_learned_rows_has_a_mase_of_one() -> None:
    series, y = made([True] * 7)
    found = measure("mase", y, series.naive, task="regression", resamples=0, groups=series)
    assert found.value == pytest.approx(1.0)


def test_rows_of_one_day_are_drawn_together() -> None:
    """Thirty days, each with fifty equal errors, say as much as thirty rows and not as fifteen hundred."""
    rng = np.random.default_rng(0)
    error = np.repeat(rng.normal(size=30), 50)
    days = np.repeat(np.arange(30), 50)
    series = Series(days, np.zeros(1500), np.ones(1500))
    y = np.zeros(1500)
    together = measure("mae", y, error, task="regression", groups=series)
    alone = measure("mae", y, error, task="regression")
    assert together.value == alone.value
    assert together.low is not None
    assert together.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert (together.high - together.low) > 4 * (alone.high - alone.low)


@given(st.integers(0, 100), st.integers(2, 20))
def test_against_itself_a_forecast_gains_nothing(seed: int, days: int) -> None:
    rng = np.random.default_rng(seed)
    y, said = rng.poisson(3.0, (2, days * 3)).astype(float)
    series = Series(np.repeat(np.arange(days), 3), said, np.ones(days * 3))
    found = difference("mase", y, said, said, task="regression", resamples=50, groups=series)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
