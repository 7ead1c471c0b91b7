"""A left join keeps every row of the base, in order."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.data import Base, JoinStep
from rondo.errors import ContractError, DataError
from rondo.stages.data.join import join

KEYS = st.lists(st.none() | st.integers(0, 5), max_size=12)


def step(name: str, on: object = "k", how: str = "left") -> JoinStep:
    return JoinStep.model_validate({"with": name, "on": on, "how": how})


def keyed(keys: list[int | None], name: str) -> pl.DataFrame:
    return pl.DataFrame({"k": keys, name: range(len(keys))}, schema={"k": pl.Int64, name: pl.Int64})


@given(KEYS, KEYS)
def test_every_left_row_is_kept_in_order(left: list[int | None], right: list[int | None]) -> None:
    table, (told,) = join({"a": keyed(left, "x"), "b": keyed(right, "y")}, [Base(base="a"), step("b")])
    # Brute force: each left row with every partner, or alone; a missing key has no partner.
    expected = [
        (key, x, y)
        for x, key in enumerate(left)
        for y in ([at for at, other in enumerate(right) if other == key and key is not None] or [None])
    ]
    assert sorted(table.rows(), key=str) == sorted(expected, key=str)
    assert [row[1] for row in table.rows()] == [row[1] for row in expected]
    assert told.rows_before == len(left)
    assert told.rows_after == table.height
    known = [key for key in right if key is not None]
    assert told.multiplied == (len(known) != len(set(known)))


def test_columns_of_both_sides_get_the_name_of_their_source() -> None:
    tables = {"a": pl.DataFrame({"k": [1], "v": [1]}), "b": pl.DataFrame({"k": [1], "v": [2]})}
    table, _ = join(tables, [Base(base="a"), step("b")])
    assert table.to_dicts() == [{"k": 1, "v": 1, "v_b": 2}]
    tables["a"] = tables["a"].with_columns(v_b=pl.lit(0))
    with pytest.raises(DataError, match="two columns would be named 'v_b'"):
        join(tables, [Base(base="a"), step("b")])


def test_a_full_join_keeps_both_sides() -> None:
    tables = {"a": keyed([1, 2], "x"), "b": keyed([2, 3], "y")}
    table, _ = join(tables, [Base(base="a"), step("b", how="full")])
    assert table.rows() == [(1, 0, None), (2, 1, 0), (3, None, 1)]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([], "nothing joins the source 'a'"),
        ([Base(base="a")], "nothing joins the source 'b'"),
        ([step("b")], "0 sources are the base"),
        ([Base(base="a"), Base(base="b")], "2 sources are the base"),
        ([Base(base="aa"), step("b")], "no source is named 'aa'"),
    ],
)
def test_joins_that_cannot_be(steps: list[Base | JoinStep], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        join({"a": keyed([1], "x"), "b": keyed([1], "y")}, steps)


def test_keys_must_be_there_and_of_one_type() -> None:
    tables = {"a": keyed([1], "x"), "b": pl.DataFrame({"k": ["1"], "kk": [1]})}
    with pytest.raises(DataError, match="'k' is int in the rows so far and string in source b"):
        join(tables, [Base(base="a"), step("b")])
    with pytest.raises(DataError, match="the rows so far has no column 'kk'"):
        join(tables, [Base(base="a"), step("b", on=("k", "kk"))])
