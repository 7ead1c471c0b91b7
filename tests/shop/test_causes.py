"""Customers leave for reasons, and the reasons change on the day of change."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from rondo.shop import Shop

WEEK = timedelta(days=7)


def leaving_rate(shop: Shop, days: list[date], fact: pl.Expr) -> dict[bool, float]:
    """Share that decides to leave within a week, by a fact known at its start.

    Asked are the undecided who visited in the two weeks before, so that those
    with tickets and those without are alike in having had a chance of one.
    """
    rows = []
    for day in days:
        visits = shop.events.filter(pl.col("date").is_between(day - 2 * WEEK, day, closed="left"))
        tickets = visits.group_by("user_id").agg(pl.col("support_tickets").sum().alias("tickets"))
        undecided = shop.departures.filter(pl.col("decided_on").is_null() | (pl.col("decided_on") >= day))
        known = undecided.join(tickets, on="user_id").join(shop.customers, on="user_id")
        decides = (pl.col("decided_on") < day + WEEK).fill_null(False)
        rows.append(known.join(shop.scores, on="user_id").select(fact.alias("fact"), decides))
    rates = pl.concat(rows).group_by("fact").agg(pl.col("decided_on").mean())
    return dict(rates.iter_rows())


BEFORE = [date(2024, 1, 22) + WEEK * number for number in range(60)]
AFTER = [date(2025, 4, 20) + WEEK * number for number in range(24)]


def test_tickets_drive_customers_away_until_the_change(shop: Shop) -> None:
    complained = pl.col("tickets") > 0
    before, after = leaving_rate(shop, BEFORE, complained), leaving_rate(shop, AFTER, complained)
    assert before[True] > 1.3 * before[False]
    assert after[True] / after[False] < before[True] / before[False]


def test_low_credit_drives_customers_away(shop: Shop) -> None:
    rate = leaving_rate(shop, BEFORE, pl.col("credit_score") < 640)
    assert rate[True] > 1.3 * rate[False]


def test_the_cheap_plan_drives_customers_away_after_the_change_only(shop: Shop) -> None:
    basic = pl.col("plan") == "basic"
    before, after = leaving_rate(shop, BEFORE, basic), leaving_rate(shop, AFTER, basic)
    assert before[True] < 1.5 * before[False]
    assert after[True] > 2.0 * after[False]


def visits_around_leaving(shop: Shop, left: pl.Expr, days: tuple[int, int]) -> float:
    """Visits per leaver and day, over days counted from the one on which buying stopped."""
    leavers = shop.departures.filter(left)
    since = (pl.col("date") - pl.col("left_on")).dt.total_days()
    visits = shop.events.join(leavers, on="user_id").filter(since.is_between(*days, closed="left"))
    return visits.height / leavers.height / (days[1] - days[0])


def test_before_the_change_visits_fade_before_they_stop(shop: Shop) -> None:
    left = pl.col("left_on").is_between(date(2024, 4, 1), date(2025, 2, 1))
    habit, fading, gone = (
        visits_around_leaving(shop, left, days) for days in ((-90, -60), (-14, 0), (1, 30))
    )
    assert 0.1 * habit < fading < 0.6 * habit
    assert gone < 0.1 * habit


def test_after_the_change_leavers_keep_browsing(shop: Shop) -> None:
    left = pl.col("left_on").is_between(date(2025, 5, 15), date(2025, 8, 15))
    assert visits_around_leaving(shop, left, (1, 30)) > visits_around_leaving(shop, left, (-60, -30))


def test_nobody_buys_after_leaving(shop: Shop) -> None:
    late = shop.transactions.join(shop.departures, on="user_id").filter(pl.col("date") >= pl.col("left_on"))
    assert late.is_empty()


def test_sign_ups_replace_those_who_leave(shop: Shop) -> None:
    for day in (date(2024, 7, 1), date(2025, 3, 1), date(2025, 9, 1)):
        around = shop.customers.filter(pl.col("signup_date") < day).join(
            shop.departures.filter(pl.col("left_on") < day), on="user_id", how="anti"
        )
        assert 0.7 * shop.spec.customers < around.height < 1.4 * shop.spec.customers
