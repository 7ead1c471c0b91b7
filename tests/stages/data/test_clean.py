"""Missing values, then outliers, then types; nothing else changes."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.data import Clean, Outliers
from rondo.errors import ContractError, DataError, RondoError
from rondo.stages.data.clean import bounds, clean


def cleaned(values: list[Any], **rules: Any) -> list[Any]:
    wanted = Clean.model_validate({kind: {"c": rule} for kind, rule in rules.items()})
    return clean(pl.DataFrame({"c": values}), wanted)[0]["c"].to_list()


@pytest.mark.parametrize(
    ("values", "rule", "expected"),
    [
        ([1.0, None, 4.0], {"fill": "median"}, [1.0, 2.5, 4.0]),
        ([1, None, 4], {"fill": "median"}, [1, 2, 4]),
        ([1, None, 3], {"fill": "mean"}, [1, 2, 3]),
        ([5, None], {"fill": "zero"}, [5, 0]),
        (["b", "a", None, "b", "a"], {"fill": "most_frequent"}, ["b", "a", "a", "b", "a"]),
        (["x", None], {"value": "unknown"}, ["x", "unknown"]),
        ([True, None], {"value": False}, [True, False]),
        ([date(2024, 1, 1), None], {"value": "2024-02-01"}, [date(2024, 1, 1), date(2024, 2, 1)]),
        ([1, None, 2], {"drop_row": True}, [1, 2]),
    ],
)
def test_missing_values_are_filled(values: list[Any], rule: dict[str, Any], expected: list[Any]) -> None:
    assert cleaned(values, missing=rule) == expected


@pytest.mark.parametrize(
    ("values", "rule", "expected"),
    [
        ([1, 50, 100], {"min": 2, "max": 60}, [2, 50, 60]),
        ([1, 50, 100], {"max": 60, "action": "null"}, [1, 50, None]),
        ([1, None, 100], {"max": 60, "action": "drop_row"}, [1, None]),
        ([1, 2], {"max": 1.5}, [1, 1]),
        ([0.0, 1.0, 2.0, 3.0, 100.0], {"iqr": 1.5}, [0.0, 1.0, 2.0, 3.0, 6.0]),
        ([1.0, math.inf, 3.0], {"max": 3}, [1.0, 3.0, 3.0]),
    ],
)
def test_outliers_are_bounded(values: list[Any], rule: dict[str, Any], expected: list[Any]) -> None:
    assert cleaned(values, outliers=rule) == expected


@pytest.mark.parametrize(
    ("values", "wanted", "expected"),
    [
        (["1", " 2 ", ""], "int", [1, 2, None]),
        (["1.5", "-2e3"], "float", [1.5, -2000.0]),
        (["Yes", "no", "TRUE", "0"], "bool", [True, False, True, False]),
        ([0, 1, None], "bool", [False, True, None]),
        ([17850.0, None], "int", [17850, None]),
        ([17850.0], "string", ["17850"]),
        (["2024-01-01T10:00:00Z"], "datetime", [datetime(2024, 1, 1, 10, tzinfo=UTC)]),
        (["2024-01-01", "2024-01-02 00:00:00"], "date", [date(2024, 1, 1), date(2024, 1, 2)]),
        ([date(2024, 1, 1)], "datetime", [datetime(2024, 1, 1, tzinfo=UTC)]),
    ],
)
def test_types_are_converted_whole(values: list[Any], wanted: str, expected: list[Any]) -> None:
    assert cleaned(values, types=wanted) == expected


@pytest.mark.parametrize(
    ("values", "rules", "kind", "told"),
    [
        (["1", "1,234", "NULL"], {"types": "int"}, DataError, "2 of 3 values are no int: '1,234', 'NULL'"),
        (["1e400"], {"types": "int"}, DataError, "1 of 1 values"),
        (["NaN"], {"types": "float"}, DataError, "1 of 1 values are no float"),
        (["१२"], {"types": "int"}, DataError, "1 of 1 values"),
        ([1.5], {"types": "int"}, DataError, "'1.5'"),
        ([2], {"types": "bool"}, DataError, "'2'"),
        (["maybe"], {"types": "bool"}, DataError, "'maybe'"),
        ([1], {"types": "datetime"}, DataError, "an? int column is no datetime"),
        (["2024-01-01 10:00"], {"types": "date"}, DataError, "no date"),
        (["x"], {"missing": {"fill": "mean"}}, None, ""),
        (["x", None], {"missing": {"fill": "mean"}}, ContractError, "mean of a string column"),
        ([1, None], {"missing": {"value": "unknown"}}, ContractError, "does not suit a int column"),
        (["x"], {"outliers": {"max": 1}}, ContractError, "bounds for a string column"),
    ],
)
def test_what_would_lose_values_is_refused(
    values: list[Any], rules: dict[str, Any], kind: type[RondoError] | None, told: str
) -> None:
    if kind is None:
        assert cleaned(values, **rules) == values
        return
    with pytest.raises(kind, match=told):
        cleaned(values, **rules)


def test_an_empty_column_has_no_statistic() -> None:
    wanted = Clean.model_validate({"missing": {"c": {"fill": "median"}}})
    with pytest.raises(DataError, match="nothing to fill with"):
        clean(pl.DataFrame({"c": [None, None]}, schema={"c": pl.Float64}), wanted)


def test_a_rule_for_no_column_names_the_nearest() -> None:
    with pytest.raises(ContractError, match="Did you mean 'amount'"):
        clean(pl.DataFrame({"amount": [1]}), Clean.model_validate({"missing": {"amout": {"value": 0}}}))


def test_missing_values_go_before_outliers_and_types_come_last() -> None:
    # Filled with 1,000 the missing value is an outlier; clipped to 10.5 the column can still become whole numbers.
    wanted = Clean.model_validate(
        {"missing": {"c": {"value": 1000}}, "outliers": {"c": {"max": 10}}, "types": {"c": "int"}}
    )
    table, steps = clean(pl.DataFrame({"c": [1.0, None]}), wanted)
    assert table["c"].to_list() == [1, 10]
    assert [step.what.split()[0] for step in steps] == ["missing", "values", "float"]


@given(
    st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1).filter(
        lambda values: any(v is not None for v in values)
    ),
    st.floats(0.0, 0.4),
)
def test_order_and_number_of_rows_stay(values: list[float | None], share: float) -> None:
    wanted = Clean.model_validate(
        {"missing": {"c": {"fill": "median"}}, "outliers": {"c": {"quantiles": [share, 1 - share]}}}
    )
    table = pl.DataFrame({"row": range(len(values)), "c": values}, schema_overrides={"c": pl.Float64})
    found, _ = clean(table, wanted)
    assert found["row"].to_list() == list(range(len(values)))
    assert found["c"].null_count() == 0
    low, high = bounds(table["c"].fill_null(table["c"].median()), Outliers(quantiles=(share, 1 - share)))
    assert found["c"].is_between(low, high).all()
