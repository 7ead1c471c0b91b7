from __future__ import annotations

import pytest

from rondo.adapters.memory import MemoryStateStore
from rondo.ports.state import StateStore
from rondo.testing.state import StateStoreTests


class TestMemoryStateStore(StateStoreTests):
    @pytest.fixture
    def store(self) -> StateStore:
        return MemoryStateStore()
