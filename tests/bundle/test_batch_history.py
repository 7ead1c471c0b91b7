"""History features against a slow oracle that reads the definition word for word."""

from __future__ import annotations

import math
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rondo.bundle.batch import history_values
from rondo.bundle.plan import FeaturePlan, HistoryFeature

START = datetime(2024, 3, 30, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
DAY_S = 86_400.0
AGGREGATES = ("sum", "mean", "count", "min", "max", "std", "days_since", "nunique")


def plan(*features: HistoryFeature) -> FeaturePlan:
    return FeaturePlan("who", "at", (), features, (), (), (), {})


def feature(
    aggregate: str, window_s: float, where: str | None = None, *, rows: bool = False
) -> HistoryFeature:
    of = None if aggregate == "days_since" or rows else "amount"
    default = 0.0 if aggregate in {"sum", "count"} else None
    return HistoryFeature(
        f"{aggregate}_{window_s:g}_{where or ''}{rows}", aggregate, of, window_s, where, default
    )


def oracle(one: HistoryFeature, events: pl.DataFrame, who: object, at: datetime | None) -> float | None:
    rows = [
        row
        for row in events.iter_rows(named=True)
        if None not in (who, at, row["at"]) and row["who"] == who
        and at - timedelta(seconds=one.window_s) <= row["at"] < at
        and (one.where is None or (row["amount"] is not None and row["amount"] > 0))
    ]  # fmt: skip
    values = [row["amount"] for row in rows if row["amount"] is not None]
    if one.aggregate == "days_since":
        return (at - max(row["at"] for row in rows)) / timedelta(days=1) if rows else one.default
    if one.aggregate == "count" and one.of is None:
        return float(len(rows))
    if not values:
        return one.default
    match one.aggregate:
        case "sum":
            return math.fsum(values)
        case "mean":
            return math.fsum(values) / len(values)
        case "count":
            return float(len(values))
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "nunique":
            return float(len(set(values)))
    return statistics.stdev(values) if len(values) > 1 else one.default


def known(values: list[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def close_to(values: list[float | None]) -> object:
    return pytest.approx(known(values), rel=1e-9, abs=1e-9, nan_ok=True)


moments = st.one_of(st.none(), st.integers(0, 40).map(lambda h: START + timedelta(hours=h)))
people = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
amounts = st.one_of(st.none(), st.sampled_from([0.0, 1.0, -2.5, 1e6, 1e-3]), st.floats(-1e3, 1e3, width=32))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(people, moments, amounts), max_size=25),
    st.lists(st.tuples(people, moments), max_size=12),
    st.sampled_from([3600.0, 5 * 3600.0, DAY_S, 30 * DAY_S, 0.0]),
)
def test_history_equals_the_definition(events_: list, spine_: list, window_s: float) -> None:
    events = pl.DataFrame(
        events_, schema={"who": pl.String, "at": MOMENT, "amount": pl.Float64}, orient="row"
    )
    spine = pl.DataFrame(spine_, schema={"who": pl.String, "at": MOMENT}, orient="row")
    features = [feature(name, window_s) for name in AGGREGATES]
    features += [feature("count", window_s, rows=True), feature("sum", window_s, "amount > 0")]
    found = history_values(plan(*features), events, spine)
    assert found.height == spine.height
    for one in features:
        wanted = [oracle(one, events, who, at) for who, at in spine.iter_rows()]
        assert known(found[one.name].to_list()) == close_to(wanted), one.name


def test_ties_and_the_row_itself_never_count() -> None:
    events = pl.DataFrame({"who": ["a"] * 3, "at": [START] * 3, "amount": [1.0, 2.0, 4.0]})
    found = history_values(plan(feature("sum", DAY_S), feature("mean", DAY_S)), events, events)
    assert found.rows() == [(0.0, None)] * 3


def test_the_window_is_closed_on_the_left_and_open_on_the_right() -> None:
    events = pl.DataFrame({"who": ["a"] * 2, "at": [START, START + timedelta(days=1)], "amount": [1.0, 2.0]})
    spine = pl.DataFrame(
        {"who": ["a"] * 2, "at": [START + timedelta(days=1), START + timedelta(days=1, seconds=1)]}
    )
    assert history_values(plan(feature("sum", DAY_S)), events, spine).to_series().to_list() == [1.0, 2.0]


def test_a_window_is_not_blurred_by_huge_values_outside_it() -> None:
    hours = [START + timedelta(hours=h) for h in range(5)]
    events = pl.DataFrame({"who": ["a"] * 5, "at": hours, "amount": [1e17, 0.1, 0.2, 0.3, 1e17]})
    spine = pl.DataFrame({"who": ["a"], "at": [hours[4]]})
    found = history_values(plan(feature("sum", 3 * 3600), feature("std", 3 * 3600)), events, spine)
    assert found.row(0) == pytest.approx((0.6, 0.1), abs=1e-15)


def test_later_rows_change_nothing_not_even_the_last_bit() -> None:
    times = [START + timedelta(minutes=7 * m) for m in range(400)]
    events = pl.DataFrame(
        {"who": ["a"] * 400, "at": times, "amount": [math.sin(m) * 1e3 for m in range(400)]}
    )
    spine = pl.DataFrame({"who": ["a"], "at": [times[300]]})
    asked = plan(*(feature(name, 10 * 3600) for name in AGGREGATES))
    whole = history_values(asked, events.sample(fraction=1, shuffle=True, seed=3).sort("at"), spine)
    assert whole.equals(history_values(asked, events.filter(pl.col("at") < times[300]), spine))


def test_sums_of_an_expression_and_dates_and_zones_are_understood() -> None:
    events = pl.DataFrame(
        {"who": [1.0, 1.0], "at": [datetime(2024, 1, 1), datetime(2024, 1, 2)], "n": [2, 3]}
    )
    spine = pl.DataFrame({"who": [1, 7], "at": [datetime(2024, 1, 3, tzinfo=UTC)] * 2}).with_columns(
        pl.col("at").dt.convert_time_zone("Asia/Seoul")
    )
    total = HistoryFeature("total", "sum", "n * 10 + 1", 5 * DAY_S, default=0.0)
    assert history_values(plan(total), events, spine).to_series().to_list() == [52.0, 0.0]


def test_no_events_at_all() -> None:
    events = pl.DataFrame(schema={"who": pl.String, "at": MOMENT, "amount": pl.Float64})
    spine = pl.DataFrame({"who": ["a"], "at": [START]})
    found = history_values(plan(*(feature(name, DAY_S) for name in AGGREGATES)), events, spine)
    assert found.row(0) == (0.0, None, 0.0, None, None, None, None, None)


RETAIL = Path(__file__).parents[3] / "shared" / "data" / "online_retail.parquet"


@pytest.mark.real_data
@pytest.mark.skipif(not RETAIL.exists(), reason="../shared/data/online_retail.parquet is not there")
def test_half_a_million_events_give_every_moment_its_values() -> None:
    events = pl.read_parquet(RETAIL).with_columns(
        pl.col("InvoiceDate").alias("at"), pl.col("CustomerID").alias("who")
    )
    windows = (30, 60, 90, 365)
    features = [
        HistoryFeature(f"sum{w}", "sum", "Quantity * UnitPrice", w * DAY_S, default=0.0) for w in windows
    ]
    features += [HistoryFeature(f"n{w}", "nunique", "InvoiceNo", w * DAY_S) for w in windows]
    features += [HistoryFeature(f"std{w}", "std", "UnitPrice", w * DAY_S) for w in windows]
    features += [HistoryFeature(f"since{w}", "days_since", None, w * DAY_S) for w in windows]
    spine = events.select("who", "at").drop_nulls().sample(60_000, seed=1)
    began = time.perf_counter()
    found = history_values(plan(*features), events, spine)
    taken = time.perf_counter() - began
    sys.stdout.write(
        f"{events.height} events, {spine.height} moments, {len(features)} features: {taken:.2f} s\n"
    )
    assert found.height == 60_000
