from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from rondo.errors import DataError, UsageError
from rondo.shop import Shop, live_customers, outcomes

AS_OF = date(2024, 9, 1)


def test_churned_is_who_bought_nothing_in_the_horizon(shop: Shop) -> None:
    asked = live_customers(shop, AS_OF).reverse()
    told = outcomes(shop, asked, AS_OF, horizon_days=60)
    bought = set(
        shop.transactions.filter(
            (pl.col("date") >= datetime(2024, 9, 1)) & (pl.col("date") < datetime(2024, 10, 31))
        )["user_id"]
    )
    assert told["user_id"].equals(asked)
    assert told["churned"].to_list() == [user not in bought for user in asked]
    assert 0.1 < told["churned"].mean() < 0.4  # type: ignore[operator]


def test_the_horizon_is_whole_days_from_the_first_moment_of_the_day(shop: Shop) -> None:
    moments = [
        datetime(2024, 8, 31, 23, 59, 59),
        datetime(2024, 9, 1),
        datetime(2024, 9, 10, 23, 59, 59),
        datetime(2024, 9, 11),
    ]
    orders = shop.transactions.head(4).with_columns(user_id=pl.Series([1, 2, 3, 4]), date=pl.Series(moments))
    edges = replace(shop, transactions=orders)
    told = outcomes(edges, [1, 2, 3, 4], AS_OF, horizon_days=10)
    assert told["churned"].to_list() == [True, False, False, True]
    assert live_customers(edges, date(2024, 9, 11), within_days=10).to_list() == [2, 3]


def test_live_customers_bought_in_the_days_before(shop: Shop) -> None:
    live = live_customers(shop, AS_OF, within_days=30)
    days = shop.transactions.filter(
        (pl.col("date") >= datetime(2024, 8, 2)) & (pl.col("date") < datetime(2024, 9, 1))
    )
    assert live.to_list() == sorted(set(days["user_id"]))


def test_an_outcome_that_nobody_can_know_yet_is_refused(shop: Shop) -> None:
    last = shop.spec.last_day - timedelta(days=59)
    assert outcomes(shop, [1], last).height == 1
    with pytest.raises(UsageError, match="not one of the simulated days"):
        outcomes(shop, [1], last + timedelta(days=1))


def test_strangers_have_no_outcome(shop: Shop) -> None:
    later = shop.customers.filter(pl.col("signup_date") > AS_OF)["user_id"][0]
    with pytest.raises(DataError, match=str(later)):
        outcomes(shop, [1, later], AS_OF)


def test_nobody_asked_nothing_told(shop: Shop) -> None:
    assert outcomes(shop, [], AS_OF).schema == {"user_id": pl.Int64, "churned": pl.Boolean}
