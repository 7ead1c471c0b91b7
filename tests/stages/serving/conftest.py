"""A house with one version, and one with none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondo.testing.serving import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Version 1.0.0 serves everything."""
    house = House(tmp_path)
    house.release("1.0.0")
    house.route({"1.0.0": 1.0})
    return house


@pytest.fixture
def empty_house(tmp_path: Path) -> House:
    """Nothing was released."""
    return House(tmp_path)
