from __future__ import annotations

import pytest

from rondo.adapters.memory import MemoryModelRegistry
from rondo.ports.tracking import ModelRegistry
from rondo.testing.registry import ModelRegistryTests


class TestMemoryModelRegistry(ModelRegistryTests):
    @pytest.fixture
    def registry(self) -> ModelRegistry:
        return MemoryModelRegistry()
