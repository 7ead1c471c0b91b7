"""Chunks of rows, values as a request would bring them, and the line on which each row stands."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.errors import DataError, NotAvailable, UsageError
from rondo.stages.scoring import Chunk, open_source
from rondo.stages.scoring.reading import ROWS_AT_ONCE, value_of

ASKED = {"age": "float", "n": "int", "yes": "bool", "plan": "string", "at": "datetime", "user_id": None}


def decode(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if type(value) is not dict:
        raise ValueError("not an object")
    return value


def chunks(path: Path) -> list[Chunk]:
    return list(open_source(path, ASKED, decode).chunks())


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("", "string", None),
        ("", "float", None),
        ("1.5", "float", 1.5),
        (" 7 ", "float", 7),
        ("1e3", "float", 1000.0),
        (".5", "float", 0.5),
        ("007", "string", "007"),
        ("7", "int", 7),
        ("7.0", "int", 7.0),
        ("True", "bool", True),
        ("false", "bool", False),
        ("1", "bool", "1"),
        ("nan", "float", "nan"),
        ("1,5", "float", "1,5"),
        ("1_000", "float", "1_000"),
        ("0x10", "int", "0x10"),
        ("٣", "int", "٣"),
        ("12345678901234567890", "int", 1.2345678901234567e19),
        ("2026-01-01", "datetime", "2026-01-01"),
        ("7", None, "7"),
        (" ", "string", " "),
    ],
)
def test_a_cell_becomes_what_its_column_is_asked_to_have_or_stays_text(
    cell: str, kind: str | None, value: Any
) -> None:
    assert repr(value_of(cell, kind)) == repr(value)


def test_a_parquet_column_keeps_its_type_where_a_request_can_have_it(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    table = pl.DataFrame(
        {
            "age": [1.5, float("nan"), None],
            "n": pl.Series([1, None, 3], dtype=pl.Int16),
            "plan": pl.Series(["a", "b", None], dtype=pl.Categorical),
            "at": [date(2026, 1, 2), None, None],
            "user_id": pl.Series([Decimal("1.5"), None, None], dtype=pl.Decimal(10, 2)),
            "other": [[1], [2], [3]],
        }
    )
    table.write_parquet(path)
    (chunk,) = chunks(path)
    assert chunk.rows[0] == {"age": 1.5, "n": 1, "plan": "a", "at": datetime(2026, 1, 2), "user_id": 1.5}
    assert chunk.rows[1] == {"age": None, "n": None, "plan": "b", "at": None, "user_id": None}
    assert list(chunk.lines) == [1, 2, 3]
    assert isinstance(chunk.kept, pl.DataFrame)
    assert chunk.kept.equals(table)


def test_rows_of_csv_know_their_line_over_blank_lines_and_cells_with_breaks(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('age,note\n1,"two\nlines"\n\n2,x\n3\n4,a,b\n5,y\n', encoding="utf-8")
    (chunk,) = chunks(path)
    assert chunk.lines == [2, 5, 6, 7, 8]
    assert chunk.rows == [{"age": 1}, {"age": 2}, {}, {}, {"age": 5}]
    assert set(chunk.faults) == {2, 3}
    assert chunk.faults[3] == "the line has 3 cells, the first line names 2 columns"


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    table, lines = tmp_path / "in.csv", tmp_path / "in.jsonl"
    table.write_bytes(b"\xef\xbb\xbfage\n1\n")
    lines.write_bytes(b'\xef\xbb\xbf{"age": 1}\n')
    assert [chunk.rows for path in (table, lines) for chunk in chunks(path)] == [[{"age": 1}], [{"age": 1}]]


def test_json_lines_are_decoded_one_by_one_and_keep_what_nobody_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"age": 1, "more": {"a": []}}\n\nnot json\n[1]\n{"plan": null}', encoding="utf-8")
    (chunk,) = chunks(path)
    assert chunk.rows == [{"age": 1}, {}, {}, {"plan": None}]
    assert chunk.lines == [1, 3, 4, 5]
    assert set(chunk.faults) == {1, 2}
    assert chunk.kept == [{"age": 1, "more": {"a": []}}, {}, {}, {"plan": None}]


@pytest.mark.parametrize("name", ["in.parquet", "in.csv", "in.jsonl"])
def test_a_long_file_comes_in_pieces_that_are_whole_together(tmp_path: Path, name: str) -> None:
    path, count = tmp_path / name, 2 * ROWS_AT_ONCE + 5
    table = pl.DataFrame({"n": range(count)})
    {".parquet": table.write_parquet, ".csv": table.write_csv, ".jsonl": table.write_ndjson}[path.suffix](
        path
    )
    found = chunks(path)
    assert max(len(chunk.rows) for chunk in found) <= ROWS_AT_ONCE
    assert [row["n"] for chunk in found for row in chunk.rows] == list(range(count))
    source = open_source(path, ASKED, decode)
    assert found[-1].done == source.size


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("in.parquet", b"no parquet", "not a Parquet file"),
        ("in.csv", b"", "the file is empty"),
        ("in.csv", b"a,a\n1,2\n", "without a name of their own: 'a'"),
        ("in.csv", b"a,\n1,2\n", "without a name of their own: ''"),
        ("in.csv", b"a\n\xff\n", "not UTF-8: byte 0xff"),
        ("in.csv", b'a\n"1"2\n', "not CSV"),
    ],
)
def test_what_is_no_such_file_is_said(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=match):
        chunks(path)


def test_the_ending_says_what_a_file_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say what it is"):
        open_source(tmp_path / "in.xlsx", ASKED, decode)
    with pytest.raises(NotAvailable, match="no such file"):
        open_source(tmp_path / "in.csv", ASKED, decode)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_parquet_file_is_refused_or_read_and_ends_nothing(seed: int, tmp_path: Path) -> None:
    path, chance = tmp_path / "in.parquet", random.Random(seed)
    pl.DataFrame({"age": [1.5, None] * 20, "plan": ["basic", "pro"] * 20}).write_parquet(path)
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 4))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    with suppress(DataError):
        chunks(path)
