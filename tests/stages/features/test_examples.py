"""Which rows and moments are examples, and what their target is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from rondo.contract import Project
from rondo.errors import ContractError, DataError
from rondo.stages.features.examples import Examples, make_examples, next_moment, snapshot_moments

NOW = datetime(2025, 1, 1, tzinfo=UTC)
Make = Callable[..., Project]


def day(month: int, number: int, hour: int = 0) -> datetime:
    return datetime(2024, month, number, hour, tzinfo=UTC)


def examples(project: Project, table: pl.DataFrame) -> Examples:
    return make_examples(project, table, now=NOW)


ORDERS = pl.DataFrame(
    [
        ("a", day(1, 3), 10.0, "DE"), ("a", day(2, 1), 20.0, "FR"), ("a", day(3, 5), 5.0, "FR"),
        ("a", day(5, 20), 1.0, "FR"),
        ("b", day(1, 20), 7.0, "DE"), ("b", day(2, 20), -3.0, "DE"), (None, day(2, 2), 1.0, "DE"),
    ],
    schema=["who", "at", "amount", "country"], orient="row",
)  # fmt: skip
SNAPSHOTS = {"snapshots": {"every": "month"}}
LABEL = {"target": "bought", "label": {"event": "amount > 0", "within": "30d"}}


def test_snapshots_take_the_last_row_before_and_the_target_from_after(make_project: Make) -> None:
    found = examples(make_project(data=SNAPSHOTS, ml_problem=LABEL), ORDERS)
    assert found.rows.rows() == [
        ("a", day(2, 1), 10.0, "DE", 1),
        ("b", day(2, 1), 7.0, "DE", 0),
        ("a", day(3, 1), 20.0, "FR", 1),
        ("b", day(3, 1), -3.0, "DE", 0),
        ("a", day(4, 1), 5.0, "FR", 0),
        ("b", day(4, 1), -3.0, "DE", 0),
    ]
    assert found.as_of == day(6, 1)
    assert found.latest.rows() == [("a", day(6, 1), 1.0, "FR"), ("b", day(6, 1), -3.0, "DE")]
    assert found.notes == ("1 rows have no who and are left out",)


def test_absence_turns_the_target_round(make_project: Make) -> None:
    label = {"target": "left", "label": {"event": "amount > 0", "within": "30d", "expect": "absent"}}
    found = examples(make_project(data=SNAPSHOTS, ml_problem=label), ORDERS)
    assert found.rows["left"].to_list() == [0, 1, 0, 1, 1, 1]
    assert found.rows.schema["left"] == pl.Int8


def test_only_the_active_are_looked_at(make_project: Make) -> None:
    data = {"snapshots": {"every": "month", "active_within": "31d", "active_event": "amount > 0"}}
    found = examples(make_project(data=data, ml_problem=LABEL), ORDERS)
    assert found.rows.select("who", "at").rows() == [
        ("a", day(2, 1)),
        ("b", day(2, 1)),
        ("a", day(3, 1)),
        ("a", day(4, 1)),
    ]


def test_a_row_is_before_the_moment_or_in_the_label_window_and_never_in_neither(make_project: Make) -> None:
    table = pl.DataFrame(
        {
            "who": ["a", "b", "c", "a"],
            "at": [day(1, 5), day(1, 6), day(1, 7), day(3, 20)],
            "amount": [0.0] * 4,
        }
    )
    events = pl.DataFrame(
        {"who": ["a", "b", "c"], "at": [day(2, 1), day(2, 11), day(2, 11, 1)], "amount": [1.0] * 3}
    )
    label = {"target": "bought", "label": {"event": "amount > 0", "within": "10d"}}
    found = examples(make_project(data=SNAPSHOTS, ml_problem=label), pl.concat([table, events]))
    first = found.rows.filter(pl.col("at") == day(2, 1))
    assert dict(zip(first["who"], first["bought"], strict=True)) == {"a": 1, "b": 0, "c": 0}


def test_the_first_snapshot_has_history_before_it(make_project: Make) -> None:
    assert snapshot_moments(day(1, 1), day(1, 4, 5), "day", skip=timedelta()) == [
        day(1, 2),
        day(1, 3),
        day(1, 4),
    ]
    assert snapshot_moments(day(1, 1), day(1, 20), "week", skip=timedelta(days=8)) == [day(1, 15)]
    assert next_moment(day(1, 31, 1), "month") == day(2, 1)
    assert next_moment(day(12, 2), "month") == datetime(2025, 1, 1, tzinfo=UTC)
    assert next_moment(day(1, 1), "month") == day(1, 1)


def test_rows_are_examples_in_time_order_and_without_target_left_out(make_project: Make) -> None:
    table = pl.DataFrame(
        {
            "who": [2.0, 1.0, None, 1.0],
            "at": [day(1, 2), day(1, 2), day(1, 1), day(1, 1)],
            "y": [1, 0, 1, None],
        }
    )
    found = examples(make_project(), table)
    assert found.rows.rows() == [(1, day(1, 2), 0), (2, day(1, 2), 1)]
    assert found.events.height == 3
    assert found.as_of == day(1, 2) + timedelta(microseconds=1)
    assert found.latest.rows() == [(1, found.as_of, 0), (2, found.as_of, 1)]
    assert found.notes == ("1 rows have no who and are left out", "1 rows have no target and are left out")


def test_tables_without_time_or_entity_are_taken_as_they_are(make_project: Make) -> None:
    project = make_project(
        ml_problem={"target": "Churn", "positive": "Yes", "entity": None, "event_time": None}
    )
    found = examples(project, pl.DataFrame({"x": [1, 2, 3], "Churn": ["Yes", "No", "Yes"]}))
    assert found.rows["Churn"].to_list() == [1, 0, 1]
    assert found.latest.is_empty()
    assert found.as_of is None


@pytest.mark.parametrize(
    ("values", "positive", "expected"),
    [([0, 1], None, [0, 1]), ([True, False], None, [1, 0]), ([2, 1], None, [0, 1]),
     ([1, 2], 2, [0, 1]), ([0, 0], None, [0, 0]),
     (["1", "0"], 1, [1, 0]), ([1.0, 0.0], None, [1, 0])],
)  # fmt: skip
def test_the_positive_value_counts_as_one(
    make_project: Make, values: list, positive: object, expected: list
) -> None:
    problem = {"entity": None, "event_time": None, "positive": positive}
    assert (
        examples(make_project(ml_problem=problem), pl.DataFrame({"y": values})).rows["y"].to_list()
        == expected
    )


def test_a_target_that_cannot_be_told_is_refused(make_project: Make) -> None:
    alone = {"entity": None, "event_time": None}
    with pytest.raises(ContractError, match="which of them counts as 1"):
        examples(make_project(ml_problem=alone), pl.DataFrame({"y": ["no", "yes"]}))
    with pytest.raises(DataError, match="3 values"):
        examples(make_project(ml_problem=alone), pl.DataFrame({"y": [0, 1, 2]}))
    with pytest.raises(DataError, match="never 'Ja'"):
        examples(make_project(ml_problem={**alone, "positive": "Ja"}), pl.DataFrame({"y": ["no", "yes"]}))
    with pytest.raises(DataError, match="no example is left"):
        examples(make_project(ml_problem=alone), pl.DataFrame({"y": [None, None]}, schema={"y": pl.Int64}))


def test_numbers_and_classes(make_project: Make) -> None:
    alone = {"entity": None, "event_time": None}
    regression = make_project(ml_problem={**alone, "type": "regression"})
    assert examples(regression, pl.DataFrame({"y": [1, 2]})).rows["y"].dtype == pl.Float64
    classes = make_project(ml_problem={**alone, "type": "multiclass_classification"})
    assert examples(classes, pl.DataFrame({"y": [1, 2]})).rows["y"].to_list() == ["1", "2"]


def test_no_whole_label_window_is_said(make_project: Make) -> None:
    label = {"target": "bought", "label": {"within": "300d"}}
    with pytest.raises(DataError, match="no snapshot has a whole label window"):
        examples(make_project(data=SNAPSHOTS, ml_problem=label), ORDERS)
