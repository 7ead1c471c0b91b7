"""PostgreSQL as a source: the same promises, and what only this database has."""

from __future__ import annotations

import resource
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import psycopg
import pytest

from rondo.adapters.sql import SqlReader
from rondo.contract.data import Source
from rondo.errors import (
    ContractError,
    DataError,
    MissingExtra,
    NotAvailable,
    RondoError,
    TemporaryPortError,
)
from rondo.testing.servers import PostgresServer, free_port
from rondo.testing.sources import SECRET_NAME, SourceReaderTests, resolve


@pytest.fixture(scope="module")
def warehouse(postgres_server: PostgresServer) -> PostgresServer:
    """A database with a few transactions; nothing of these tests may change it."""
    server = postgres_server.another("warehouse")
    server.run(
        "CREATE TABLE transactions (id integer, user_id integer, date date, amount numeric(10,2), note text)",
        "INSERT INTO transactions VALUES (1, 7, '2024-01-01', 5, 'a'), (2, 7, '2024-01-02', 7.5, NULL),"
        " (3, 8, '2024-01-03', 1, 'b: 100% ?')",
    )
    return server


@pytest.fixture
def reader() -> SqlReader:
    return SqlReader(Path())


Ask = Callable[..., pl.DataFrame]


@pytest.fixture
def ask(reader: SqlReader, warehouse: PostgresServer) -> Ask:
    """Reads the answer to a query."""

    def ask(query: str, **options: object) -> pl.DataFrame:
        source = Source.model_validate({"sql": warehouse.url, "query": query, **options})
        return reader.read("s", source, resolve)

    return ask


class TestPromises(SourceReaderTests):
    @pytest.fixture
    def reader(self) -> SqlReader:
        return SqlReader(Path())

    @pytest.fixture
    def make(self, postgres: PostgresServer) -> Callable[[list[dict[str, object]]], Source]:
        def make(rows: list[dict[str, object]]) -> Source:
            with psycopg.connect(postgres.url) as connection:
                connection.execute("CREATE TABLE t (user_id integer, name text, amount double precision)")
                for row in rows:
                    connection.execute("INSERT INTO t VALUES (%(user_id)s, %(name)s, %(amount)s)", row)
            return Source.model_validate({"sql": postgres.url, "query": "SELECT * FROM t ORDER BY user_id"})

        return make

    @pytest.fixture
    def absent(self, warehouse: PostgresServer) -> Source:
        return Source.model_validate({"sql": f"{warehouse.url}_not_there", "query": "SELECT 1 AS one"})

    @pytest.fixture
    def away(self) -> Source:
        url = f"postgresql://me:pw@127.0.0.1:{free_port()}/db"
        return Source.model_validate({"sql": url, "query": "SELECT 1 AS one", "timeout": "2s"})

    @pytest.fixture
    def secretive(self, warehouse: PostgresServer) -> Source:
        url = f"postgresql://rondo:{SECRET_NAME}@127.0.0.1:{warehouse.port}/warehouse"
        return Source.model_validate({"sql": url, "query": "SELECT 1 AS one"})


def test_the_listing_of_the_mission_reads_the_rows_after_its_date(ask: Ask) -> None:
    wanted = [2, 3]
    marked = ask("SELECT * FROM transactions WHERE date > ?", params=[date(2024, 1, 1)])
    assert marked["id"].to_list() == wanted
    as_text = ask("SELECT * FROM transactions WHERE date > ?", params=["2024-01-01"])
    assert as_text["id"].to_list() == wanted
    named = ask("SELECT * FROM transactions WHERE date > :start", params={"start": date(2024, 1, 1)})
    assert named.equals(marked)
    assert marked.schema == {
        "id": pl.Int64, "user_id": pl.Int64, "date": pl.Date, "amount": pl.Float64, "note": pl.String,
    }  # fmt: skip


def test_casts_percent_signs_colons_and_marks_in_texts_stay_what_they_are(ask: Ask) -> None:
    query = (
        "SELECT id FROM transactions WHERE note LIKE 'b: 1%? ' || '' OR note = 'b: 100% ?' AND id = :id::int"
    )
    assert ask(query, params={"id": "3"})["id"].to_list() == [3]
    assert ask("SELECT '{\"a\": 1}'::jsonb ? 'a' AS has")["has"].to_list() == [True]


def test_a_list_goes_into_in(ask: Ask) -> None:
    found = ask("SELECT id FROM transactions WHERE id IN :ids ORDER BY id", params={"ids": [1, 3]})
    assert found["id"].to_list() == [1, 3]


def test_every_type_that_means_something_is_mapped(ask: Ask) -> None:
    table = ask(
        """SELECT 12345678901234567::numeric(38,0) AS whole, 5.00::numeric(10,2) AS price, 'NaN'::numeric AS nan,
        '2024-07-01 10:00+02'::timestamptz AS at, '2024-07-01 10:00'::timestamp AS plain,
        '0001-01-01'::date AS first, '9999-12-31 23:59:59.999999+00'::timestamptz AS last,
        '{"a": [1, null], "b": 1.10}'::json AS doc, '[1, 2]'::jsonb AS list, '"x"'::jsonb AS text, true AS yes,
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id, ARRAY[1,2] AS several, NULL AS nothing,
        '1e300'::float8 AS big"""
    )
    row = table.row(0, named=True)
    assert row["whole"] == 12345678901234567
    assert (row["price"], table["price"].dtype) == (5.0, pl.Float64)
    assert row["nan"] != row["nan"]
    assert row["at"] == datetime(2024, 7, 1, 8, tzinfo=UTC)
    assert row["plain"] == datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert row["first"] == date(1, 1, 1)
    assert row["last"] == datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert (row["doc"], row["list"], row["text"]) == ('{"a": [1, null], "b": 1.10}', "[1, 2]", '"x"')
    assert (row["yes"], row["id"], row["several"]) == (True, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "[1, 2]")
    assert (row["nothing"], table["nothing"].dtype) == (None, pl.String)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("'12.50'::money", r"column 'x' is of type money.*x::numeric"),
        ("'1 mon 2 days'::interval", r"column 'x' is of type interval.*EXTRACT"),
        (r"'\x00ff'::bytea", "column 'x' is of type bytea"),
        ("'infinity'::timestamptz", r"column 'x' holds 'infinity'.*NULLIF"),
        ("'-infinity'::date", "column 'x' holds '-infinity'"),
        ("'0044-03-15 BC'::date", "column 'x' holds '0044-03-15 BC'"),
        ("'12345-01-01'::timestamp", "column 'x' holds '12345-01-01"),
        ("123456789012345678901234567890::numeric(38,0)", "column 'x' cannot be held"),
        ("'10:30'::time", "column 'x' cannot be held: values of type time"),
        ("'10.0.0.1'::inet", "column 'x' cannot be held"),
    ],
)
def test_what_no_column_can_hold_is_refused_by_the_columns_name(ask: Ask, value: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        ask(f"SELECT 1 AS ok, {value} AS x")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a; DROP TABLE transactions",
        "DROP TABLE transactions",
        "INSERT INTO transactions VALUES (9)",
        "COPY transactions TO PROGRAM 'sh'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "WITH gone AS (DELETE FROM transactions RETURNING *) SELECT * FROM gone",
        "SELECT * INTO copied FROM transactions",
        "SELECT id FROM transactions FOR UPDATE",
        "DO $$ BEGIN DELETE FROM transactions; END $$",
        # A backslash ends nothing in an E'' text, so what follows is outside of it.
        r"SELECT E'\'' AS a; COMMIT; DROP TABLE transactions; --'",
        r"SELECT e'\\' AS a; COMMIT; DROP TABLE transactions; --'",
        "SELECT U&'\\0041' AS a; COMMIT; DROP TABLE transactions --",
        "SELECT /* /* */ 1 AS a; DROP TABLE transactions; -- */ 1 AS a",
        "SELEC 1",
        "SELECT nosuch FROM transactions",
        "SELECT * FROM nosuch",
        "SELECT * FROM transactions WHERE",
        "SELECT id FROM transactions WHERE id = 'x' + 1",
        "SELECT nextval('numbers')",
    ],
)
def test_what_is_no_single_reading_select_is_refused(ask: Ask, warehouse: PostgresServer, query: str) -> None:
    warehouse.run("CREATE SEQUENCE IF NOT EXISTS numbers")
    with pytest.raises((ContractError, DataError)) as refused:
        ask(query)
    assert warehouse.password not in str(refused.value)
    assert warehouse.run("SELECT count(*) FROM transactions") == "3"


def test_the_session_itself_cannot_write_nor_commit(
    ask: Ask, warehouse: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Even if a statement slipped through the reading of its text.
    from rondo.adapters.sql import statement

    monkeypatch.setattr(statement, "_check_reads", lambda words, where: None)
    monkeypatch.setattr(statement, "_not_one", lambda where, what: None)
    for query in (
        "INSERT INTO transactions VALUES (9)",
        "WITH more AS (INSERT INTO transactions VALUES (9) RETURNING id) SELECT * FROM more",
        r"SELECT E'\'' AS a; COMMIT; DROP TABLE transactions; --'",
    ):
        with pytest.raises(ContractError):
            ask(query)
    assert warehouse.run("SELECT count(*) FROM transactions") == "3"


def test_a_value_stays_a_value(ask: Ask, warehouse: PostgresServer) -> None:
    query = "SELECT id FROM transactions WHERE note = :note"
    assert ask(query, params={"note": "a'; DROP TABLE transactions; --"}).height == 0
    assert warehouse.run("SELECT count(*) FROM transactions") == "3"


def test_columns_of_the_same_name_are_refused(ask: Ask) -> None:
    with pytest.raises(DataError, match="several columns named 'id'"):
        ask("SELECT a.id, b.id FROM transactions a JOIN transactions b ON a.id = b.id")


def test_no_rows_keep_their_columns(ask: Ask) -> None:
    table = ask("SELECT id, note FROM transactions WHERE false")
    assert (table.columns, table.height) == (["id", "note"], 0)


@pytest.mark.parametrize(
    "query", ["SELECT pg_sleep(60)", "SELECT pg_sleep(0.01) FROM generate_series(1, 100000)"]
)
def test_a_query_that_runs_for_ever_is_stopped(ask: Ask, query: str) -> None:
    with pytest.raises(NotAvailable, match="took too long") as found:
        ask(f"SELECT 1 AS one FROM ({query}) AS slow", timeout="200ms")
    assert not isinstance(found.value, TemporaryPortError)


def test_the_cap_on_rows_ends_an_endless_answer_in_bounded_memory(ask: Ask) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match="more than 50,000 rows"):
        ask("SELECT i, repeat('x', 500) AS text FROM generate_series(1, 2000000) AS i", max_rows=50_000)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mib < 300  # the whole answer would be more than 1,000


@pytest.mark.parametrize("at", [1, 50_000])
def test_a_connection_that_drops_in_the_middle_gives_no_half_table(ask: Ask, at: int) -> None:
    with pytest.raises(TemporaryPortError):
        ask(
            f"SELECT i, CASE WHEN i = {at} THEN pg_terminate_backend(pg_backend_pid()) END AS ended"
            " FROM generate_series(1, 60000) AS i"
        )


def test_the_whole_answer_is_of_one_moment(ask: Ask, warehouse: PostgresServer) -> None:
    # The second half is computed after somebody else has written.
    warehouse.run("CREATE TABLE moving AS SELECT i FROM generate_series(1, 30000) AS i")
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(warehouse.url, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO moving VALUES (0)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        query = "SELECT count(*) AS n FROM moving UNION ALL SELECT count(*) FROM moving, pg_sleep(0.05)"
        for _ in range(3):
            assert ask(query)["n"].n_unique() == 1
    finally:
        stop.set()
        writer.join()


def test_rights_that_lack_are_told(reader: SqlReader, warehouse: PostgresServer) -> None:
    warehouse.run("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = f"postgresql://guest:guest@127.0.0.1:{warehouse.port}/warehouse"
    source = Source.model_validate({"sql": url, "query": "SELECT * FROM transactions"})
    with pytest.raises(NotAvailable, match=r"permission denied for table transactions.*rights"):
        reader.read("s", source, resolve)


@pytest.fixture
def wrong_addresses(warehouse: PostgresServer) -> dict[str, type[RondoError]]:
    password = warehouse.url.split(":")[2].partition("@")[0]
    return {
        warehouse.url.replace(password, "wr0ng"): NotAvailable,
        warehouse.url.replace("//rondo", "//nobody"): NotAvailable,
        f"{warehouse.url}_gone": NotAvailable,
        warehouse.url.replace("postgresql", "postgresql+nosuch"): ContractError,
        f"postgresql://me:{password}@host.invalid/db": TemporaryPortError,
    }


def test_an_address_that_cannot_be_used_says_why_and_never_the_password(
    reader: SqlReader, warehouse: PostgresServer, wrong_addresses: dict[str, type[RondoError]]
) -> None:
    password = warehouse.url.split(":")[2].partition("@")[0]
    for url, kind in wrong_addresses.items():
        source = Source.model_validate({"sql": url, "query": "SELECT 1 AS one", "timeout": "2s"})
        with pytest.raises(kind) as refused:
            reader.read("s", source, resolve)
        for secret in (password, warehouse.password, "wr0ng"):
            assert secret not in str(refused.value)


def test_a_missing_driver_says_what_to_install(reader: SqlReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    url = "postgresql://me:secret@host/db"
    source = Source.model_validate({"sql": url, "query": "SELECT 1 AS a"})
    with pytest.raises(MissingExtra, match=r"pip install 'rondo-ml\[postgres\]'") as refused:
        reader.read("orders", source, resolve)
    assert "secret" not in str(refused.value)
