"""What only a store in a file can do wrong: being held, damaged, changed by hand, newer than we are."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from rondo.adapters.sqlstate import SqlStateStore
from rondo.adapters.sqlstate.migrations import NEWEST
from rondo.adapters.sqlstate.tables import metadata
from rondo.errors import Conflict, ContractError, CorruptArtifact, NotAvailable
from rondo.testing.state import promote, release


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store in which 1.1.0 is in production after 1.0.0, and nobody has open."""
    path = tmp_path / "state.db"
    with closing(SqlStateStore(path)) as store:
        promote(store, "1.0.0", "1.1.0")
    return path


def by_hand(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_the_tables_are_those_that_queries_expect(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    found = inspect(engine)
    made = {name: {column["name"] for column in found.get_columns(name)} for name in found.get_table_names()}
    engine.dispose()
    assert made == {table.name: set(table.columns.keys()) for table in metadata.tables.values()}


def test_the_database_itself_refuses_a_second_version_in_production(path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        by_hand(path, "UPDATE releases SET stage = 'Production'")


@pytest.mark.parametrize("change", ["UPDATE events SET by = 'eve'", "DELETE FROM events"])
def test_the_database_itself_refuses_to_change_the_log(path: Path, change: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="only ever appended to"):
        by_hand(path, change)


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("UPDATE events SET reason = 'it is worse' WHERE sequence = 2", 2),
        ("UPDATE events SET at = '2025-01-01T00:00:00.000000Z' WHERE sequence = 3", 3),
        ("UPDATE events SET details = '{' WHERE sequence = 3", 3),
        ("DELETE FROM events WHERE sequence = 2", 2),
        ("DELETE FROM events WHERE sequence = 4", 4),
        ("INSERT INTO events VALUES (5, '2026-01-01T00:00:00.000000Z', 'x', 'x', 'eve', '', '{}', 'x')", 5),
    ],
)
def test_a_log_changed_by_hand_is_found_out(path: Path, change: str, first: int) -> None:
    by_hand(path, "DROP TRIGGER events_no_update", "DROP TRIGGER events_no_delete", change)
    with (
        closing(SqlStateStore(path)) as store,
        pytest.raises(CorruptArtifact, match=f"event {first} of the log is not what was written"),
    ):
        store.verify_events()


def test_a_moment_that_is_none_is_found_out(path: Path) -> None:
    by_hand(path, "DROP TRIGGER events_no_update", "UPDATE events SET at = 'yesterday'")
    with closing(SqlStateStore(path)) as store, pytest.raises(CorruptArtifact, match="'yesterday' stands"):
        store.events()


def test_a_newer_store_is_refused(path: Path) -> None:
    by_hand(path, f"INSERT INTO migrations VALUES ({NEWEST + 1}, '2030-01-01T00:00:00.000000Z')")
    with pytest.raises(NotAvailable, match=r"newer Rondo.*pip install --upgrade"):
        SqlStateStore(path)


def test_a_store_that_is_held_for_too_long_is_a_conflict(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with closing(SqlStateStore(path, patience=timedelta(milliseconds=50))) as store:
            assert store.routes().generation == 2  # readers do not wait for writers
            with pytest.raises(Conflict, match="held by another process"):
                store.put("x", 1)
        other.execute("ROLLBACK")


def test_a_write_waits_for_its_turn(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
        closing(SqlStateStore(path)) as store,
    ):
        other.execute("BEGIN IMMEDIATE")
        later = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        later.start()
        store.put("x", 1)
        later.join()
        assert store.get("x") == 1


def test_what_is_not_a_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is no database, although it is called one." * 100)
    with pytest.raises(CorruptArtifact, match="cannot be read"):
        SqlStateStore(tmp_path / "text.db")
    with pytest.raises(NotAvailable, match="cannot be used"):
        SqlStateStore(tmp_path)


@pytest.mark.parametrize("url", ["mysql://user:secret@host/db", "sqlite://", "sqlite:///:memory:", "::://"])
def test_a_url_that_cannot_be_a_store_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ContractError) as refused:
        SqlStateStore(url)
    assert "secret" not in str(refused.value)


def test_a_failed_block_leaves_nothing_behind(path: Path) -> None:
    with closing(SqlStateStore(path)) as store:
        before = (store.releases(), store.events())
        with pytest.raises(Conflict):
            store.add_release(release("1.0.0", bundle_id="other"), by="ann")
        assert (store.releases(), store.events()) == before


def test_many_threads_share_a_store(path: Path) -> None:
    errors: list[BaseException] = []

    def work(store: SqlStateStore, name: str) -> None:
        try:
            for number in range(10):
                store.put(f"{name}/{number}", number)
                assert store.get(f"{name}/{number}") == number
                assert sum(store.routes().weights.values()) == 1
        except BaseException as error:
            errors.append(error)

    with closing(SqlStateStore(path)) as store:
        threads = [threading.Thread(target=work, args=(store, str(number))) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []


def test_the_server_gets_nothing_heavy_with_it() -> None:
    heavy = ["mlflow", "sklearn", "pandas", "feast", "dvc", "pyarrow", "lightgbm", "httpx", "optuna"]
    program = f"import sys, rondo.adapters.sqlstate; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
