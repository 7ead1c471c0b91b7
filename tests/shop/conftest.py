from __future__ import annotations

from datetime import date

import pytest

from rondo.shop import Shop, ShopSpec, simulate

SPEC = ShopSpec(seed=5, customers=400, start=date(2024, 1, 1), days=660, change_day=date(2025, 4, 1))


@pytest.fixture(scope="session")
def shop() -> Shop:
    """A small world: fifteen months before its change, six after."""
    return simulate(SPEC)


@pytest.fixture(scope="session")
def little() -> Shop:
    """A world that is quick to publish."""
    return simulate(
        ShopSpec(seed=3, customers=40, start=date(2024, 1, 1), days=90, change_day=date(2024, 3, 1))
    )
