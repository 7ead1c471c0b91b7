"""Equal specs make equal worlds, and a longer world begins as the shorter one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from rondo.shop import Shop, ShopSpec, simulate
from rondo.shop.world import scores_of

TINY = ShopSpec(seed=1, customers=25, start=date(2024, 1, 1), days=40, change_day=date(2024, 1, 25))


def until(shop: Shop, end: date) -> list[pl.DataFrame]:
    """What the world has shown before the first moment of a day."""
    return [
        shop.customers.filter(pl.col("signup_date") < end),
        shop.transactions.filter(pl.col("date") < end),
        shop.events.filter(pl.col("date") < end),
        shop.scores.filter(pl.col("user_id") <= shop.customers.filter(pl.col("signup_date") < end).height),
        shop.departures.filter(pl.col("left_on") < end),
    ]


def same(first: list[pl.DataFrame], second: list[pl.DataFrame]) -> bool:
    return all(one.equals(other) for one, other in zip(first, second, strict=True))


def test_equal_specs_make_equal_worlds() -> None:
    end = TINY.start + timedelta(days=TINY.days)
    assert same(until(simulate(TINY), end), until(simulate(TINY), end))


def test_another_seed_makes_another_world() -> None:
    assert not simulate(TINY).events.equals(simulate(replace(TINY, seed=2)).events)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    customers=st.integers(1, 40),
    days=st.integers(1, 40),
    more=st.integers(0, 40),
    change=st.none() | st.integers(-5, 90),
)
def test_more_days_leave_the_earlier_days_as_they_are(
    seed: int, customers: int, days: int, more: int, change: int | None
) -> None:
    start = date(2023, 11, 20)
    change_day = None if change is None else start + timedelta(days=change)
    short = ShopSpec(seed=seed, customers=customers, start=start, days=days, change_day=change_day)
    end = start + timedelta(days=days)
    assert same(until(simulate(short), end), until(simulate(replace(short, days=days + more)), end))


def test_a_change_leaves_the_days_before_it_as_they_are() -> None:
    changed, unchanged = simulate(TINY), simulate(replace(TINY, change_day=None))
    assert TINY.change_day is not None
    assert same(until(changed, TINY.change_day), until(unchanged, TINY.change_day))
    assert not changed.events.equals(unchanged.events)


def test_scores_are_known_without_simulating_what_people_do() -> None:
    assert scores_of(TINY).drop("signup_date").equals(simulate(TINY).scores)


def test_keys_count_up_in_order_of_time(shop: Shop) -> None:
    for frame, key, time in (
        (shop.customers, "user_id", "signup_date"),
        (shop.transactions, "order_id", "date"),
    ):
        assert frame[key].to_list() == list(range(1, frame.height + 1))
        assert frame[time].is_sorted()


def test_a_customer_has_one_event_row_per_day_and_none_before_signing_up(shop: Shop) -> None:
    assert shop.events.select("user_id", "date").is_unique().all()
    for frame in (shop.events, shop.transactions):
        joined = frame.join(shop.customers, on="user_id")
        assert joined.height == frame.height
        assert (joined["date"].dt.date() >= joined["signup_date"]).all()
