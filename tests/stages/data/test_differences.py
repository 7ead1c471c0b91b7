"""What became of rows and columns, told the same whether rows have names or not."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from rondo.stages.data import differences

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def table(rows: list[tuple[int, float | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"id": pl.Int64, "x": pl.Float64}, orient="row")


def test_rows_with_a_name_come_go_and_change() -> None:
    found = differences(
        table([(1, 1.0), (2, 2.0), (3, None)]), table([(2, 2.5), (3, None), (4, 4.0)]), ["id"]
    )
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (1, 1, 1)
    assert found.changed_by_column == {"x": 1}
    assert found.keys == ("id",)


def test_names_that_do_not_name_one_row_are_not_used() -> None:
    found = differences(table([(1, 1.0), (1, 2.0)]), table([(1, 1.0), (1, 3.0)]), ["id"])
    assert found.keys == ()
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (1, 1, 0)


def test_columns_come_go_and_change_their_type() -> None:
    before = table([(1, 1.0)]).with_columns(old=pl.lit("a"), n=pl.lit(1), _data_version=pl.lit("1.0.0"))
    after = table([(1, 1.0)]).with_columns(new=pl.lit(DAY), n=pl.lit("1"), _data_version=pl.lit("1.0.1"))
    found = differences(before, after, ["id"])
    assert (found.columns_added, found.columns_removed) == (("new",), ("old",))
    assert found.columns_retyped == {"n": ("int", "string")}
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (0, 0, 0)


ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, 0.5, 1.0])), max_size=8)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS)
def test_without_names_rows_are_counted_like_things_in_a_bag(
    before: list[tuple[int, float | None]], after: list[tuple[int, float | None]]
) -> None:
    found = differences(table(before), table(after))
    old, new = Counter(before), Counter(after)
    assert found.rows_added == (new - old).total()
    assert found.rows_removed == (old - new).total()
