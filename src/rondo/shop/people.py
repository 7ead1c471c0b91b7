"""Who the customers are: drawn day by day, before anything they do.

A person's traits depend on the seed and the day of signing up alone, so they
are known without simulating a single purchase.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.shop.eras import ADOPTION_DAYS, PLANS, Floats
from rondo.shop.seasons import sign_up_season
from rondo.shop.spec import ShopSpec

Ints = NDArray[np.int64]

# Streams of randomness: what is drawn in one never moves what is drawn in another.
PEOPLE, LIFE, DIRT = 0, 1, 2

COUNTRIES = ("DE", "FR", "GB", "NL", "PL", "ES")
_COUNTRY_SHARES = (0.30, 0.20, 0.18, 0.12, 0.12, 0.08)
_PLAN_SHARES = (0.50, 0.34, 0.16)
_PLAN_SPEND = np.array([0.0, 0.35, 0.75])
# Sign-ups per day and customer of the first day; close to the rate of leaving.
_SIGN_UPS = 0.0055
_TENURE_OF_FOUNDERS_DAYS = 220.0


@dataclass(frozen=True, slots=True)
class People:
    """Traits of all customers, in order of signing up; one entry per customer.

    ``user_id`` counts from 1. ``joined`` is the day number of signing up,
    negative for those who were there before the world began.
    """

    user_id: Ints
    joined: Ints
    country: Ints
    plan: Ints
    age: Floats
    age_known: NDArray[np.bool_]
    buying: Floats
    visiting: Floats
    spend: Floats
    duration: Floats
    troubles: Floats
    loyalty: Floats
    credit: Floats
    engagement: Floats
    price_sensitivity: Floats
    adopts_after: Ints

    def __len__(self) -> int:
        return len(self.user_id)


def day_stream(spec: ShopSpec, stream: int, day: int) -> np.random.Generator:
    """The randomness of one day; day -1 stands for everything before the first."""
    return np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=(stream, day + 1)))


def draw_people(spec: ShopSpec) -> People:
    """Everyone who has signed up by the last simulated day."""
    batches = [_draw_founders(spec)]
    for day in range(spec.days):
        rng = day_stream(spec, PEOPLE, day)
        season = sign_up_season(spec.start + timedelta(days=day))
        batches.append(_draw_batch(rng, spec, np.full(rng.poisson(spec.customers * _SIGN_UPS * season), day)))
    joined = {
        field.name: np.concatenate([batch[field.name] for batch in batches])
        for field in fields(People)
        if field.name != "user_id"
    }
    return People(user_id=np.arange(1, len(joined["joined"]) + 1), **joined)


def _draw_founders(spec: ShopSpec) -> dict[str, NDArray[np.generic]]:
    rng = day_stream(spec, PEOPLE, -1)
    tenure = 1 + rng.exponential(_TENURE_OF_FOUNDERS_DAYS, spec.customers).astype(np.int64)
    return _draw_batch(rng, spec, np.sort(-tenure))


def _draw_batch(rng: np.random.Generator, spec: ShopSpec, joined: Ints) -> dict[str, NDArray[np.generic]]:
    count = len(joined)
    plan = rng.choice(len(PLANS), size=count, p=_PLAN_SHARES)
    engaged, thrift, loyalty = rng.standard_normal((3, count))
    credit = np.clip(672 + 18 * plan + 62 * rng.standard_normal(count), 300, 850).round()
    age = np.clip(39 + 12 * rng.standard_normal(count), 18, 85).round()
    visiting = np.clip(0.32 * np.exp(0.35 * engaged), 0.10, 0.80)
    buying = np.clip(0.135 * np.exp(0.22 * engaged + 0.25 * rng.standard_normal(count)), 0.085, 0.45)
    return {
        "joined": joined,
        "country": rng.choice(len(COUNTRIES), size=count, p=_COUNTRY_SHARES),
        "plan": plan,
        "age": age,
        "age_known": rng.random(count) >= spec.dirt,
        "buying": buying,
        "visiting": visiting,
        "spend": 24 * np.exp(_PLAN_SPEND[plan] + 0.30 * rng.standard_normal(count)),
        "duration": 420 * np.exp(0.35 * rng.standard_normal(count)),
        "troubles": np.exp(0.5 * rng.standard_normal(count) - 0.125),
        "loyalty": loyalty,
        "credit": credit,
        # A trait, not a record of what was done: it cannot tell the future.
        "engagement": np.clip(50 + 15 * engaged + 8 * rng.standard_normal(count), 0, 100).round(1),
        # Cheap plans, young people and low scores look at prices; the rest of it nobody sees.
        "price_sensitivity": 0.75 * (0.7 - plan)
        + 0.5 * (39 - age) / 12
        + 0.3 * (685 - credit) / 62
        + 0.3 * thrift,
        "adopts_after": rng.integers(0, ADOPTION_DAYS, size=count),
    }


def customers_frame(spec: ShopSpec, people: People) -> pl.DataFrame:
    """One row per customer: ``user_id``, ``signup_date``, ``country``, ``plan``, ``age``."""
    age = pl.Series("age", people.age.astype(np.int64)).to_frame()
    return pl.DataFrame(
        {
            "user_id": people.user_id,
            "signup_date": days_series(spec, people.joined),
            "country": words(COUNTRIES, people.country),
            "plan": words(PLANS, people.plan),
            "age": age.select(pl.when(pl.Series(people.age_known)).then(pl.col("age")))["age"],
        }
    )


def scores_frame(people: People) -> pl.DataFrame:
    """One row per customer: ``user_id``, ``credit_score`` (300 to 850), ``engagement_index`` (0 to 100)."""
    return pl.DataFrame(
        {
            "user_id": people.user_id,
            "credit_score": people.credit.astype(np.int64),
            "engagement_index": people.engagement,
        }
    )


def days_series(spec: ShopSpec, numbers: Ints) -> pl.Series:
    """Day numbers as dates."""
    origin = np.datetime64(spec.start, "D")
    return pl.Series(origin + numbers.astype("timedelta64[D]")).cast(pl.Date)


def words(names: tuple[str, ...], codes: Ints) -> pl.Series:
    """Codes as the words they stand for."""
    return pl.Series(names).gather(pl.Series(codes))
