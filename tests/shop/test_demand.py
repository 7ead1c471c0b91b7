"""The demand world: the same orders every time, with weeks, years and offers in them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import create_engine, text

from rondo.errors import Conflict, ContractError, CorruptArtifact, NotAvailable, UsageError
from rondo.shop.demand import CATEGORIES, DemandSpec, draw_assortment, orders_of
from rondo.shop.order_book import load_demand, prepare_demand_world, spec_that_ends

START = date(2024, 1, 1)
SPEC = DemandSpec(START, products=20, orders_per_day=400)


def lines(spec: DemandSpec, days: int) -> pl.DataFrame:
    assortment = draw_assortment(spec)
    return pl.concat([orders_of(spec, assortment, day) for day in range(days)])


@pytest.fixture(scope="module")
def year() -> pl.DataFrame:
    return lines(SPEC, 366)


def stored(folder: Path) -> list[tuple[object, ...]]:
    engine = create_engine(f"sqlite:///{folder / 'shop' / 'orders.db'}")
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text("SELECT * FROM orders"))]
    engine.dispose()
    return found


def test_equal_specs_make_equal_orders_and_other_seeds_others() -> None:
    assert lines(SPEC, 20).equals(lines(SPEC, 20))
    assert not lines(SPEC, 20).equals(lines(DemandSpec(START, 8, 20, 400), 20))


def test_there_are_about_as_many_orders_as_were_asked_for_in_the_second_year(year: pl.DataFrame) -> None:
    assortment = draw_assortment(SPEC)
    second = [orders_of(SPEC, assortment, day).height for day in range(366, 366 + 365)]
    assert 0.8 <= sum(second) / 365 / SPEC.orders_per_day <= 1.4
    assert year.height / 366 < sum(second) / 365


def test_every_category_has_its_week(year: pl.DataFrame) -> None:
    daily = year.group_by("category", pl.col("ordered_at").dt.weekday().alias("day")).len()
    for name in daily["category"].unique():
        week = CATEGORIES[name].week
        sold = daily.filter(pl.col("category") == name).sort("len")
        assert week[sold["day"][-1] - 1] >= sorted(week)[-2]
        assert week[sold["day"][0] - 1] <= sorted(week)[1]


def test_gifts_sell_before_christmas_and_garden_in_summer(year: pl.DataFrame) -> None:
    monthly = year.group_by("category", pl.col("ordered_at").dt.month().alias("month")).len()
    best = monthly.sort("len").group_by("category", maintain_order=True).last()
    by_category = dict(best.select("category", "month").iter_rows())
    assert by_category.get("gifts", 12) == 12
    assert by_category.get("garden", 6) in (5, 6, 7)


def test_offers_sell_more_at_a_lower_price(year: pl.DataFrame) -> None:
    days = year.group_by("product_id", pl.col("ordered_at").dt.date(), "on_offer").agg(pl.len().alias("n"))
    means = dict(days.group_by("on_offer").agg(pl.col("n").mean()).iter_rows())
    assert means[1] > 1.3 * means[0]


def test_a_world_goes_on_as_a_longer_one_begins(tmp_path: Path) -> None:
    until = START + timedelta(days=40)
    prepare_demand_world(tmp_path / "whole", SPEC, until=until)
    first = prepare_demand_world(tmp_path / "parts", SPEC, until=START + timedelta(days=12))
    assert prepare_demand_world(tmp_path / "parts", SPEC, until=START + timedelta(days=12)) == 0
    more = prepare_demand_world(tmp_path / "parts", SPEC, until=until)
    assert first > 0
    assert more > 0
    assert stored(tmp_path / "parts") == stored(tmp_path / "whole")


def test_another_world_is_not_written_over_it(tmp_path: Path) -> None:
    prepare_demand_world(tmp_path, SPEC, until=START)
    before = stored(tmp_path)
    with pytest.raises(Conflict, match="another practice world"):
        prepare_demand_world(tmp_path, DemandSpec(START, seed=8), until=START)
    assert stored(tmp_path) == before


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"demand\.products"):
        DemandSpec(START, products=0)
    with pytest.raises(UsageError, match="before the world begins"):
        prepare_demand_world(tmp_path, SPEC, until=START - timedelta(days=1))
    with pytest.raises(NotAvailable, match="rondo init --template demand"):
        load_demand(tmp_path)
    (tmp_path / "demand.json").write_text("{}")
    with pytest.raises(CorruptArtifact):
        load_demand(tmp_path)


def test_a_world_can_be_asked_for_by_its_last_day() -> None:
    spec = spec_that_ends(date(2026, 1, 10), days=10)
    assert spec.start == date(2026, 1, 1)
