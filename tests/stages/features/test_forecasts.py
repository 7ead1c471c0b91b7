"""What is sold tomorrow: sums as targets, lags as features, the season as the forecast to beat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rondo.adapters.feast.store import FeastFeatureStore
from rondo.contract import Project
from rondo.contract.problem import Label
from rondo.records.features import NAIVE
from rondo.stages.features.build import build
from rondo.stages.features.examples import Examples, make_examples, seasonal_lag

NOW = datetime(2025, 1, 1, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
Make = Callable[..., Project]
FEATURES = {
    "definitions": {
        "same_day": {"rolling": "sum", "of": "sold", "window": "1d", "lag": "6d"},
        "last_week": {"rolling": "sum", "of": "sold", "window": "7d"},
        "week_before": {"rolling": "mean", "of": "sold", "window": "7d", "lag": "7d"},
        "weekday": {"time": "day_of_week"},
    }
}


def demand(days: int = 60, products: int = 4, seed: int = 1) -> pl.DataFrame:
    """Order lines at random hours; product 0 is never sold on Saturdays, product 3 begins late."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(days):
        for product in range(products):
            if (product == 0 and (START + timedelta(days=number)).weekday() == 5) or (
                product == 3 and number < 30
            ):
                continue
            for _ in range(rng.poisson(1.5)):
                at = START + timedelta(days=number, hours=float(rng.uniform(0, 24)))
                rows.append((product, at, int(rng.integers(1, 9))))
    return pl.DataFrame(rows, schema=["who", "at", "sold"], orient="row")


def project(make: Make, snapshots: dict[str, object] | None = None, **label: object) -> Project:
    return make(
        FEATURES,
        data={"snapshots": {"every": "day", "active_within": "14d", **(snapshots or {})}},
        ml_problem={
            "type": "forecasting",
            "success_metric": "mase",
            "season": "7d",
            "label": {"sum": "sold", "within": "1d", **label},
        },
    )


def examples(project: Project, table: pl.DataFrame) -> Examples:
    return make_examples(project, table, now=NOW)


def sold(table: pl.DataFrame, product: int, start: datetime, end: datetime) -> int:
    window = table.filter((pl.col("who") == product) & (pl.col("at") >= start) & (pl.col("at") < end))
    return int(window["sold"].sum())


@pytest.mark.parametrize(("ahead", "shift"), [("0d", 7), ("2d", 7), ("7d", 14)])
def test_the_target_is_what_is_sold_and_the_naive_forecast_what_was_sold_a_season_earlier(
    make_project: Make, ahead: str, shift: int
) -> None:
    table, day = demand(), timedelta(days=1)
    found = examples(project(make_project, ahead=ahead), table).rows
    assert found.height > 100
    for who, at, y, naive in found.select("who", "at", "y", NAIVE).iter_rows():
        begin = at + timedelta(days=int(ahead[:-1]))
        assert y == sold(table, who, begin, begin + day)
        earlier = begin - timedelta(days=shift)
        assert naive == sold(table, who, earlier, earlier + day)
        assert earlier + day <= at


def test_only_rows_with_the_event_are_summed(make_project: Make) -> None:
    table = demand()
    found = examples(project(make_project, event="sold > 4"), table).rows
    alone = examples(project(make_project), table.with_columns(pl.col("sold") * (pl.col("sold") > 4))).rows
    assert found["y"].to_list() == alone["y"].to_list()
    assert found[NAIVE].to_list() == alone[NAIVE].to_list()


def test_nothing_sold_by_an_active_product_counts_as_zero(make_project: Make) -> None:
    found = examples(project(make_project), demand()).rows
    saturdays = found.filter((pl.col("who") == 0) & (pl.col("at").dt.weekday() == 6))
    assert saturdays.height >= 5
    assert set(saturdays["y"]) == {0.0}


def test_closed_days_have_no_snapshot(make_project: Make) -> None:
    closed = [{"weekday": "saturday"}, {"from": "02-10", "to": "02-20"}]
    found = examples(project(make_project, {"closed": closed}), demand()).rows
    days = found["at"].dt.date().unique().to_list()
    assert all(day.weekday() != 5 and not date(2024, 2, 10) <= day <= date(2024, 2, 20) for day in days)
    assert date(2024, 2, 21) in days


def test_a_product_counts_once_it_is_known_and_sold_often_enough(make_project: Make) -> None:
    table = demand()
    known = examples(project(make_project, {"known_for": "10d"}), table).rows
    late = known.filter(pl.col("who") == 3)["at"].min()
    assert late == START + timedelta(days=41)
    often = examples(project(make_project, {"active_rows": 20}), table).rows
    for who, at in often.select("who", "at").iter_rows():
        begin = at - timedelta(days=14)
        rows = table.filter((pl.col("who") == who) & (pl.col("at") >= begin) & (pl.col("at") < at))
        assert rows.height >= 20


def test_lagged_features_agree_in_batch_and_online_and_with_their_definition(
    make_project: Make, process: Callable[[pl.DataFrame], Path], store: FeastFeatureStore, tmp_path: Path
) -> None:
    table, day = demand(), timedelta(days=1)
    out = tmp_path / "features"
    made = build(
        project(make_project), root=tmp_path, processed=process(table), out=out, previous=None, store=store, now=NOW
    )  # fmt: skip
    assert made.companions == (NAIVE,)
    assert made.parity is not None
    assert made.parity.mismatches == 0
    matrix = pl.read_parquet(out / "matrix.parquet")
    assert matrix.columns[:4] == ["who", "at", "y", NAIVE]
    assert matrix["same_day"].to_list() == matrix[NAIVE].to_list()
    for who, at, last_week in matrix.select("who", "at", "last_week").iter_rows():
        assert last_week == sold(table, who, at - 7 * day, at)


def test_the_naive_window_is_over_before_the_snapshot() -> None:
    label = project_label("1d", "0d")
    assert seasonal_lag(timedelta(days=7), label) == timedelta(days=6)
    assert seasonal_lag(timedelta(days=7), project_label("7d", "0d")) == timedelta(0)
    assert seasonal_lag(timedelta(days=7), project_label("7d", "1d")) == timedelta(days=6)
    assert seasonal_lag(timedelta(days=365), label) == timedelta(days=364)


def project_label(within: str, ahead: str) -> Label:
    return Label.model_validate({"sum": "sold", "within": within, "ahead": ahead})


def test_a_steady_demand_is_foretold_by_its_past_and_that_is_no_leak(
    make_project: Make, process: Callable[[pl.DataFrame], Path], store: FeastFeatureStore, tmp_path: Path
) -> None:
    days, products = 60, 40
    table = pl.DataFrame(
        {
            "who": np.repeat(np.arange(products), days),
            "at": [START + timedelta(days=number, hours=9) for number in range(days)] * products,
            "sold": np.repeat(np.arange(products) * 10, days),
        }
    )
    made = build(
        project(make_project), root=tmp_path, processed=process(table), out=tmp_path / "features",
        previous=None, store=store, now=NOW,
    )  # fmt: skip
    assert made.rows > 1000
