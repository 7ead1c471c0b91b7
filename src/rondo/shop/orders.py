"""Orders of a shop with many products: customers with tastes, baskets, habits and seasons, from a seed.

A customer likes a few kinds of product and orders every so often. A basket holds things that ran out (each
customer buys some products again and again), things to their taste, and what goes with them. Products come out over
time, their popularity falls steeply, and every kind has its season. A few orders are cancelled later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.errors import ContractError, Problem

Floats = NDArray[np.float64]
ORDERS_FILE = "orders/orders.parquet"
COMPANIONS = 3  # products that go with a product
HABIT, COMPANY = 0.45, 0.25  # shares of a basket's lines: bought again; bought with another line
KEEPS = 0.35  # chance that a product bought for the first time becomes a habit
CANCELLED = 0.02


@dataclass(frozen=True, slots=True)
class OrdersSpec:
    """A world of orders, described completely: equal specs make equal worlds."""

    seed: int = 11
    customers: int = 500
    products: int = 240
    kinds: int = 12
    start: date = date(2024, 1, 1)
    days: int = 300

    def __post_init__(self) -> None:
        broken = [
            Problem(f"orders.{key}", f"{value!r} makes no world", f"It must be {least} or more")
            for key, value, least in (
                ("seed", self.seed, 0),
                ("customers", self.customers, 1),
                ("products", self.products, self.kinds + COMPANIONS),
                ("kinds", self.kinds, 1),
                ("days", self.days, 1),
            )
            if value < least
        ]
        if broken:
            raise ContractError("The world of orders cannot be made:", problems=broken)


@dataclass(frozen=True, slots=True)
class _Range:
    """What is sold: everything but `popular` has one entry per product."""

    kind: NDArray[np.int64]
    popular: Floats
    price: Floats
    from_day: NDArray[np.int64]
    goes_with: NDArray[np.int64]  # [products, COMPANIONS]
    season: Floats  # [kinds]: the day of the year at which the kind sells best


def simulate_orders(spec: OrdersSpec) -> pl.DataFrame:
    """The order lines by moment: order_id, customer_id, product, ordered_at, quantity, unit_price.

    The lines of a cancelled order are followed by the same lines with a negative quantity and a C before the order.
    """
    rng = np.random.default_rng(spec.seed)
    sold = _range(spec, rng)
    taste = rng.dirichlet(np.full(spec.kinds, 0.25), spec.customers)
    pace = rng.gamma(2.0, 9.0, spec.customers) + 4.0  # days between orders, on average
    joined = np.where(rng.random(spec.customers) < 0.5, 0, rng.integers(0, spec.days, spec.customers)).astype(
        np.int64
    )
    habits: list[list[int]] = [[] for _ in range(spec.customers)]
    lines: list[tuple[str, int, int, datetime, int]] = []
    number = 100_000
    for day in range(spec.days):
        likely = _likely(spec, sold, day)
        buys = (joined <= day) & (rng.random(spec.customers) < 1 / pace)
        for customer in np.flatnonzero(buys).tolist():
            number += 1
            at = datetime.combine(spec.start, datetime.min.time()) + timedelta(
                days=day, seconds=int(rng.integers(8 * 3600, 20 * 3600))
            )
            basket = _basket(rng, sold, likely * taste[customer][sold.kind], habits[customer])
            quantities = rng.integers(1, 7, len(basket)).tolist()
            lines += [
                (str(number), customer, product, at, quantity)
                for product, quantity in zip(basket, quantities, strict=True)
            ]
            if rng.random() < CANCELLED:
                later = at + timedelta(minutes=int(rng.integers(5, 300)))
                lines += [
                    (f"C{number}", customer, product, later, -quantity)
                    for product, quantity in zip(basket, quantities, strict=True)
                ]
    return _frame(lines, sold).sort("ordered_at", "order_id", maintain_order=True)


def _range(spec: OrdersSpec, rng: np.random.Generator) -> _Range:
    rank = rng.permutation(spec.products) + 1
    new = rng.random(spec.products) < 0.25
    return _Range(
        kind=rng.integers(0, spec.kinds, spec.products),
        popular=np.asarray(1.0 / rank**0.8, dtype=np.float64),
        price=np.round(rng.lognormal(1.2, 0.7, spec.products), 2),
        from_day=np.where(new, rng.integers(0, max(spec.days - 20, 1), spec.products), 0).astype(np.int64),
        goes_with=np.stack(
            [rng.choice(spec.products, COMPANIONS, replace=False) for _ in range(spec.products)]
        ).astype(np.int64),
        season=rng.random(spec.kinds) * 365,
    )


def _likely(spec: OrdersSpec, sold: _Range, day: int) -> Floats:
    """How likely each product is to be chosen on a day, taste aside; 0 before it comes out."""
    of_year = (spec.start + timedelta(days=day)).timetuple().tm_yday
    season = 1.0 + 0.8 * np.cos((of_year - sold.season) / 365 * 2 * np.pi)
    likely: Floats = sold.popular * season[sold.kind] * (sold.from_day <= day)
    return likely


def _basket(rng: np.random.Generator, sold: _Range, likely: Floats, habits: list[int]) -> list[int]:
    """The products of one order, each once; what is kept of them becomes a habit."""
    basket: list[int] = []
    chance = likely / likely.sum()
    for _ in range(1 + int(rng.poisson(5.0))):
        how = rng.random()
        if how < HABIT and habits:
            product = habits[int(rng.integers(len(habits)))]
        elif how < HABIT + COMPANY and basket:
            product = int(sold.goes_with[basket[-1], rng.integers(COMPANIONS)])
        else:
            product = int(rng.choice(len(chance), p=chance))
        if product not in basket and likely[product] > 0:
            basket.append(product)
            if product not in habits and rng.random() < KEEPS:
                habits.append(product)
    return basket or [int(np.argmax(likely))]


def _frame(lines: list[tuple[str, int, int, datetime, int]], sold: _Range) -> pl.DataFrame:
    rows = pl.DataFrame(
        lines,
        schema={
            "order_id": pl.String,
            "customer_id": pl.Int64,
            "product": pl.Int64,
            "ordered_at": pl.Datetime("us"),
            "quantity": pl.Int64,
        },
        orient="row",
    )
    price = pl.Series("unit_price", sold.price)
    return rows.with_columns(
        pl.col("customer_id") + 1000,
        pl.format("P{}", pl.col("product").cast(pl.String).str.zfill(4)).alias("product"),
        price.gather(rows["product"]),
    )


def prepare_practice_orders(folder: Path, spec: OrdersSpec) -> pl.DataFrame:
    """Simulate a world of orders, write it under ``folder/shop`` as Parquet, and return it."""
    orders = simulate_orders(spec)
    path = folder / "shop" / ORDERS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    orders.write_parquet(path)
    return orders
