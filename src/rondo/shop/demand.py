"""The shop's other practice world: what is ordered of each product, day by day.

The shop grows. A product has a level of its own, a rhythm over the week, a season over the year, weeks on offer, and
with some luck one day on which its level changes for good. Every day draws from a stream of its own: equal specs make
equal orders, and a longer world begins exactly as the shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.errors import ContractError, Problem

Floats = NDArray[np.float64]
PRODUCTS, DAYS, OFFERS = range(3)  # streams of randomness
FACTOR_ON_OFFER, PRICE_ON_OFFER, SHARE_ON_OFFER = 2.0, 0.8, 0.05
CHRISTMAS = (12, 25)
GROWTH = 0.6  # of the logarithm of the orders, per year
GROWN_AT = 500  # the day on which the shop has the size that was asked for


@dataclass(frozen=True, slots=True)
class Category:
    """How its products sell over the week (Monday first) and over the year."""

    week: tuple[float, ...]
    swing: float  # how far the year goes up and down, as a share of the level
    peak_day: int  # of the year
    christmas: float  # factor on the last days before Christmas


CATEGORIES = {
    "garden": Category((0.8, 0.8, 0.9, 1.0, 1.3, 1.6, 0.6), 0.7, 150, 1.0),
    "gifts": Category((0.9, 0.9, 1.0, 1.0, 1.2, 1.3, 0.7), 0.2, 340, 3.0),
    "kitchen": Category((1.1, 1.1, 1.0, 1.0, 1.0, 1.1, 0.7), 0.1, 320, 1.6),
    "office": Category((1.4, 1.3, 1.3, 1.2, 1.1, 0.5, 0.2), 0.25, 250, 0.7),
    "winter": Category((0.9, 0.9, 0.9, 1.0, 1.1, 1.4, 0.8), 0.8, 10, 1.5),
}


@dataclass(frozen=True, slots=True)
class DemandSpec:
    """A world of orders, described completely. The mission's shop has 100,000 orders a day; this one is smaller."""

    start: date
    seed: int = 7
    products: int = 60
    orders_per_day: int = 600
    """Order lines on an average day of the second year: the shop grows."""

    def __post_init__(self) -> None:
        broken = [
            Problem(f"demand.{key}", f"{getattr(self, key)!r} makes no world", f"It must be {least} or more")
            for key, least in (("seed", 0), ("products", 1), ("orders_per_day", 1))
            if getattr(self, key) < least
        ]
        if broken:
            raise ContractError("The practice world cannot be made:", problems=broken)


@dataclass(frozen=True, slots=True, eq=False)
class Assortment:
    """The products, one value of each array for each of them."""

    category: NDArray[np.intp]
    level: Floats  # order lines a day
    price: Floats
    begins: NDArray[np.int64]  # day number of the launch
    changes: NDArray[np.int64]  # day number of the change of level
    changed_by: Floats


def draw_assortment(spec: DemandSpec) -> Assortment:
    """The products of a spec."""
    rng = _stream(spec, PRODUCTS, 0)
    n = spec.products
    level = rng.lognormal(0.0, 0.9, n)
    return Assortment(
        category=rng.integers(0, len(CATEGORIES), n),
        level=level * spec.orders_per_day / level.sum(),
        price=rng.lognormal(2.2, 0.7, n).round(2),
        begins=np.where(rng.random(n) < 0.15, rng.integers(0, 500, n), 0),
        changes=np.where(rng.random(n) < 0.4, rng.integers(200, 900, n), 1_000_000),
        changed_by=rng.lognormal(0.0, 0.45, n),
    )


def orders_of(spec: DemandSpec, assortment: Assortment, day: int) -> pl.DataFrame:
    """The order lines of one day: `product_id, category, ordered_at, quantity, unit_price, on_offer`.

    Args:
        spec: the world.
        assortment: its products.
        day: since `spec.start`.
    """
    rng = _stream(spec, DAYS, day)
    offered = _stream(spec, OFFERS, day // 7).random(spec.products) < SHARE_ON_OFFER
    rate = _rates(spec, assortment, day) * np.where(offered, FACTOR_ON_OFFER, 1.0)
    rate *= np.exp(rng.normal(0.0, 0.08)) * rng.gamma(25.0, 1 / 25.0, spec.products)
    who = np.repeat(np.arange(spec.products), rng.poisson(rate))
    at = np.sort(rng.integers(8 * 3600, 22 * 3600, len(who)))
    price = assortment.price[who] * np.where(offered[who], PRICE_ON_OFFER, 1.0)
    rng.shuffle(who)
    midnight = np.datetime64(spec.start + timedelta(days=day), "us")
    return pl.DataFrame(
        {
            "product_id": who + 1,
            "category": pl.Series(list(CATEGORIES), dtype=pl.String).gather(assortment.category[who]),
            "ordered_at": midnight + at * np.timedelta64(1_000_000, "us"),
            "quantity": 1 + rng.poisson(0.7, len(who)),
            "unit_price": price.round(2),
            "on_offer": offered[who].astype(np.int64),
        }
    )


def _rates(spec: DemandSpec, assortment: Assortment, day: int) -> Floats:
    """Expected order lines of every product on that day, before chance and offers."""
    today = spec.start + timedelta(days=day)
    of_category = np.array([_season(category, today) for category in CATEGORIES.values()])
    changed = np.where(day >= assortment.changes, assortment.changed_by, 1.0)
    here = day >= assortment.begins
    size = np.exp(GROWTH * (day - GROWN_AT) / 365)
    return np.asarray(size * assortment.level * of_category[assortment.category] * changed * here)


def _season(category: Category, today: date) -> float:
    """The factor of the week, the year and the weeks before Christmas."""
    angle = 2 * np.pi * (today.timetuple().tm_yday - category.peak_day) / 365.25
    factor = category.week[today.weekday()] * (1 + category.swing * np.cos(angle))
    left = (date(today.year, *CHRISTMAS) - today).days
    if 0 < left <= 30:
        factor *= 1 + (category.christmas - 1) * (1 - left / 31)
    if today.month == 12 and 0 <= -left <= 1:
        factor *= 0.1
    return float(factor)


def _stream(spec: DemandSpec, stream: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=(stream, number)))
