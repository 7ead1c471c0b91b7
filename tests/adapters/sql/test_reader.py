"""A database is read by one SELECT, and never written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from rondo.adapters.sql import SqlReader
from rondo.contract.data import Source
from rondo.errors import ContractError, DataError, NotAvailable, RondoError, TemporaryPortError
from rondo.testing.sources import SECRET_NAME, SourceReaderTests, resolve


def database(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def select(query: str, **options: object) -> Source:
    return Source.model_validate({"sql": "sqlite:///shop.db", "query": query, **options})


@pytest.fixture
def reader(tmp_path: Path) -> SqlReader:
    return SqlReader(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return database(
        tmp_path / "shop.db",
        "CREATE TABLE sales (id INTEGER, day TEXT, price NUMERIC, note)",
        "INSERT INTO sales VALUES (1, '2024-01-01', 5, 'a'), (2, '2024-01-02', 7.5, NULL), (3, '2024-01-03', 1, 'b')",
    )


class TestPromises(SourceReaderTests):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> SqlReader:
        return SqlReader(tmp_path)

    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[list[dict[str, object]]], Source]:
        def make(rows: list[dict[str, object]]) -> Source:
            with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
                connection.execute("CREATE TABLE t (user_id INTEGER, name TEXT, amount REAL)")
                connection.executemany("INSERT INTO t VALUES (:user_id, :name, :amount)", rows)
                connection.commit()
            return select("SELECT * FROM t ORDER BY user_id")

        return make

    @pytest.fixture
    def absent(self) -> Source:
        return select("SELECT 1 AS one")

    @pytest.fixture
    def away(self, tmp_path: Path) -> Iterator[Source]:
        path = database(tmp_path / "shop.db", "CREATE TABLE t (a)")
        with closing(sqlite3.connect(path)) as owner:
            owner.execute("BEGIN EXCLUSIVE")
            yield select("SELECT * FROM t", timeout="100ms")

    @pytest.fixture
    def secretive(self) -> Source:
        url = f"nosuchdb://me:{SECRET_NAME}@host/db"
        return Source.model_validate({"sql": url, "query": "SELECT 1 AS one"})


def test_named_parameters_are_bound(reader: SqlReader, shop: Path) -> None:
    source = select(
        "SELECT id FROM sales WHERE day > :start AND note != ':x; --'", params={"start": "2024-01-01"}
    )
    assert reader.read("s", source, resolve)["id"].to_list() == [3]


def test_marks_take_a_list(reader: SqlReader, shop: Path) -> None:
    source = select("SELECT id FROM sales WHERE day > ? AND id < ?", params=[date(2024, 1, 1), 3])
    assert reader.read("s", source, resolve)["id"].to_list() == [2]


def test_a_list_goes_into_in(reader: SqlReader, shop: Path) -> None:
    source = select("SELECT id FROM sales WHERE id IN :ids ORDER BY id", params={"ids": [1, 3]})
    assert reader.read("s", source, resolve)["id"].to_list() == [1, 3]


def test_a_value_stays_a_value(reader: SqlReader, shop: Path) -> None:
    source = select("SELECT id FROM sales WHERE note = :note", params={"note": "a'; DROP TABLE sales; --"})
    assert reader.read("s", source, resolve).height == 0
    assert reader.read("s", select("SELECT * FROM sales"), resolve).height == 3


def test_a_final_semicolon_and_comments_are_fine(reader: SqlReader, shop: Path) -> None:
    query = "/* first; :no */ SELECT id -- ; :no ?\nFROM sales WHERE note = 'a;b?' OR id = 1; -- the end"
    assert reader.read("s", select(query), resolve).height == 1


def test_parameters_that_go_nowhere_are_named(reader: SqlReader, shop: Path) -> None:
    with pytest.raises(ContractError, match="does not use the parameter 'day'"):
        reader.read("s", select("SELECT 1 AS a", params={"day": 1}), resolve)
    with pytest.raises(ContractError, match=r"has 1 places \? and there are 2"):
        reader.read("s", select("SELECT ? AS a", params=[1, 2]), resolve)


def test_the_session_itself_cannot_write(
    reader: SqlReader, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Even if a statement slipped through the reading of its text.
    from rondo.adapters.sql import statement

    monkeypatch.setattr(statement, "_check_reads", lambda words, where: None)
    with pytest.raises(ContractError, match="only reads"):
        reader.read("s", select("INSERT INTO sales VALUES (9, '', 0, '')"), resolve)
    assert reader.read("s", select("SELECT * FROM sales"), resolve).height == 3


def test_whole_and_broken_numbers_are_numbers(reader: SqlReader, shop: Path) -> None:
    assert reader.read("s", select("SELECT price FROM sales"), resolve)["price"].to_list() == [5.0, 7.5, 1.0]


def test_no_rows_keep_their_columns(reader: SqlReader, shop: Path) -> None:
    table = reader.read("s", select("SELECT id, note FROM sales WHERE 0"), resolve)
    assert table.columns == ["id", "note"]
    assert table.height == 0


def test_a_query_that_runs_for_ever_is_stopped(reader: SqlReader, shop: Path) -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n"
    with pytest.raises(NotAvailable, match="took too long") as found:
        reader.read("s", select(query, timeout="200ms"), resolve)
    assert not isinstance(found.value, TemporaryPortError)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("not a url", ContractError),
        ("sqlite://", ContractError),
        ("sqlite:///:memory:", ContractError),
        ("sqlite:///no/such.db", NotAvailable),
        ("nosuch://host/db", ContractError),
        ("sqlite:///text.db", DataError),
    ],
)
def test_addresses_that_cannot_be_read(
    reader: SqlReader, tmp_path: Path, url: str, kind: type[RondoError]
) -> None:
    (tmp_path / "text.db").write_text("this is not a database, it is a text that is long enough" * 20)
    with pytest.raises(kind):
        reader.read("s", Source.model_validate({"sql": url, "query": "SELECT a FROM t"}), resolve)
    assert not (tmp_path / "no").exists()


def test_the_origin_keeps_the_password() -> None:
    reader = SqlReader(Path())
    source = Source.model_validate(
        {"sql": "postgresql://me:secret@host/db?sslpassword=x", "query": "SELECT 1"}
    )
    assert reader.origin(source) == "postgresql://me:***@host/db"
    assert reader.origin(source.model_copy(update={"sql": "${WAREHOUSE_URL}"})) == "${WAREHOUSE_URL}"


def test_moments_go_in_as_the_database_writes_them(reader: SqlReader, tmp_path: Path) -> None:
    database(tmp_path / "shop.db", "CREATE TABLE t (at TEXT)", "INSERT INTO t VALUES ('2024-01-01 10:00:00')")
    source = select("SELECT at FROM t WHERE at >= :at", params={"at": datetime(2024, 1, 1, 10)})
    assert reader.read("s", source, resolve).height == 1
    later = source.model_copy(update={"params": {"at": datetime(2024, 1, 1, 10, 0, 1, tzinfo=UTC)}})
    assert reader.read("s", later, resolve).height == 0
