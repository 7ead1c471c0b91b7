"""The world of orders: equal specs make equal worlds, and there is something to learn in it."""

from __future__ import annotations

import polars as pl
import pytest

from rondo.errors import ContractError
from rondo.shop.orders import OrdersSpec, simulate_orders

SMALL = OrdersSpec(customers=80, products=60, kinds=5, days=120)


def test_equal_specs_make_equal_worlds() -> None:
    assert simulate_orders(SMALL).equals(simulate_orders(SMALL))


def test_customers_come_back_for_what_they_bought() -> None:
    bought = simulate_orders(SMALL).filter(pl.col("quantity") > 0)
    orders = bought.select("customer_id", "product", "order_id").unique()
    again = orders.group_by("customer_id", "product").len()["len"]
    by_chance = orders.height / (80 * 60)
    assert (again > 1).mean() > 0.2
    assert again.mean() > 1.3 * max(by_chance, 1)  # type: ignore[operator]


def test_a_cancelled_order_takes_every_line_back() -> None:
    lines = simulate_orders(SMALL)
    cancelled = lines.filter(pl.col("order_id").str.starts_with("C"))
    assert cancelled.height
    original = lines.with_columns(("C" + pl.col("order_id")).alias("order_id"), -pl.col("quantity"))
    keys = ["order_id", "customer_id", "product", "quantity"]
    assert cancelled.join(original, on=keys, how="anti").is_empty()


def test_a_world_that_cannot_be_is_refused() -> None:
    with pytest.raises(ContractError, match="makes no world"):
        OrdersSpec(customers=0)
