"""The simulated shop as tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from rondo.shop.dirt import soil
from rondo.shop.life import CATEGORIES, Day, live
from rondo.shop.people import Ints, customers_frame, days_series, draw_people, scores_frame, words
from rondo.shop.spec import ShopSpec


@dataclass(frozen=True, slots=True)
class Shop:
    """A simulated world.

    The first four tables can be published. ``departures`` is the hidden truth
    (``user_id, decided_on, left_on``; null for those who stay): no source gives it.
    ``left_on`` is the first day on which a customer no longer buys.
    """

    spec: ShopSpec
    customers: pl.DataFrame
    transactions: pl.DataFrame
    events: pl.DataFrame
    scores: pl.DataFrame
    departures: pl.DataFrame


def simulate(spec: ShopSpec) -> Shop:
    """The world of a spec; events are ordered by date and user, all else by its key.

    Equal specs give equal worlds; more days leave the earlier days as they are.
    """
    people = draw_people(spec)
    days, decided, left = live(spec, people)
    recorded = [soil(spec, day) for day in days]
    return Shop(
        spec=spec,
        customers=customers_frame(spec, people),
        transactions=_transactions(spec, people.user_id, recorded),
        events=_events(spec, people.user_id, recorded),
        scores=scores_frame(people),
        departures=pl.DataFrame(
            {
                "user_id": people.user_id,
                "decided_on": _known_days(spec, decided),
                "left_on": _known_days(spec, left),
            }
        ),
    )


def scores_of(spec: ShopSpec) -> pl.DataFrame:
    """The scores of every customer with their ``signup_date``, without simulating what they do."""
    people = draw_people(spec)
    return scores_frame(people).with_columns(days_series(spec, people.joined).alias("signup_date"))


def _transactions(spec: ShopSpec, user_id: Ints, days: list[Day]) -> pl.DataFrame:
    numbers = _day_numbers(days, [len(day.order_who) for day in days])
    seconds = np.concatenate([day.order_second for day in days])
    moments = np.datetime64(spec.start, "us") + (numbers * 86_400 + seconds) * np.timedelta64(1_000_000, "us")
    return pl.DataFrame(
        {
            "order_id": np.arange(1, len(numbers) + 1),
            "user_id": user_id[np.concatenate([day.order_who for day in days])],
            "date": moments,
            "purchase_amount": np.concatenate([day.order_amount for day in days]),
            "purchase_count": np.concatenate([day.order_items for day in days]),
            "category": words(CATEGORIES, np.concatenate([day.order_category for day in days])),
        }
    )


def _events(spec: ShopSpec, user_id: Ints, days: list[Day]) -> pl.DataFrame:
    numbers = _day_numbers(days, [len(day.event_who) for day in days])
    seconds = np.concatenate([day.event_seconds for day in days])
    change = spec.days if spec.change_day is None else spec.day_number(spec.change_day)
    new_app = np.concatenate([day.event_new_app for day in days])
    frame = pl.DataFrame(
        {
            "user_id": user_id[np.concatenate([day.event_who for day in days])],
            "date": days_series(spec, numbers),
            "session_count": np.concatenate([day.event_sessions for day in days]),
            "session_duration": pl.Series(seconds, nan_to_null=True),
            "support_tickets": np.concatenate([day.event_tickets for day in days]),
            "major": np.where(new_app, 3, 2),
            "minor": np.where(new_app, numbers - change, numbers) // 60,
        }
    )
    version = pl.format("{}.{}", "major", "minor").alias("app_version")
    return frame.with_columns(version).drop("major", "minor")


def _day_numbers(days: list[Day], rows: list[int]) -> Ints:
    return np.repeat(np.array([day.number for day in days], dtype=np.int64), rows)


def _known_days(spec: ShopSpec, numbers: Ints) -> pl.Series:
    known = numbers < spec.days
    frame = pl.DataFrame({"day": days_series(spec, np.where(known, numbers, 0)), "known": known})
    return frame.select(pl.when("known").then("day").alias("day"))["day"]
