from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.ports.state import StateStore
from rondo.testing.state import StateStoreTests, promote


class TestSqlStateStore(StateStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[StateStore]:
        store = SqlStateStore(tmp_path / ".rondo" / "state.db")
        yield store
        store.close()

    def test_everything_is_there_after_opening_it_again(self, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        first = SqlStateStore(path)
        promote(first, "1.0.0", "1.1.0")
        kept = (first.releases(), first.routes(), first.events(), first.roles_to_mirror())
        first.close()
        second = SqlStateStore(f"sqlite:///{path}")
        assert (second.releases(), second.routes(), second.events(), second.roles_to_mirror()) == kept
        second.close()
