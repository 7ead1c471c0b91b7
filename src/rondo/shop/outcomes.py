"""What became of the customers: the labels that arrive later, and who is around to be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import polars as pl

from rondo.errors import DataError
from rondo.shop.spec import check_simulated
from rondo.shop.world import Shop


def outcomes(
    shop: Shop, user_ids: Sequence[int] | pl.Series, as_of: date, *, horizon_days: int = 60
) -> pl.DataFrame:
    """``user_id, churned`` in the order asked: true where no purchase was made in the days after ``as_of``.

    The horizon starts with the first moment of the day ``as_of`` and is
    ``horizon_days`` whole days long.

    Raises:
        UsageError: the world ends before the horizon does, so nobody knows yet.
        DataError: a user is not a customer of this shop on that day.
    """
    check_simulated(shop.spec, as_of)
    check_simulated(shop.spec, as_of + timedelta(days=horizon_days - 1))
    asked = pl.DataFrame({"user_id": pl.Series(user_ids, dtype=pl.Int64)})
    known = shop.customers.filter(pl.col("signup_date") <= as_of)
    if strangers := asked.join(known, on="user_id", how="anti")["user_id"].to_list():
        raise DataError(
            f"{len(strangers)} of the users are no customers on {as_of}, among them {strangers[:5]}",
            where="shop outcomes",
            mend="Ask about customers who have signed up by then",
        )
    buyers = _buyers(shop, as_of, as_of + timedelta(days=horizon_days))
    return asked.with_columns(churned=~pl.col("user_id").is_in(buyers.implode()))


def live_customers(shop: Shop, as_of: date, *, within_days: int = 60) -> pl.Series:
    """``user_id`` in rising order of everyone who bought in the days before ``as_of``."""
    check_simulated(shop.spec, as_of)
    return _buyers(shop, as_of - timedelta(days=within_days), as_of)


def _buyers(shop: Shop, start: date, end: date) -> pl.Series:
    """Who bought from the first moment of ``start`` to before the first moment of ``end``."""
    bought = shop.transactions.filter(
        pl.col("date").is_between(
            datetime.combine(start, time.min), datetime.combine(end, time.min), closed="left"
        )
    )
    return bought["user_id"].unique().sort()
