"""The reference statistics: bins, sketch, missing values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rondo.bundle.reference import (
    SKETCH_POINTS,
    Reference,
    count_in_bins,
    describe_categories,
    describe_numbers,
    describe_rows,
)
from rondo.records.files import from_json, to_json

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


def test_quantile_bins_are_equally_full() -> None:
    found = describe_numbers(np.arange(1000, dtype=np.float32), 10)
    assert found.counts == (100,) * 10
    assert found.missing == 0
    assert len(found.quantiles) == SKETCH_POINTS
    assert (found.quantiles[0], found.quantiles[-1]) == (0.0, 999.0)


def test_a_value_that_repeats_gives_fewer_bins_and_none_of_them_empty() -> None:
    found = describe_numbers(np.array([0.0] * 95 + [1.0, 2.0, 3.0, 4.0, 5.0]), 10)
    assert found.edges == (0.0,)
    assert found.counts == (95, 5)


def test_a_constant_is_one_bin() -> None:
    assert describe_numbers(np.full(7, 3.0), 10).counts == (7,)


def test_no_value_at_all_is_a_state_not_a_failure() -> None:
    found = describe_numbers(np.array([np.nan, np.inf]), 10)
    assert (found.missing, found.n, found.quantiles, found.mean) == (2, 0, (), None)


@given(arrays(np.float32, st.integers(0, 200), elements=FLOATS), st.integers(2, 20))
def test_every_value_is_counted_once_and_no_bin_of_the_reference_is_empty(
    values: np.ndarray, bins: int
) -> None:
    found = describe_numbers(values, bins)
    assert found.n + found.missing == values.size
    assert len(found.counts) == len(found.edges) + 1 <= bins
    assert found.n == 0 or min(found.counts) > 0
    assert count_in_bins(values, found.edges) == found.counts


def test_categories_are_counted_by_name() -> None:
    found = describe_categories(["b", "a", None, "b", ""])
    assert dict(found.counts) == {"a": 1, "b": 2}
    assert found.missing == 2


def test_a_reference_survives_its_file() -> None:
    rows = describe_rows(
        (["x"], ["plan"]),
        np.array([[1.0], [np.nan], [3.0]], dtype=np.float32),
        np.array([["a"], [None], ["b"]], dtype=object),
        np.array([0.1, 0.5, 0.9]),
        ["0", "1", "1"],
        bins=2,
    )
    assert from_json(to_json(rows), Reference) == rows
    assert rows.labels == {"0": 1, "1": 2}
    assert rows.numerical["x"].missing == 1
    assert rows.score.quantiles[500] == pytest.approx(0.5)
