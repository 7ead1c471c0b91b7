"""A column that grows by batches is what it would have been in one piece."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rondo.errors import DataError
from rondo.ports.columns import Columns, from_columns

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
VALUES = st.one_of(
    st.lists(st.none() | st.integers(-(2**53), 2**53), max_size=12),
    st.lists(st.none() | st.integers(-9, 9) | st.floats(allow_nan=False), max_size=12),
    st.lists(st.none() | st.decimals(-999, 999, places=2) | st.decimals(-9, 9, places=0), max_size=12),
    st.lists(st.none() | st.dates(date(1900, 1, 1)) | MOMENTS, max_size=12),
    st.lists(st.none() | st.text(max_size=3) | st.integers(-9, 9), max_size=12),
    st.lists(st.none() | st.booleans(), max_size=12),
)


def told(values: Sequence[Any], cuts: Sequence[int]) -> Any:
    """The table of the values in batches, or what is said against it."""
    table = Columns(["x"], where="s")
    borders = sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})
    for start, end in itertools.pairwise(borders):
        table.add([values[start:end]])
    try:
        return table.frame()
    except DataError as error:
        return str(error)


@given(VALUES, st.lists(st.integers(0, 12), max_size=4))
def test_batches_make_no_difference(values: list[Any], cuts: list[int]) -> None:
    whole, parts = told(values, []), told(values, cuts)
    if isinstance(whole, str):
        assert parts == whole
    else:
        assert_frame_equal(parts, whole)


def test_a_mixture_over_batches_is_counted_whole() -> None:
    table = Columns(["x"], where="s")
    for part in (["a", "b"], [1, None], ["c", 2]):
        table.add([part])
    with pytest.raises(DataError, match=r"column 'x' mixes types: 3 string \(e.g. 'a'\), 2 int \(e.g. '1'\)"):
        table.frame()


def test_whole_numbers_before_broken_ones_become_numbers() -> None:
    table = Columns(["price", "at"], where="s")
    table.add([[Decimal(5), None], [date(2024, 1, 1), None]])
    table.add([[Decimal("7.50")], [datetime(2024, 1, 2, 3, tzinfo=UTC)]])
    assert table.frame().rows() == [
        (5.0, datetime(2024, 1, 1, tzinfo=UTC)),
        (None, None),
        (7.5, datetime(2024, 1, 2, 3, tzinfo=UTC)),
    ]
    assert from_columns(["nothing"], [[None, None]], where="s").rows() == [(None,), (None,)]
