"""The orders of the demand world as a SQL database: what ``rondo init --template demand`` builds on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from sqlalchemy import Connection, create_engine, make_url, text

from rondo.errors import Conflict, CorruptArtifact, NotAvailable, UsageError
from rondo.shop.demand import DemandSpec, draw_assortment, orders_of

DEMAND_FILE = "demand.json"
DEFAULT_DAYS = 730
DAYS_AT_ONCE = 30
COLUMNS = ("ordered_at", "product_id", "category", "quantity", "unit_price", "on_offer")
_TABLE = """CREATE TABLE IF NOT EXISTS orders (
    ordered_at VARCHAR(19) NOT NULL, product_id BIGINT NOT NULL, category VARCHAR(16) NOT NULL,
    quantity INTEGER NOT NULL, unit_price DOUBLE PRECISION NOT NULL, on_offer INTEGER NOT NULL)"""


def prepare_demand_world(folder: Path, spec: DemandSpec, *, until: date) -> int:
    """Publishes the world's orders under ``folder/shop`` up to the end of a day, and returns how many were new.

    ``shop/orders.db`` holds the order lines, ``shop/demand.json`` the spec. A world that is there goes on; memory
    holds a month of orders at a time.

    Raises:
        Conflict: another world stands there; nothing was changed.
    """
    home = folder / "shop"
    home.mkdir(parents=True, exist_ok=True)
    if (home / DEMAND_FILE).exists() and load_demand(home) != spec:
        raise Conflict(
            "another practice world stands there",
            where=str(home / DEMAND_FILE),
            mend="Choose another folder, or remove this one.",
        )
    content = asdict(spec) | {"start": spec.start.isoformat()}
    (home / DEMAND_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return write_orders(spec, f"sqlite:///{home / 'orders.db'}", until=until)


def write_orders(spec: DemandSpec, url: str, *, until: date) -> int:
    """Brings the database up to the end of a day, in one transaction, and returns how many order lines were new.

    Raises:
        UsageError: the day lies before the world's first.
    """
    if until < spec.start:
        raise UsageError(
            f"{until} lies before the world begins", where="demand", rule=f"It begins {spec.start}"
        )
    engine = create_engine(make_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text(_TABLE))
            newest = connection.scalar(text("SELECT MAX(ordered_at) FROM orders"))
            first = 0 if newest is None else (date.fromisoformat(newest[:10]) - spec.start).days + 1
            return sum(_insert(connection, part) for part in _parts(spec, first, (until - spec.start).days))
    finally:
        engine.dispose()


def load_demand(home: Path) -> DemandSpec:
    """The spec that ``prepare_demand_world`` left.

    Raises:
        NotAvailable: there is none.
        CorruptArtifact: it is not one.
    """
    path = home / DEMAND_FILE
    try:
        content = json.loads(path.read_bytes())
        return DemandSpec(**content | {"start": date.fromisoformat(content["start"])})
    except FileNotFoundError:
        mend = "Write one with: rondo init --template demand"
        raise NotAvailable("No practice world was saved here", where=str(path), mend=mend) from None
    except (ValueError, TypeError, KeyError) as found:
        raise CorruptArtifact(str(found), where=str(path), mend="Write the practice world again") from found


def _parts(spec: DemandSpec, first: int, last: int) -> Iterator[pl.DataFrame]:
    assortment = draw_assortment(spec)
    for start in range(first, last + 1, DAYS_AT_ONCE):
        days = range(start, min(start + DAYS_AT_ONCE, last + 1))
        yield pl.concat([orders_of(spec, assortment, day) for day in days])


def _insert(connection: Connection, orders: pl.DataFrame) -> int:
    if orders.is_empty():
        return 0
    moments = pl.col("ordered_at").dt.strftime("%Y-%m-%dT%H:%M:%S")
    names = ", ".join(COLUMNS)
    # SQLAlchemy takes tuples in the driver's own words only; this world is always kept in SQLite.
    connection.exec_driver_sql(
        f"INSERT INTO orders ({names}) VALUES ({', '.join('?' for _ in COLUMNS)})",  # noqa: S608
        orders.with_columns(moments).select(COLUMNS).rows(),
    )
    return orders.height


def spec_that_ends(last: date, *, days: int = DEFAULT_DAYS, seed: int = 7, **size: int) -> DemandSpec:
    """A world whose day number `days` is `last`."""
    return DemandSpec(start=last - timedelta(days=days - 1), seed=seed, **size)
