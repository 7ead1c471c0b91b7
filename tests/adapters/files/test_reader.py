"""Files are read whole or refused, with the file and the line in the message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.adapters.files import FilesReader, local
from rondo.contract.data import Source
from rondo.errors import Conflict, ContractError, DataError
from rondo.ports.texts import moments, typed
from rondo.testing.sources import SourceReaderTests, resolve


def files(path: str, **options: object) -> Source:
    return Source.model_validate({"files": path, **options})


def put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def reader(tmp_path: Path) -> FilesReader:
    return FilesReader(tmp_path)


class Promises(SourceReaderTests):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> FilesReader:
        return FilesReader(tmp_path)


class TestParquetPromises(Promises):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[list[dict[str, object]]], Source]:
        def make(rows: list[dict[str, object]]) -> Source:
            pl.DataFrame(rows).write_parquet(tmp_path / "t.parquet")
            return files("t.parquet")

        return make

    @pytest.fixture
    def absent(self) -> Source:
        return files("none.parquet")


class TestCsvPromises(Promises):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[list[dict[str, object]]], Source]:
        def make(rows: list[dict[str, object]]) -> Source:
            pl.DataFrame(rows).write_csv(tmp_path / "t.csv")
            return files("t.csv")

        return make

    @pytest.fixture
    def absent(self) -> Source:
        return files("folder/*.csv")


class TestJsonLinesPromises(Promises):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[list[dict[str, object]]], Source]:
        def make(rows: list[dict[str, object]]) -> Source:
            put(tmp_path / "t.jsonl", b"\n".join(map(msgspec.json.encode, rows)))
            return files("t.jsonl")

        return make

    @pytest.fixture
    def absent(self) -> Source:
        return files("none.jsonl")


def test_text_stays_text_where_a_number_would_lose_something(reader: FilesReader, tmp_path: Path) -> None:
    put(
        tmp_path / "t.csv",
        "\ufeffcode,grouped,hex,digits,plus,null,cell,long\n"
        '00123,"1,234",0x10,१२,+5,NULL,=cmd(),12345678901234567890\n'
        "5,6,7,8,9,-,1,2\n",
    )
    table = reader.read("s", files("t.csv"), resolve)
    assert set(table.dtypes) == {pl.String}
    assert table.row(0) == ("00123", "1,234", "0x10", "१२", "+5", "NULL", "=cmd()", "12345678901234567890")


def test_columns_get_the_type_of_all_their_values(reader: FilesReader, tmp_path: Path) -> None:
    put(
        tmp_path / "t.csv",
        "id,price,blank,day,at,flag,note\r\n"
        "-1,1,1,2024-02-29,2024-01-01T10:00:00+02:00,true,x\r\n"
        "9007199254740993,2.5e3, ,2024-03-01,2024-01-01 10:00,FALSE,\r\n",
    )
    table = reader.read("s", files("t.csv"), resolve)
    assert table.to_dict(as_series=False) == {
        "id": [-1, 9007199254740993],
        "price": [1.0, 2500.0],
        "blank": [1, None],
        "day": [date(2024, 2, 29), date(2024, 3, 1)],
        "at": [datetime(2024, 1, 1, 8, tzinfo=UTC), datetime(2024, 1, 1, 10, tzinfo=UTC)],
        "flag": [True, False],
        "note": ["x", None],
    }


def test_a_header_alone_gives_no_rows(reader: FilesReader, tmp_path: Path) -> None:
    put(tmp_path / "t.csv", "a,b")
    assert reader.read("s", files("t.csv"), resolve).shape == (0, 2)


def test_partition_folders_become_columns_unless_the_file_has_them(
    reader: FilesReader, tmp_path: Path
) -> None:
    for day in ("2024-01-01", "2024-01-02"):
        (tmp_path / f"lake/date={day}/shop=a%20b").mkdir(parents=True)
        pl.DataFrame({"x": [1, 2], "shop": ["own", "own"]}).write_parquet(
            tmp_path / f"lake/date={day}/shop=a%20b/part-0.parquet"
        )
    put(tmp_path / "lake/_temporary/0/part-1.parquet", b"half")
    put(tmp_path / "lake/date=2024-01-02/.part-0.parquet.crc", b"crc")
    put(tmp_path / "lake/_SUCCESS", b"")
    table = reader.read("s", files("lake/"), resolve)
    assert table.columns == ["x", "shop", "date"]
    assert table["date"].to_list() == [date(2024, 1, 1)] * 2 + [date(2024, 1, 2)] * 2
    assert set(table["shop"]) == {"own"}


def test_fields_of_the_path_come_from_the_parameters(reader: FilesReader, tmp_path: Path) -> None:
    put(tmp_path / "events/date=2024-01-02/a.csv", "x\n7\n")
    source = files("events/date={date_partition}/*.csv", params={"date_partition": date(2024, 1, 2)})
    assert reader.read("s", source, resolve)["x"].to_list() == [7]


@pytest.mark.parametrize("value", ["../..", "/etc", "", "a\\..\\b", "\0"])
def test_a_parameter_cannot_leave_its_place(reader: FilesReader, value: str) -> None:
    with pytest.raises(ContractError, match="stays below it"):
        reader.read("s", files("events/{day}/*.csv", params={"day": value}), resolve)


def test_fields_and_parameters_belong_together(reader: FilesReader) -> None:
    with pytest.raises(ContractError, match="Did you mean 'day'"):
        reader.read("s", files("{dy}.csv", params={"day": "x"}), resolve)
    with pytest.raises(ContractError, match="does not use the parameter 'month'"):
        reader.read("s", files("{day}.csv", params={"day": "x", "month": "y"}), resolve)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({"a": [1]}, {"a": [1.5]}, "'a' is Float64 and was Int64"),
        ({"a": [1], "b": [1]}, {"a": [1]}, "'b' is missing"),
        ({"a": [1]}, {"a": [1], "c": ["x"]}, "'c' is added"),
    ],
)
def test_files_that_differ_are_both_named(
    reader: FilesReader,
    tmp_path: Path,
    first: dict[str, list[object]],
    second: dict[str, list[object]],
    told: str,
) -> None:
    pl.DataFrame(first).write_parquet(tmp_path / "p1.parquet")
    pl.DataFrame(second).write_parquet(tmp_path / "p2.parquet")
    with pytest.raises(DataError, match=f"p2.parquet differs from .*p1.parquet: {told}"):
        reader.read("s", files("p*.parquet"), resolve)


def test_csv_files_that_differ_are_both_named(reader: FilesReader, tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "x,y\n1,2\n")
    put(tmp_path / "b.csv", "y,x\n3,4\n")
    assert reader.read("s", files("*.csv"), resolve).rows() == [(1, 2), (4, 3)]
    put(tmp_path / "c.csv", "x\n5\n")
    with pytest.raises(DataError, match=r"c\.csv differs from .*a\.csv: 'y' is missing"):
        reader.read("s", files("*.csv"), resolve)


def test_a_file_that_changes_meanwhile_is_a_conflict(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    put(path, "a\n1\n")
    with pytest.raises(Conflict, match="changed while it was read"), local.unchanged([path], where="s"):
        put(path, "a\n1\n2\n")


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1).filter(
        lambda v: any(x is not None for x in v)
    )
)
def test_whole_numbers_come_back_from_text(values: list[int | None]) -> None:
    text = pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)
    assert typed(text).to_list() == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_come_back_from_text(values: list[float]) -> None:
    found = typed(pl.Series([f"{value!r}" for value in values]))
    if found.dtype == pl.Float64:
        assert found.to_list() == values


@given(
    st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()), min_size=1)
)
def test_times_with_a_zone_are_the_same_moment(values: list[datetime]) -> None:
    whole = [value for value in values if value.utcoffset() and value.utcoffset().total_seconds() % 60 == 0]  # type: ignore[union-attr]
    text = pl.Series([value.isoformat() for value in whole], dtype=pl.String)
    assert moments(text).to_list() == [value.astimezone(UTC) for value in whole]


@pytest.mark.parametrize("text", ["2024-02-30", "24:00", "2024-01-01 25:00", "yesterday", "1704067200"])
def test_what_is_no_time_is_missing(text: str) -> None:
    assert moments(pl.Series([text])).to_list() == [None]
