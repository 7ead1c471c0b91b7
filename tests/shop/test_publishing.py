"""The world is published up to a day, and later days are added to what is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import create_engine, text

from rondo.errors import Conflict, UsageError
from rondo.shop import (
    Shop,
    load_world,
    prepare_practice_world,
    publish_practice_world,
    simulate,
    write_lake,
    write_warehouse,
)
from rondo.shop.lake import day_file

EARLY, LATE = date(2024, 2, 10), date(2024, 3, 30)


def read_table(url: str, table: str) -> pl.DataFrame:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text(f"SELECT * FROM {table}")).mappings().all()
    finally:
        engine.dispose()
    return pl.DataFrame([dict(row) for row in rows], infer_schema_length=None)


def warehouse(folder: Path) -> str:
    return f"sqlite:///{folder / 'some' / 'shop.db'}"


def test_the_warehouse_holds_the_days_until_the_end_of_one(little: Shop, tmp_path: Path) -> None:
    write_warehouse(little, warehouse(tmp_path), until=EARLY)
    stored = read_table(warehouse(tmp_path), "transactions").with_columns(pl.col("date").str.to_datetime())
    expected = little.transactions.filter(pl.col("date") < EARLY + timedelta(days=1))
    assert stored.equals(expected)
    customers = read_table(warehouse(tmp_path), "customers").with_columns(pl.col("signup_date").str.to_date())
    assert customers.equals(little.customers.filter(pl.col("signup_date") <= EARLY))


def test_the_warehouse_is_appended_to(little: Shop, tmp_path: Path) -> None:
    twice, once = tmp_path / "twice", tmp_path / "once"
    new = [write_warehouse(little, warehouse(twice), until=day) for day in (EARLY, EARLY, LATE, EARLY)]
    assert new[1] == new[3] == 0
    assert new[0] + new[2] == write_warehouse(little, warehouse(once), until=LATE)
    for table in ("customers", "transactions"):
        assert read_table(warehouse(twice), table).equals(read_table(warehouse(once), table))


def test_the_listing_query_works_with_a_bound_day(little: Shop, tmp_path: Path) -> None:
    write_warehouse(little, warehouse(tmp_path), until=LATE)
    engine = create_engine(warehouse(tmp_path))
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM transactions WHERE date > :start_date")
        found = connection.execute(query, {"start_date": "2024-03-01"}).scalar_one()
    engine.dispose()
    since = little.transactions.filter(pl.col("date").dt.date().is_between(date(2024, 3, 1), LATE))
    assert found == since.height


def test_the_lake_is_appended_to_and_no_file_is_written_twice(little: Shop, tmp_path: Path) -> None:
    days = (EARLY - little.spec.start).days + 1
    assert write_lake(little, tmp_path, until=EARLY) == days
    written = day_file(tmp_path, EARLY).stat().st_mtime_ns
    assert write_lake(little, tmp_path, until=LATE) == (LATE - EARLY).days
    assert write_lake(little, tmp_path, until=LATE) == 0
    assert day_file(tmp_path, EARLY).stat().st_mtime_ns == written
    assert pl.read_parquet(tmp_path / "events/**/*.parquet").equals(
        little.events.filter(pl.col("date") <= LATE)
    )
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_missing_day_is_mended(little: Shop, tmp_path: Path) -> None:
    write_lake(little, tmp_path, until=EARLY)
    day_file(tmp_path, date(2024, 1, 20)).unlink()
    assert write_lake(little, tmp_path, until=EARLY) == 1


def test_another_world_is_refused_and_nothing_changes(little: Shop, tmp_path: Path) -> None:
    write_warehouse(little, warehouse(tmp_path), until=EARLY)
    write_lake(little, tmp_path, until=EARLY)
    other = simulate(replace(little.spec, seed=99))
    with pytest.raises(Conflict, match="one practice world"):
        write_warehouse(other, warehouse(tmp_path), until=LATE)
    with pytest.raises(Conflict, match="one practice world"):
        write_lake(other, tmp_path, until=LATE)
    assert write_warehouse(little, warehouse(tmp_path), until=EARLY) == 0
    assert not day_file(tmp_path, LATE).exists()


def test_days_that_were_not_simulated_are_refused(little: Shop, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not one of the simulated days"):
        write_lake(little, tmp_path, until=little.spec.last_day + timedelta(days=1))
    with pytest.raises(UsageError, match="not one of the simulated days"):
        write_warehouse(little, warehouse(tmp_path), until=date(2023, 12, 31))
    assert list(tmp_path.iterdir()) == []


def test_a_saved_world_is_continued_where_it_stopped(little: Shop, tmp_path: Path) -> None:
    short = replace(little.spec, days=41)
    prepare_practice_world(tmp_path, short)
    saved = load_world(tmp_path / "shop")
    assert (saved.spec, saved.published) == (short, short.last_day)

    longer = simulate(replace(saved.spec, days=90))
    publish_practice_world(tmp_path, longer, until=LATE)

    assert load_world(tmp_path / "shop").published == LATE
    lake = pl.read_parquet(tmp_path / "shop/lake/events/**/*.parquet")
    assert lake.equals(little.events.filter(pl.col("date") <= LATE))
