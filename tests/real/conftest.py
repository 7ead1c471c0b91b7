"""Real data lies beside the checkout, in ../shared/data; without it these tests skip and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def real_data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"there is no real data at {DATA}")
    return DATA
