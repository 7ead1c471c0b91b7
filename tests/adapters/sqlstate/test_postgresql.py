"""What only a state store in PostgreSQL can do wrong: projects in one database, rights, restarts, being held."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import create_engine, inspect

from rondo.adapters.sqlstate import SqlStateStore
from rondo.adapters.sqlstate.migrations import NEWEST
from rondo.adapters.sqlstate.postgresql import schema_of
from rondo.adapters.sqlstate.tables import metadata
from rondo.errors import (
    Conflict,
    ContractError,
    CorruptArtifact,
    DataError,
    MissingExtra,
    NotAvailable,
    TemporaryPortError,
)
from rondo.testing.servers import PostgresServer, free_port
from rondo.testing.servers import postgres as postgres_of_its_own
from rondo.testing.state import NOW, promote, release


@pytest.fixture
def store(postgres: PostgresServer) -> Iterator[SqlStateStore]:
    """A store in which 1.1.0 is in production after 1.0.0."""
    with closing(SqlStateStore(postgres.url, project="churn")) as store:
        promote(store, "1.0.0", "1.1.0")
        yield store


def by_hand(server: PostgresServer, *statements: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("SET search_path TO rondo_churn")
        for statement in statements:
            connection.execute(statement)


def test_the_tables_are_those_that_queries_expect(store: SqlStateStore, postgres: PostgresServer) -> None:
    engine = create_engine(postgres.url.replace("postgresql:", "postgresql+psycopg:"))
    found = inspect(engine)
    made = {
        name: {column["name"] for column in found.get_columns(name, schema="rondo_churn")}
        for name in found.get_table_names(schema="rondo_churn")
    }
    assert found.get_table_names(schema="public") == []
    engine.dispose()
    assert made == {table.name: set(table.columns.keys()) for table in metadata.tables.values()}


def test_projects_share_a_database_and_nothing_in_it(store: SqlStateStore, postgres: PostgresServer) -> None:
    with closing(SqlStateStore(postgres.url, project="fraud")) as other:
        assert (other.releases(), other.events()) == ((), ())
        promote(other, "9.0.0")
    assert [one.version for one in store.releases()] == ["1.0.0", "1.1.0"]


@pytest.mark.parametrize(("one", "other"), [("a-b", "a.b"), ("a-b", "a_b"), ("x" * 63, "x" * 62 + "y")])
def test_no_two_projects_have_the_same_schema(one: str, other: str) -> None:
    assert schema_of(one) != schema_of(other)
    assert max(len(schema_of(one)), len(schema_of(other))) <= 63


def test_the_database_itself_refuses_a_second_version_in_production(
    store: SqlStateStore, postgres: PostgresServer
) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        by_hand(postgres, "UPDATE releases SET stage = 'Production'")


@pytest.mark.parametrize("change", ["UPDATE events SET \"by\" = 'eve'", "DELETE FROM events"])
def test_the_database_itself_refuses_to_change_the_log(
    store: SqlStateStore, postgres: PostgresServer, change: str
) -> None:
    with pytest.raises(psycopg.errors.IntegrityError, match="only ever appended to"):
        by_hand(postgres, change)


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("UPDATE events SET reason = 'it is worse' WHERE sequence = 2", 2),
        ("UPDATE events SET details = '{' WHERE sequence = 3", 3),
        ("DELETE FROM events WHERE sequence = 4", 4),
    ],
)
def test_a_log_changed_by_hand_is_found_out(
    store: SqlStateStore, postgres: PostgresServer, change: str, first: int
) -> None:
    by_hand(postgres, "ALTER TABLE events DISABLE TRIGGER USER", change)
    with pytest.raises(CorruptArtifact, match=f"event {first} of the log is not what was written"):
        store.verify_events()


def test_a_newer_store_is_refused(store: SqlStateStore, postgres: PostgresServer) -> None:
    by_hand(postgres, f"INSERT INTO migrations VALUES ({NEWEST + 1}, '2030-01-01T00:00:00.000000Z')")
    with pytest.raises(NotAvailable, match=r"newer Rondo.*pip install --upgrade"):
        SqlStateStore(postgres.url, project="churn")


def test_a_store_that_is_held_for_too_long_is_a_conflict(
    store: SqlStateStore, postgres: PostgresServer
) -> None:
    with closing(
        SqlStateStore(postgres.url, project="churn", patience=timedelta(milliseconds=50))
    ) as impatient:
        with store._database.write():
            assert impatient.routes().generation == 2  # readers do not wait for writers
            with pytest.raises(Conflict, match="held by another process"):
                impatient.put("x", 1)
        impatient.put("x", 2)
    assert store.get("x") == 2


def test_a_write_waits_for_its_turn(store: SqlStateStore, postgres: PostgresServer) -> None:
    with closing(SqlStateStore(postgres.url, project="churn")) as other:
        began = threading.Event()

        def hold() -> None:
            with other._database.write():
                began.set()
                threading.Event().wait(0.2)

        thread = threading.Thread(target=hold)
        thread.start()
        began.wait()
        store.put("x", 1)
        thread.join()
    assert store.get("x") == 1


def test_a_failed_block_leaves_nothing_behind(store: SqlStateStore) -> None:
    before = (store.releases(), store.events())
    with pytest.raises(Conflict):
        store.add_release(release("1.0.0", bundle_id="other"), by="ann")
    assert (store.releases(), store.events()) == before


def test_a_text_that_the_database_cannot_hold_is_refused(store: SqlStateStore) -> None:
    before = store.events()
    with pytest.raises(DataError, match="NUL"):
        store.append("x", "a\0b", by="x", reason="", details={}, at=NOW)
    assert store.events() == before


def refused(url: str) -> NotAvailable:
    with pytest.raises(NotAvailable) as error:
        SqlStateStore(url, patience=timedelta(seconds=2))
    return error.value


def test_what_cannot_be_opened_says_why_and_never_the_password(postgres: PostgresServer) -> None:
    password = postgres.url.split(":")[2].partition("@")[0]
    told = [
        refused(postgres.url.replace(password, "wrong-one")),
        refused(f"{postgres.url}_not_there"),
        refused(postgres.url.replace("rondo:", "nobody:")),
        refused(postgres.url.replace(f":{postgres.port}", f":{free_port()}")),
    ]
    assert [type(one) for one in told] == [NotAvailable, NotAvailable, NotAvailable, TemporaryPortError]
    for one, said in zip(
        told, ("authentication", "does not exist", "authentication", "Check that"), strict=True
    ):
        assert said in str(one)
        assert password not in str(one)
        assert postgres.password not in str(one)
        assert "wrong-one" not in str(one)
        assert "Background on this error" not in str(one)


def test_a_user_without_rights_is_told_so(postgres: PostgresServer) -> None:
    postgres.run("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    try:
        url = f"postgresql://reader:reader@127.0.0.1:{postgres.port}/{postgres.database}"
        assert "permission denied for database" in str(refused(url))
    finally:
        postgres.run("DROP ROLE reader")


def test_a_driver_of_another_kind_is_refused_without_the_password() -> None:
    with pytest.raises(ContractError, match="does not use the driver 'asyncpg'") as error:
        SqlStateStore("postgresql+asyncpg://me:secret@host/db")
    assert "secret" not in str(error.value)


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'rondo-ml\[postgres\]'") as refused:
        SqlStateStore("postgresql://me:secret@host/db")
    assert "secret" not in str(refused.value)


def test_a_server_that_went_away_and_came_back_is_used_again_and_forgot_nothing() -> None:
    with postgres_of_its_own() as server, closing(SqlStateStore(server.url)) as store:
        promote(store, "1.0.0")
        for number in range(3):
            server.stop(crash=True)
            with pytest.raises(TemporaryPortError):
                store.put("x", number)
            server.start()
            assert store.get("x") == (number - 1 if number else None)
            store.put("x", number)
        assert store.get("x") == 2
        assert store.verify_events() == 2
