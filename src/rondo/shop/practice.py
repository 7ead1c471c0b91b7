"""A practice world in a project's folder: what ``rondo init --template shop`` builds on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from rondo.shop.lake import write_lake
from rondo.shop.spec import WORLD_FILE, SavedWorld, ShopSpec, load_world, save_world
from rondo.shop.warehouse import write_warehouse
from rondo.shop.world import Shop, simulate


def prepare_practice_world(folder: Path, spec: ShopSpec, *, until: date | None = None) -> Shop:
    """Simulate a world, publish it under ``folder/shop`` up to the end of a day, and return it.

    The day is the world's last unless another is named. ``shop/warehouse.db``
    holds customers and transactions, ``shop/lake/events`` the daily files, and
    ``shop/shop.json`` the spec, for whoever continues the world.
    """
    shop = simulate(spec)
    publish_practice_world(folder, shop, until=until or spec.last_day)
    return shop


def publish_practice_world(folder: Path, shop: Shop, *, until: date) -> None:
    """Bring the three parts under ``folder/shop`` up to the end of a day; what is there stays.

    ``shop.json`` is written last: the day that it names as published is whole.

    Raises:
        UsageError: the world was not simulated up to that day.
        Conflict: another world stands there.
    """
    home = folder / "shop"
    write_warehouse(shop, f"sqlite:///{home / 'warehouse.db'}", until=until)
    write_lake(shop, home / "lake", until=until)
    published = load_world(home).published if (home / WORLD_FILE).exists() else None
    save_world(home, SavedWorld(shop.spec, max(until, published or until)))
