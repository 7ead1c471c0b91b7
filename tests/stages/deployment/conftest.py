from __future__ import annotations

import pytest

from rondo.adapters.memory import MemoryModelRegistry, MemoryStateStore


@pytest.fixture
def store() -> MemoryStateStore:
    return MemoryStateStore()


@pytest.fixture
def registry() -> MemoryModelRegistry:
    return MemoryModelRegistry()
