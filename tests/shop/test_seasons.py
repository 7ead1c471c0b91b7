"""The week and the year can be seen in what is bought."""

from __future__ import annotations

import polars as pl

from rondo.shop import Shop
from rondo.shop.seasons import buying_season, sign_up_season, visiting_season


def orders_per_customer(shop: Shop, year: int, month: int) -> float:
    """Orders per day and customer active in the month."""
    when = (pl.col("date").dt.year() == year) & (pl.col("date").dt.month() == month)
    orders = shop.transactions.filter(when)
    active = shop.events.filter(when)["user_id"].n_unique()
    return orders.height / active / orders["date"].dt.date().n_unique()


def test_saturdays_sell_more_than_tuesdays(shop: Shop) -> None:
    by_weekday = shop.transactions.group_by(pl.col("date").dt.weekday()).len().sort("date")["len"]
    assert by_weekday[5] > 1.25 * by_weekday[1]


def test_december_sells_more_than_july(shop: Shop) -> None:
    assert orders_per_customer(shop, 2024, 12) > 1.25 * orders_per_customer(shop, 2024, 7)


def test_seasons_average_to_about_one() -> None:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2027, 12, 31), eager=True).to_list()
    for season in (buying_season, visiting_season, sign_up_season):
        assert abs(sum(map(season, days)) / len(days) - 1) < 0.02
