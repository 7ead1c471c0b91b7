"""A file appears when it is whole, and replaces another one only when that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from rondo.errors import Conflict, DataError
from rondo.stages.scoring import FileKind, kind_of, write_lines, write_tables

TABLE = pl.DataFrame({"n": [1, 2], "text": ["a,b", None], "x": [0.1, 1e-300]})
KINDS: tuple[FileKind, ...] = ("parquet", "csv", "jsonl")


def read(path: Path) -> pl.DataFrame:
    reader = {"parquet": pl.read_parquet, "csv": pl.read_csv, "jsonl": pl.read_ndjson}[kind_of(path)]
    return reader(path)


@pytest.mark.parametrize("kind", KINDS)
def test_tables_come_back_one_below_the_other(tmp_path: Path, kind: FileKind) -> None:
    target = tmp_path / f"out.{kind}"
    write_tables(target, kind, TABLE.schema, [TABLE, TABLE.clear(), TABLE], force=False)
    assert read(target).equals(pl.concat([TABLE, TABLE]))


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_no_rows_are_a_table_too(tmp_path: Path, kind: FileKind) -> None:
    target = tmp_path / f"out.{kind}"
    write_tables(target, kind, TABLE.schema, [], force=False)
    assert read(target).columns == TABLE.columns
    assert read(target).height == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("there", [False, True])
def test_what_fails_half_way_leaves_everything_as_it_was(tmp_path: Path, kind: FileKind, there: bool) -> None:
    target = tmp_path / f"out.{kind}"
    if there:
        target.write_text("before")

    def broken() -> Iterator[pl.DataFrame]:
        yield TABLE
        raise DataError("row 3 is wrong")

    with pytest.raises(DataError, match="row 3 is wrong"):
        write_tables(target, kind, TABLE.schema, broken(), force=True)
    assert [path.name for path in tmp_path.iterdir()] == ([target.name] if there else [])
    assert not there or target.read_text() == "before"


def test_a_file_that_is_there_or_comes_meanwhile_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"

    def slowly() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        target.write_text("somebody else's")

    with pytest.raises(Conflict, match="there is a file already"):
        write_lines(target, slowly(), force=False)
    with pytest.raises(Conflict):
        write_lines(target, [{"a": 1}], force=False)
    assert target.read_text() == "somebody else's"
    write_lines(target, [{"a": 1}, {"b": None}], force=True)
    assert target.read_text() == '{"a":1}\n{"b":null}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
