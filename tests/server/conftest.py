"""A folder with a release that serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondo.testing.serving import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.release("1.0.0")
    house.route({"1.0.0": 1.0})
    return house
