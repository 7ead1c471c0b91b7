from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.bundle.reference import CategoricalReference, describe_categories, describe_numbers
from rondo.stages.monitoring.drift import ks_of_numbers, psi_of_categories, psi_of_numbers


def normal(rows: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, rows)


def test_psi_of_a_hand_made_table_is_the_formula() -> None:
    # Reference 50/50, now 80/20: (.8-.5)ln(.8/.5) + (.2-.5)ln(.2/.5) = 0.4159
    reference = CategoricalReference({"a": 50_000, "b": 50_000}, 0)
    moved = psi_of_categories(["a"] * 8000 + ["b"] * 2000, reference)
    assert moved is not None
    assert moved.value == pytest.approx(0.4159, abs=2e-3)


def test_chance_explains_equal_distributions_at_the_stated_rate() -> None:
    reference = describe_numbers(normal(5000, 1), 10)
    beyond = 0
    values = []
    for seed in range(300):
        moved = psi_of_numbers(normal(500, seed + 10), reference)
        assert moved is not None
        values.append(moved.value)
        beyond += moved.value > moved.beyond
    assert beyond <= 3
    assert np.mean(values) == pytest.approx(moved.chance, rel=0.25)


def test_a_shift_is_beyond_chance() -> None:
    reference = describe_numbers(normal(5000, 1), 10)
    for measure in (psi_of_numbers, ks_of_numbers):
        moved = measure(normal(500, 2, shift=0.5), reference, compared=20)
        assert moved is not None
        assert moved.value > moved.beyond


def test_ks_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    old, now = normal(4000, 1), normal(700, 2, shift=0.3)
    moved = ks_of_numbers(now, describe_numbers(old, 10))
    assert moved is not None
    assert moved.value == pytest.approx(stats.ks_2samp(now, old).statistic, abs=2e-3)


def test_missing_values_and_unknown_categories_count_as_movement() -> None:
    reference = describe_numbers(normal(5000, 1), 10)
    now = normal(1000, 2)
    now[:300] = np.nan
    moved = psi_of_numbers(now, reference)
    assert moved is not None
    assert moved.value > 0.2
    unknown = psi_of_categories(["new"] * 300 + ["a"] * 700, describe_categories(["a"] * 1000))
    assert unknown is not None
    assert unknown.value > 0.2


def test_without_rows_there_is_no_figure() -> None:
    reference = describe_numbers(normal(100, 1), 10)
    assert psi_of_numbers(np.array([]), reference) is None
    assert ks_of_numbers(np.array([np.nan]), reference) is None
    assert psi_of_categories([], describe_categories(["a"])) is None


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_psi_is_never_negative_nor_nan(values: list[float]) -> None:
    moved = psi_of_numbers(np.array(values), describe_numbers(normal(50, 1), 5))
    assert (moved is None) == (not values)
    if moved is not None:
        assert moved.value >= 0
