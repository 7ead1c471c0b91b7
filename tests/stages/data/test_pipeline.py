"""The class of the notebook takes the mission's configuration, a Project, Polars and pandas."""

from __future__ import annotations

import sqlite3
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from rondo.adapters.files import FilesReader
from rondo.adapters.http import HttpReader
from rondo.adapters.sql import SqlReader
from rondo.contract import Project
from rondo.errors import ContractError, UsageError
from rondo.records.dataset import Dataset
from rondo.records.files import read_record
from rondo.stages.data import Access, DataPipeline
from rondo.testing.web import Answer, serving

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def access(root: Path) -> Access:
    http = HttpReader()
    readers = {"sql": SqlReader(root), "files": FilesReader(root), "http": http}
    return Access(readers, str, lambda command, url: nullcontext())


def pipeline(config: Any, root: Path) -> DataPipeline:
    return DataPipeline(config, access=access(root), clock=lambda: NOW)


def test_the_listing_goes_all_the_way(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("CREATE TABLE transactions (user_id INTEGER, date TEXT, amount REAL)")
        connection.execute(
            "INSERT INTO transactions VALUES (1, '2023-12-31', 1), (1, '2024-01-02', 2), (2, '2024-01-03', NULL)"
        )
        connection.commit()
    (tmp_path / "events").mkdir()
    (tmp_path / "events/2024-01-03.csv").write_text("user_id,clicks\n1,5\n")
    with serving(lambda _: Answer([{"user_id": 2, "score": 0.7}])) as server:
        config = {
            "data_sources": {
                "transactions": {
                    "sql": "sqlite:///w.db",
                    "query": "SELECT * FROM transactions WHERE date > :start_date ORDER BY date",
                },
                "user_events": {"files": "events/{date_partition}.csv"},
                "external_features": {"http": server.url, "allow_private": True},
            },
            "start_date": "2024-01-01",
            "date_partition": "2024-01-03",
            "clean": {"missing": {"amount": {"fill": "zero"}}},
            "min_rows": 2,
            "max_null_ratio": 0.5,
            "schema": {"user_id": "int"},
            "value_ranges": {"amount": {"min": 0}},
            "version": "1.2.0",
        }
        steps = pipeline(config, tmp_path)
        raw = steps.extract()
    assert list(raw) == ["transactions", "user_events", "external_features"]
    table = steps.transform(raw)
    assert table.select("user_id", "amount", "clicks", "score").rows() == [
        (1, 2.0, 5, None),
        (2, 0.0, None, 0.7),
    ]
    assert steps.validate(table)
    path = steps.load(table, tmp_path / "out")
    assert path == tmp_path / "out/data_v1.2.0.parquet"
    assert pl.read_parquet(path)["_data_version"].to_list() == ["1.2.0"] * 2
    assert read_record(tmp_path / "out/dataset.json", Dataset).checks == steps.checks


def test_pandas_frames_go_in_and_polars_comes_out(tmp_path: Path) -> None:
    steps = pipeline({"data_sources": {"t": {"files": "t.csv"}}, "max_null_ratio": 0}, tmp_path)
    frame = pd.DataFrame({"a": [1.0, float("nan")], "s": ["x", None]}, index=[5, 6])
    table = steps.transform({"t": frame})
    assert table.rows() == [(1.0, "x"), (None, None)]
    assert not steps.validate(frame)
    assert {check.column for check in steps.checks if check.status == "failed"} == {"a", "s"}


def test_a_project_gives_the_rules(tmp_path: Path) -> None:
    wanted = Project.model_validate(
        {"project": "p", "ml_problem": {"target": "y"}, "data": {"sources": {"t": {"files": "t.csv"}}}}
    )
    steps = pipeline(wanted, tmp_path)
    assert steps.validate(pl.DataFrame({"y": [1]}))
    assert not steps.validate(pl.DataFrame({"x": [1]}))
    first = steps.load(pl.DataFrame({"y": [1]}), tmp_path / "out")
    second = steps.load(pl.DataFrame({"y": [1, 2]}), tmp_path / "out")
    assert (first.name, second.name) == ("data_v1.0.0.parquet", "data_v1.0.1.parquet")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "sources"),
        ({"data_sources": {"t": {"files": "a", "sql": "b"}}}, "exactly one of sql, files, http"),
        ({"data_sources": {"t": {"files": "a.csv"}}, "min_rows": 0}, "min_rows"),
    ],
)
def test_configurations_that_cannot_be(config: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=told):
        pipeline(config, tmp_path)


def test_what_is_no_table_and_no_access_are_said(tmp_path: Path) -> None:
    steps = pipeline({"data_sources": {"t": {"files": "t.csv"}}, "version": "../x"}, tmp_path)
    with pytest.raises(UsageError, match="takes Polars or pandas"):
        steps.validate([1, 2])
    with pytest.raises(ContractError, match="cannot be a version"):
        steps.load(pl.DataFrame({"a": [1]}), tmp_path)
    assert list(tmp_path.iterdir()) == []
