"""The dirt is as much as the spec says, and hides nothing but itself."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from rondo.shop import Shop, simulate

KEYS = ["user_id", "date"]


@pytest.fixture(scope="module")
def clean(shop: Shop) -> Shop:
    return simulate(replace(shop.spec, dirt=0.0))


def test_a_clean_world_has_no_nulls(clean: Shop) -> None:
    for frame in (clean.customers, clean.transactions, clean.events, clean.scores):
        assert sum(frame.null_count().row(0)) == 0


def test_the_share_of_each_dirt_is_the_one_asked_for(shop: Shop, clean: Shop) -> None:
    asked = shop.spec.dirt
    lost = 1 - shop.events.height / clean.events.height
    nulls = shop.events["session_duration"].null_count() / shop.events.height
    both = shop.events.join(clean.events, on=KEYS, suffix="_true")
    inflated = (both["session_duration"] > both["session_duration_true"]).mean()
    bulk = (shop.transactions["purchase_amount"] > clean.transactions["purchase_amount"]).mean()
    ages = shop.customers["age"].null_count() / shop.customers.height
    assert lost == pytest.approx(asked, rel=0.1)
    assert nulls == pytest.approx(asked, rel=0.1)
    assert inflated == pytest.approx(asked / 5, rel=0.2)
    assert bulk == pytest.approx(asked / 5, rel=0.25)
    assert ages == pytest.approx(asked, rel=0.6)


def test_what_is_not_dirty_is_what_happened(shop: Shop, clean: Shop) -> None:
    both = shop.events.join(clean.events, on=KEYS, suffix="_true")
    assert both.height == shop.events.height
    for column in ("session_count", "support_tickets", "app_version"):
        assert both[column].equals(both[f"{column}_true"], null_equal=True)
    told = both.filter(pl.col("session_duration").is_not_null())
    factor = (told["session_duration"] / told["session_duration_true"]).unique().sort()
    assert factor.to_list() == [1.0, 20.0]
    assert shop.transactions.drop("purchase_amount").equals(clean.transactions.drop("purchase_amount"))
    assert shop.departures.equals(clean.departures)
