from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.ports.state import StateStore
from rondo.records.release import ServerReport
from rondo.testing.servers import PostgresServer
from rondo.testing.state import MINUTE, NOW, StateStoreTests, promote


def kept(store: SqlStateStore) -> object:
    return store.releases(), store.routes(), store.events(), store.roles_to_mirror()


class TestSqlite(StateStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[StateStore]:
        store = SqlStateStore(tmp_path / ".rondo" / "state.db")
        yield store
        store.close()

    def test_everything_is_there_after_opening_it_again(self, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        first = SqlStateStore(path)
        promote(first, "1.0.0", "1.1.0")
        before = kept(first)
        first.close()
        second = SqlStateStore(f"sqlite:///{path}")
        assert kept(second) == before
        second.close()


class TestPostgresql(StateStoreTests):
    @pytest.fixture
    def store(self, postgres: PostgresServer) -> Iterator[StateStore]:
        store = SqlStateStore(postgres.url)
        yield store
        store.close()

    def test_everything_is_there_after_opening_it_again(self, postgres: PostgresServer) -> None:
        first = SqlStateStore(postgres.url, project="churn")
        promote(first, "1.0.0", "1.1.0")
        before = kept(first)
        first.close()
        # As other tools write it, and with the driver named.
        second = SqlStateStore(
            postgres.url.replace("postgresql://", "postgresql+psycopg://"), project="churn"
        )
        assert kept(second) == before
        second.close()

    def test_texts_are_ordered_by_their_bytes_whatever_the_locale(
        self, store: StateStore, postgres: PostgresServer
    ) -> None:
        assert postgres.run("SELECT 'a' < 'B'") == "t"  # this database orders otherwise
        for name in ("b", "a", "B", "_"):
            store.report_server(ServerReport(name, 1, "", ("1.0.0",), {}, 1, NOW))
        assert [seen.server_id for seen in store.servers(MINUTE, now=NOW)] == ["B", "_", "a", "b"]
