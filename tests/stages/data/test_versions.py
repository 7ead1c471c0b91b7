"""MAJOR breaks readers, MINOR adds, PATCH is other rows, equal values keep the version."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.errors import CorruptArtifact
from rondo.records.dataset import Column, Dataset, Extract
from rondo.stages.data.content import content_hash
from rondo.stages.data.versions import next_version

NOW = datetime(2024, 1, 1, tzinfo=UTC)
COLUMNS = (Column("id", "int"), Column("plan", "string"))


def extract(source: str) -> Extract:
    return Extract(source, "files", 1, COLUMNS, "f", "0", NOW, "x")


BEFORE = Dataset("1.4.2", "", "old", 100, COLUMNS, "f", NOW, extracts=(extract("a"), extract("b")))


@pytest.mark.parametrize(
    ("columns", "sources", "digest", "rows", "version", "reason"),
    [
        (COLUMNS, ["a", "b"], "old", 100, "1.4.2", "same values"),
        (COLUMNS, ["a", "c"], "old", 100, "1.4.2", "same values"),
        (COLUMNS[:1], ["a", "b"], "new", 100, "2.0.0", "columns removed: plan"),
        ((COLUMNS[0], Column("plan", "int")), ["a", "b"], "new", 100, "2.0.0", "plan (string to int)"),
        ((*COLUMNS, Column("x", "int")), ["a", "b"], "new", 100, "1.5.0", "columns added: x"),
        ((Column("x", "int"), *COLUMNS[:1]), ["a"], "new", 100, "2.0.0", "columns removed"),
        (COLUMNS, ["a", "b", "c"], "new", 100, "1.5.0", "sources added: c"),
        (COLUMNS, ["a"], "new", 100, "1.5.0", "sources removed: b"),
        (COLUMNS[::-1], ["b", "a"], "new", 120, "1.4.3", "20 more rows"),
        (COLUMNS, ["a", "b"], "new", 99, "1.4.3", "1 fewer rows"),
        (COLUMNS, ["a", "b"], "new", 100, "1.4.3", "other values"),
    ],
)
def test_the_rules(
    columns: tuple[Column, ...], sources: list[str], digest: str, rows: int, version: str, reason: str
) -> None:
    found = next_version(BEFORE, columns, sources, digest, rows)
    assert found[0] == version
    assert reason in found[1]


def test_the_first_version() -> None:
    assert next_version(None, COLUMNS, ["a"], "x", 1) == ("1.0.0", "first version")


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(CorruptArtifact, match=r"'1\.x' is no semantic version"):
        next_version(replace(BEFORE, version="1.x"), COLUMNS, [], "new", 1)


COLUMN = st.sampled_from([Column(name, kind) for name in "abc" for kind in ("int", "string")])


@given(st.lists(COLUMN, unique_by=lambda c: c.name), st.lists(COLUMN, unique_by=lambda c: c.name))
def test_a_version_only_grows_and_breaks_are_never_hidden(old: list[Column], new: list[Column]) -> None:
    before = replace(BEFORE, columns=tuple(old))
    version = tuple(map(int, next_version(before, new, ["a", "b"], "new", 100)[0].split(".")))
    assert version > (1, 4, 2)
    readable = {(column.name, column.type) for column in old} <= {
        (column.name, column.type) for column in new
    }
    assert (version[0] == 1) == readable


TABLE = pl.DataFrame(
    {
        "i": [1, None, 3],
        "f": [0.5, None, -0.0],
        "s": ["a", None, ""],
        "b": [True, None, False],
        "d": [NOW, None, NOW],
    }
)


def test_equal_values_hash_equally_however_they_lie_in_memory() -> None:
    other = pl.concat([TABLE[:1], TABLE[1:]], rechunk=False).select(reversed(TABLE.columns))
    assert other.get_column("i").n_chunks() == 2
    positive = TABLE.with_columns(pl.col("f").replace(-0.0, 0.0))
    assert content_hash(TABLE) == content_hash(other) == content_hash(positive)


@pytest.mark.parametrize(
    "other",
    [
        TABLE[::-1],
        TABLE[:2],
        TABLE.rename({"i": "j"}),
        TABLE.with_columns(pl.col("i").cast(pl.Float64)),
        TABLE.with_columns(pl.col("i").fill_null(0)),
        TABLE.with_columns(pl.col("s").fill_null("")),
        TABLE.with_columns(pl.col("b").fill_null(value=False)),
        TABLE.with_columns(s=pl.Series(["", None, "a"])),
        TABLE.drop("f"),
    ],
)
def test_other_values_hash_otherwise(other: pl.DataFrame) -> None:
    assert content_hash(other) != content_hash(TABLE)


def test_the_hash_stays_what_it_is() -> None:
    # Versions of data rest on it: a change of it would make every stored version look new.
    assert content_hash(TABLE) == "84becdb85ba36a8b5820546cce08c41e6ccaac35da4c78475e18e426be78210e"


@given(st.lists(st.text(max_size=3), max_size=6), st.lists(st.text(max_size=3), max_size=6))
def test_texts_do_not_run_into_each_other(first: list[str], second: list[str]) -> None:
    hashes = [
        content_hash(pl.DataFrame({"s": values}, schema={"s": pl.String})) for values in (first, second)
    ]
    assert (hashes[0] == hashes[1]) == (first == second)
