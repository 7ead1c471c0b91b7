from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from rondo.contract import Project
from rondo.stages.data.groups import required_columns
from rondo.stages.data.prepare import check_project

PROJECT = Project.model_validate(
    {
        "project": "churn",
        "ml_problem": {"target": "y", "baseline": 0.6},
        "data_requirements": {"features": ["usage", "tickets", "country", "somewhere_else"]},
        "data": {"sources": {"a": {"files": "a.csv"}}, "validate": {"max_null_ratio": 1}},
        "features": {
            "definitions": {
                "minutes": {"column": "usage_minutes"},
                "share": {"ratio": ["minutes", "sessions"]},
                "tickets": {"rolling": "sum", "of": "ticket_count", "window": "30d"},
            },
            "categorical": {"columns": ["country"]},
            "store": {"views": {"usage": ["minutes", "share"]}},
        },
    }
)
WHOLE = {
    "y": [0, 1],
    "usage_minutes": [1.0, 2.0],
    "sessions": [1, 2],
    "ticket_count": [0, 1],
    "country": ["a", "b"],
}


def test_a_group_is_a_view_a_feature_or_a_column() -> None:
    assert required_columns(PROJECT) == {
        "usage": ("usage_minutes", "sessions"),
        "tickets": ("ticket_count",),
        "country": ("country",),
        "somewhere_else": (),
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"ticket_count": None}, ["no column 'ticket_count'"]),
        ({"country": [None, None]}, ["'country' has no values"]),
    ],
)
def test_a_required_group_without_values_stops_the_run(
    change: dict[str, list[None] | None], said: list[str]
) -> None:
    rows = {name: values for name, values in {**WHOLE, **change}.items() if values is not None}
    checks = check_project(pl.DataFrame(rows), PROJECT, datetime(2026, 3, 1, tzinfo=UTC))
    groups = [check for check in checks if check.name == "feature_group"]
    assert len(groups) == 3
    assert [check.found for check in groups if check.status != "passed"] == said
