"""Every check tells what was found; what cannot be computed is never passed."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from rondo.contract.data import Validate
from rondo.contract.problem import DataRequirements
from rondo.records.dataset import Check
from rondo.stages.data.checks import check, problems_of

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def checked(
    values: dict[str, list[Any]] | pl.DataFrame, rules: dict[str, Any], **more: Any
) -> dict[str, Check]:
    table = values if isinstance(values, pl.DataFrame) else pl.DataFrame(values)
    found = check(table, Validate.model_validate(rules), **more)
    return {f"{check.name}:{check.column or ''}": check for check in found}


GOOD = {"id": [1, 2, 3, 4], "plan": ["a", "b", "a", None], "x": [0.5, 1.5, 2.5, 3.5]}


def test_good_data_passes_every_check() -> None:
    rules = {
        "min_rows": 4,
        "max_null_ratio": 0.25,
        "schema": {"id": "int", "plan": "string", "x": "float"},
        "value_ranges": {"x": {"min": 0, "max": 4}, "plan": {"values": ["a", "b"]}},
    }
    found = checked(GOOD, rules)
    assert [check.status for check in found.values()] == ["passed"] * 7
    assert found["null_ratio:"].found == "at most 25.0% missing, in 'plan'"


@pytest.mark.parametrize(
    ("rules", "which", "status", "told"),
    [
        ({"min_rows": 5}, "row_count:", "failed", "4 rows"),
        ({"max_null_ratio": 0.2}, "null_ratio:plan", "failed", "25.0% missing"),
        ({"max_null_ratio": 0.2, "max_null_ratios": {"plan": 0.5}}, "null_ratio:", "passed", "25.0%"),
        ({"max_null_ratios": {"plam": 0.5}}, "null_ratio:plam", "not_computable", "Did you mean 'plan'"),
        ({"schema": {"idd": "int"}}, "schema_match:idd", "failed", "Did you mean 'id'"),
        ({"schema": {"plan": "int"}}, "schema_match:plan", "failed", "a string column"),
        ({"schema": {"id": "float"}, "max_null_ratio": 1}, "schema_match:", "passed", "as declared"),
        (
            {"value_ranges": {"x": {"min": 1}}},
            "value_range:x",
            "failed",
            "1 values outside (25.0% of the rows)",
        ),
        ({"value_ranges": {"x": {"max": 1}}}, "value_range:x", "failed", "3 values outside"),
        ({"value_ranges": {"plan": {"values": ["a"]}}}, "value_range:plan", "failed", "1 values outside"),
        ({"value_ranges": {"plan": {"min": 0}}}, "value_range:plan", "failed", "no bounds of numbers"),
        (
            {"value_ranges": {"id": {"values": ["one"]}}},
            "value_range:id",
            "failed",
            "does not suit a int column",
        ),
        ({"value_ranges": {"y": {"min": 0}}}, "value_range:y", "not_computable", "no such column"),
    ],
)
def test_one_rule_broken(rules: dict[str, Any], which: str, status: str, told: str) -> None:
    found = checked(GOOD, rules)[which]
    assert found.status == status
    assert told in found.found


def test_no_evidence_is_never_passed() -> None:
    empty = checked(pl.DataFrame(schema={"x": pl.Float64}), {"value_ranges": {"x": {"min": 0}}})
    assert {name: check.status for name, check in empty.items()} == {
        "row_count:": "failed",
        "null_ratio:": "not_computable",
        "value_range:x": "not_computable",
        "infinite_values:": "passed",
        "duplicates:": "not_computable",
    }
    nothing = checked({"x": pl.Series([None, None], dtype=pl.Float64)}, {"value_ranges": {"x": {"min": 0}}})
    assert nothing["value_range:x"].status == "not_computable"
    assert nothing["null_ratio:x"].status == "failed"


def test_infinite_values_fail_and_copies_are_counted() -> None:
    found = checked({"x": [1.0, math.inf, -math.inf, 1.0]}, {})
    assert (found["infinite_values:"].status, found["infinite_values:"].found) == ("failed", "2 in 'x'")
    assert found["duplicates:"].found == "1 rows repeat an earlier one (25.0%)"


def test_required_columns_must_be_there() -> None:
    found = checked(GOOD, {}, required=["id", "churned"])
    assert found["schema_match:churned"].status == "failed"
    found = checked(GOOD, {}, required={"churned": "ml_problem.target"})
    assert found["schema_match:churned"].rule == "ml_problem.target names a column of the data"


@pytest.mark.parametrize(
    ("times", "status"),
    [
        ([NOW - timedelta(days=400), NOW], "passed"),
        ([NOW, NOW + timedelta(hours=23)], "passed"),
        ([NOW, NOW + timedelta(days=2)], "failed"),
        ([date(2024, 5, 1), date(2024, 6, 1)], "passed"),
        (["2024-01-01", "2024-01-02"], "failed"),
        (pl.Series([None], dtype=pl.Date), "not_computable"),
    ],
)
def test_event_times_are_times_and_not_of_the_future(times: Any, status: str) -> None:
    assert (
        checked({"at": times}, {"max_null_ratio": 1}, event_time="at", now=NOW)["event_time:at"].status
        == status
    )


@pytest.mark.parametrize(
    ("days", "needed", "status"),
    [
        (364, "1 year", "passed"),
        (363, "1 year", "failed"),
        (730, "2 years", "passed"),
        (728, "2 years", "failed"),
    ],
)
def test_history_counts_whole_days_with_both_ends(days: int, needed: str, status: str) -> None:
    needs = DataRequirements.model_validate({"historical_period": needed, "minimum_samples": 3})
    times = [NOW - timedelta(days=days), NOW]
    found = checked({"at": times}, {}, event_time="at", needs=needs, now=NOW)
    assert found["historical_period:at"].status == status
    assert found["minimum_samples:"].status == "failed"


def test_history_without_times_is_not_computable() -> None:
    needs = DataRequirements.model_validate({"historical_period": "1 year"})
    assert checked(GOOD, {}, needs=needs)["historical_period:"].status == "not_computable"


def test_what_did_not_pass_becomes_problems_with_examples() -> None:
    found = check(pl.DataFrame(GOOD), Validate.model_validate({"value_ranges": {"x": {"min": 2}}}))
    problems = [str(problem) for problem in problems_of(found)]
    assert any(
        "value_range of 'x': 2 values outside" in text and "e.g. 0.5, 1.5" in text for text in problems
    )
    assert any(text.startswith("null_ratio of 'plan'") for text in problems)


def test_rows_without_an_entity_are_no_second_rows_of_one() -> None:
    rows = {"who": [None, None, "a", "b"], "at": [1, 1, 1, 1]}
    found = checked(rows, {"max_null_ratio": 1}, key=("who", "at")).get("duplicates:")
    assert found is not None
    assert (found.status, found.found) == ("passed", "1 rows repeat an earlier one (25.0%)")


@pytest.mark.parametrize(
    "names",
    [
        [f"OR{n:010}" for n in range(100)],  # numbers of orders
        ["US0378331005", "US5949181045", "US0231351067", "US02079K3059", "US88160R1014"],  # of securities
    ],
)
def test_letters_with_digits_are_no_bank_accounts(names: list[str]) -> None:
    assert not [one for one in checked({"x": names}, {}).values() if one.status == "warned"]


def test_a_date_of_birth_is_seen_with_a_time_too() -> None:
    born = [datetime(1980 + n, 1, 1, tzinfo=UTC) for n in range(9)]
    assert (
        checked({"birth_date": born}, {})["personal_data:birth_date"].found == "it looks like dates of birth"
    )


def test_data_of_persons_is_seen_behind_many_rows_of_none() -> None:
    rows = pl.DataFrame({"reach": [None] * 200_000 + [f"u{n}@example.org" for n in range(100)]})
    found = checked(rows, {"max_null_ratio": 1})
    assert found["personal_data:reach"].status == "warned"


@pytest.mark.parametrize("text", ["nAn", " n/A ", "#N/A", "\\n", "", "\t", "Undefined", "(NULL)"])
def test_words_for_nothing_are_seen_however_they_are_written(text: str) -> None:
    found = checked({"x": [text, "nan a", "annul", "noney", "15", "?!"]}, {})
    assert found["undeclared_nulls:x"].found == f"1 times {text!r} (16.7% of the rows)"
