"""The shop's SQL database: customers and transactions."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import polars.selectors as cs
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    func,
    insert,
    make_url,
    select,
)
from sqlalchemy.exc import OperationalError

from rondo.errors import Conflict, TemporaryPortError
from rondo.shop.spec import check_simulated
from rondo.shop.world import Shop

_ROWS_AT_ONCE = 20_000
_TABLES = MetaData()
# SQLite has no type for time: it holds ISO 8601 text, which sorts as time does.
_MOMENT = DateTime().with_variant(String(19), "sqlite")
_DAY = Date().with_variant(String(10), "sqlite")
_ID = BigInteger().with_variant(Integer(), "sqlite")

CUSTOMERS = Table(
    "customers",
    _TABLES,
    Column("user_id", _ID, primary_key=True, autoincrement=False),
    Column("signup_date", _DAY, nullable=False),
    Column("country", String(2), nullable=False),
    Column("plan", String(16), nullable=False),
    Column("age", Integer),
)
TRANSACTIONS = Table(
    "transactions",
    _TABLES,
    Column("order_id", _ID, primary_key=True, autoincrement=False),
    Column("user_id", _ID, nullable=False),
    Column("date", _MOMENT, nullable=False),
    Column("purchase_amount", Double, nullable=False),
    Column("purchase_count", Integer, nullable=False),
    Column("category", String(16), nullable=False),
)


def write_warehouse(shop: Shop, url: str, *, until: date) -> int:
    """Bring the database up to the end of a day, in one transaction, and return how many rows were new.

    The tables are made where they are missing. What is already there stays;
    a second call with the same day adds nothing.

    Args:
        url: any SQLAlchemy URL; the folder of an SQLite file is made.

    Raises:
        UsageError: the world was not simulated up to that day.
        Conflict: the database holds another world; nothing was changed.
        TemporaryPortError: the database did not answer; nothing was changed.
    """
    check_simulated(shop.spec, until)
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address)
    try:
        with engine.begin() as connection:
            _TABLES.create_all(connection)
            customers = shop.customers.filter(pl.col("signup_date") <= until)
            orders = shop.transactions.filter(pl.col("date") < until + timedelta(days=1))
            return _append(connection, CUSTOMERS, customers) + _append(connection, TRANSACTIONS, orders)
    except OperationalError as found:
        where = address.render_as_string(hide_password=True)
        raise TemporaryPortError(f"The shop's database did not answer ({found.orig})", where=where) from found
    finally:
        engine.dispose()


def _append(connection: Connection, table: Table, rows: pl.DataFrame) -> int:
    """Insert the rows whose key is beyond the newest stored one; keys count up, so none is missed."""
    if rows.is_empty():
        return 0
    if connection.dialect.name == "sqlite":
        rows = rows.with_columns(
            cs.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S"), cs.date().dt.strftime("%Y-%m-%d")
        )
    key = table.primary_key.columns[0]
    newest = connection.scalar(select(func.max(key)))
    if newest is not None:
        _check_same_world(connection, table, min(newest, rows[key.name][-1]), rows)
        rows = rows.filter(pl.col(key.name) > newest)
    for part in rows.iter_slices(_ROWS_AT_ONCE):
        connection.execute(insert(table), part.to_dicts())
    return rows.height


def _check_same_world(connection: Connection, table: Table, number: int, rows: pl.DataFrame) -> None:
    key = table.primary_key.columns[0]
    stored = connection.execute(select(table).where(key == number)).mappings().one_or_none()
    simulated = rows.row(by_predicate=pl.col(key.name) == number, named=True)
    if stored is None or dict(stored) != simulated:
        raise Conflict(
            f"{key.name} {number} is not what this world has there",
            where=f"table {table.name}",
            rule="A warehouse holds one practice world",
            mend="Give the spec that it was written with, or another database",
        )
