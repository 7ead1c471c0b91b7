"""Sources are read on their own: own retries, own schema; all failures together; published whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.adapters.files import FilesReader
from rondo.adapters.http import HttpReader
from rondo.adapters.sql import SqlReader
from rondo.contract import Project
from rondo.contract.data import Source
from rondo.errors import DataError, NotAvailable, TemporaryPortError
from rondo.ports.progress import Silent
from rondo.ports.sources import SourceReader
from rondo.records.dataset import Extract
from rondo.records.files import read_record
from rondo.stages.data import extract
from rondo.stages.data.extract import read_sources
from rondo.testing.web import Answer, serving

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def project(**sources: dict[str, Any]) -> Project:
    return Project.model_validate(
        {"project": "p", "ml_problem": {"target": "y"}, "data": {"sources": sources}}
    )


def readers(root: Path) -> dict[str, SourceReader]:
    return {"sql": SqlReader(root), "files": FilesReader(root), "http": HttpReader(pause=lambda _: None)}


def run(
    root: Path, wanted: Project, start: Callable[[str, str], Any] = lambda command, url: nullcontext()
) -> tuple[Extract, ...]:
    return extract(
        wanted,
        folder=root,
        out=root / "data/raw",
        readers=readers(root),
        resolve=lambda text: text,
        now=NOW,
        progress=Silent(),
        start_service=start,
    )


def test_three_kinds_of_sources_are_read_and_published(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS id, '2024-01-01' AS day, 1 AS active")
        connection.commit()
    (tmp_path / "events.csv").write_text("id,n\n007,1\n")
    with serving(lambda _: Answer([{"id": 1, "score": 0.5}])) as server:
        wanted = project(
            db={
                "sql": "sqlite:///w.db",
                "query": "SELECT * FROM t",
                "schema": {"day": "date", "active": "bool"},
            },
            events={"files": "events.csv", "schema": {"id": "string"}},
            scores={"http": server.url, "allow_private": True, "schema": {"score": "float"}},
        )
        found = run(tmp_path, wanted)
    assert [(each.source, each.kind, each.rows) for each in found] == [
        ("db", "sql", 1),
        ("events", "files", 1),
        ("scores", "http", 1),
    ]
    assert read_record(tmp_path / "data/raw/extracts.json", tuple[Extract, ...]) == found
    table = pl.read_parquet(tmp_path / "data/raw/db.parquet")
    assert table.schema == {"id": pl.Int64, "day": pl.Date, "active": pl.Boolean}
    assert pl.read_parquet(tmp_path / "data/raw/events.parquet")["id"].to_list() == ["007"]


def test_failures_are_reported_together_and_nothing_is_published(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("a\n1\n")
    run(tmp_path, project(good={"files": "good.csv"}))
    before = (tmp_path / "data/raw/extracts.json").read_bytes()
    (tmp_path / "empty.csv").write_text("a,b\n")
    wanted = project(
        good={"files": "good.csv"},
        absent={"files": "nowhere.csv"},
        empty={"files": "empty.csv"},
        typed={"files": "good.csv", "schema": {"a": "date", "b": "int"}},
    )
    with pytest.raises(DataError) as found:
        run(tmp_path, wanted)
    told = [str(problem) for problem in found.value.problems]
    assert len(told) == 4
    assert "source absent: there is no file" in told[0]
    assert "source empty: it gave 0 rows" in told[1]
    assert "source typed: column 'a': 1 of 1 values are no date" in told[2]
    assert "source typed: column 'b' is missing" in told[3]
    assert (tmp_path / "data/raw/extracts.json").read_bytes() == before


def test_failures_of_one_kind_keep_their_kind(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="2 of 2 sources"):
        run(tmp_path, project(a={"files": "a.csv"}, b={"files": "b.csv"}))


def source(url: str, **options: object) -> dict[str, Source]:
    return {"s": Source.model_validate({"http": url, "allow_private": True, **options})}


def test_what_is_temporary_is_tried_again() -> None:
    answers = [Answer({}, status=500), Answer({}, status=503), Answer([{"a": 1}])]
    waited: list[float] = []
    with serving(lambda _: answers.pop(0)) as server:
        found = read_sources(
            source(server.url, retries=2),
            readers(Path()),
            str,
            Silent(),
            lambda command, url: nullcontext(),
            pause=waited.append,
        )
    assert found["s"].table["a"].to_list() == [1]
    assert len(waited) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "asked"),
    [
        (Answer({}, status=500), TemporaryPortError, 3),
        (Answer({}, status=404), NotAvailable, 1),
        (Answer(b"<html>", headers={"Content-Type": "text/html"}), DataError, 1),
        (Answer([]), DataError, 1),
    ],
)
def test_only_what_is_temporary_is_tried_again(answer: Answer, kind: type[Exception], asked: int) -> None:
    with serving(lambda _: answer) as server:
        with pytest.raises(kind):
            read_sources(
                source(server.url, retries=2),
                readers(Path()),
                str,
                Silent(),
                lambda command, url: nullcontext(),
                pause=lambda _: None,
            )
        assert len(server.asked) == asked


def test_a_helper_runs_once_for_all_sources_that_name_it(tmp_path: Path) -> None:
    events: list[str] = []

    @contextmanager
    def start(command: str, url: str) -> Iterator[None]:
        events.append(f"start {command}")
        yield
        events.append("stop")

    with serving(lambda _: events.append("read") or Answer([{"a": 1}])) as server:  # type: ignore[func-returns-value]
        scores = {"http": server.url, "allow_private": True, "start": "serve {port}"}
        run(tmp_path, project(first=scores, second=scores), start)
    assert events == ["start serve {port}", "read", "read", "stop"]


def test_a_helper_that_does_not_start_is_a_failure_of_its_source(tmp_path: Path) -> None:
    def start(command: str, url: str) -> Any:
        raise NotAvailable("it ended with 3", where=f"start: {command}")

    scores = {"http": "http://127.0.0.1:9/", "start": "serve"}
    with pytest.raises(NotAvailable) as found:
        run(tmp_path, project(scores=scores, absent={"files": "nowhere.csv"}), start)
    assert [problem.what.split()[0] for problem in found.value.problems] == ["it", "there"]


def test_columns_that_no_table_can_hold_are_named(tmp_path: Path) -> None:
    pl.DataFrame({"ok": [1], "nested": [[1, 2]], "raw": [b"x"]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError) as found:
        run(tmp_path, project(t={"files": "t.parquet"}))
    assert [("nested" in str(p), "raw" in str(p)) for p in found.value.problems] == [
        (True, False),
        (False, True),
    ]


def test_every_table_is_plain(tmp_path: Path) -> None:
    pl.DataFrame(
        {
            "small": pl.Series([1], dtype=pl.UInt8),
            "single": pl.Series([float("nan")], dtype=pl.Float32),
            "local": pl.Series([datetime(2024, 1, 1, 9)]).dt.replace_time_zone("Asia/Seoul"),
            "naive": pl.Series([datetime(2024, 1, 1, 9)]).cast(pl.Datetime("ns")),
            "word": pl.Series(["a"], dtype=pl.Categorical),
            "none": pl.Series([None], dtype=pl.Null),
        }
    ).write_parquet(tmp_path / "t.parquet")
    run(tmp_path, project(t={"files": "t.parquet"}))
    assert pl.read_parquet(tmp_path / "data/raw/t.parquet").rows() == [
        (1, None, datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 9, tzinfo=UTC), "a", None)
    ]


def test_what_a_person_keeps_beside_the_extracts_stays_and_old_extracts_go(tmp_path: Path) -> None:
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/dataset.csv").write_text("a\n1\n")
    run(tmp_path, project(old={"files": "data/raw/dataset.csv"}))
    run(tmp_path, project(new={"files": "data/raw/dataset.csv"}))
    assert sorted(file.name for file in (tmp_path / "data/raw").iterdir()) == [
        "dataset.csv",
        "extracts.json",
        "new.parquet",
    ]


@pytest.mark.parametrize("far", [10**7, -(10**7)])
def test_a_year_that_no_calendar_has_is_refused_by_its_column(tmp_path: Path, far: int) -> None:
    days = pl.Series([0, far], dtype=pl.Int32).cast(pl.Date)
    pl.DataFrame({"day": days, "at": days.cast(pl.Datetime("us"))}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError) as found:
        run(tmp_path, project(t={"files": "t.parquet"}))
    assert [name in str(p) for name, p in zip(("'day'", "'at'"), found.value.problems, strict=True)] == [
        True,
        True,
    ]
    assert "outside of 1 to 9999" in str(found.value)


@pytest.mark.parametrize(
    ("declared", "cells", "kept"),
    [
        ({"x": "string"}, ["?", "1.50"], [None, "1.50"]),
        ({"x": "string"}, ["?", "TRUE"], [None, "TRUE"]),
        ({"x": "float"}, ["?", "-999.0", "1.50"], [None, None, 1.5]),
        ({}, ["?", "-999.0", "1.50"], [None, None, 1.5]),
        ({}, ["?", "-999", "15"], [None, None, 15]),
    ],
)
def test_declared_nulls_go_whatever_type_the_column_has_and_nothing_else_changes(
    tmp_path: Path, declared: dict[str, str], cells: list[str], kept: list[object]
) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["id,x", *(f"{n},{cell}" for n, cell in enumerate(cells))]))
    run(tmp_path, project(t={"files": "t.csv", "nulls": ["?", -999], "schema": declared}))
    assert pl.read_parquet(tmp_path / "data/raw/t.parquet")["x"].to_list() == kept


def test_texts_of_parquet_stay_texts_whatever_its_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "from.csv.files"
    folder.mkdir()
    pl.DataFrame({"x": ["?", "15"]}).write_parquet(folder / "t.parquet")
    run(tmp_path, project(t={"files": "from.csv.files/t.parquet", "nulls": ["?"]}))
    assert pl.read_parquet(tmp_path / "data/raw/t.parquet")["x"].to_list() == [None, "15"]
