"""Examples of a ranking: candidates at moments, what was wanted, and the proof that online is the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.adapters.feast.store import FeastFeatureStore
from rondo.bundle.plan import EVERYBODY, FeaturePlan
from rondo.contract import Project
from rondo.errors import ContractError, DataError
from rondo.records.features import FeatureTable
from rondo.records.files import read_record
from rondo.shop.orders import OrdersSpec, simulate_orders
from rondo.stages.features import build, compile_plan

Make = Callable[..., Project]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROBLEM = {
    "type": "ranking", "target": "bought", "entity": "customer_id", "item": "product", "event_time": "ordered_at",
    "success_metric": "ndcg@10", "baseline": 0.1, "label": {"within": "14d", "event": "quantity > 0"},
    "candidates": {"popular": 10, "own": 5, "together": 5},
}  # fmt: skip
FEATURES = {
    "customer_lines": {"rolling": "count", "window": "90d"},
    "item_lines": {"rolling": "count", "per": "item", "window": "30d"},
    "item_price": {"rolling": "mean", "of": "unit_price", "per": "item", "window": "90d"},
    "pair_days_since": {"rolling": "days_since", "per": "pair", "window": "90d"},
    "pair_share": {"ratio": ["pair_lines", "customer_lines"]},
    "pair_lines": {"rolling": "count", "per": "pair", "window": "90d"},
    "own": {"candidate": "own"},
    "popular": {"candidate": "popular"},
    "together": {"candidate": "together"},
    "month": {"time": "month"},
}


@pytest.fixture(scope="module")
def orders() -> pl.DataFrame:
    return simulate_orders(OrdersSpec(customers=60, products=40, kinds=4, days=120))


def ranking(make: Make, features: dict[str, Any] | None = None, **problem: Any) -> Project:
    snapshots = {"every": "week", "align": "end", "latest": 4}
    return make(
        {"definitions": features or FEATURES},
        ml_problem={**PROBLEM, **problem},
        data={"snapshots": snapshots},
    )


@pytest.fixture
def built(
    make_project: Make,
    process: Callable[[pl.DataFrame], Path],
    store: FeastFeatureStore,
    tmp_path: Path,
    orders: pl.DataFrame,
) -> Callable[..., tuple[FeatureTable, pl.DataFrame]]:
    def make(
        features: dict[str, Any] | None = None, table: pl.DataFrame = orders
    ) -> tuple[FeatureTable, pl.DataFrame]:
        out = tmp_path / "features"
        made = build(
            ranking(make_project, features), root=tmp_path, processed=process(table), out=out,
            previous=None, store=store, now=NOW,
        )  # fmt: skip
        return made, pl.read_parquet(out / "matrix.parquet")

    return make


def test_an_example_is_an_item_for_an_entity_and_its_target_what_came_later(
    built: Callable[..., tuple[FeatureTable, pl.DataFrame]], orders: pl.DataFrame
) -> None:
    table, matrix = built()
    assert table.item == "product"
    moments = matrix["ordered_at"].unique().sort()
    assert len(moments) == 4
    last = moments[-1]
    end = orders["ordered_at"].max()
    assert isinstance(end, datetime)
    assert (end.replace(tzinfo=UTC) - last).days == 14
    here = matrix.filter(pl.col("ordered_at") == last)
    at = pl.col("ordered_at").dt.replace_time_zone("UTC")
    later = orders.filter(at >= last, at < last + timedelta(days=14), pl.col("quantity") > 0)
    wanted = set(later.select("customer_id", "product").iter_rows())
    told = here.filter(pl.col("bought") == 1).select("customer_id", "product")
    assert set(told.iter_rows()) == wanted
    assert told.height == len(wanted)
    assert not here.filter(pl.col("bought") == 0)["_proposed"].not_().any()


def test_every_value_of_sampled_lists_is_the_same_online(
    built: Callable[..., tuple[FeatureTable, pl.DataFrame]],
) -> None:
    table, matrix = built()
    assert table.parity is not None
    assert table.parity.mismatches == 0
    assert table.parity.values > 1000
    assert matrix["pair_share"].is_not_null().all()


def test_rows_after_the_last_moment_change_no_feature_of_it(
    built: Callable[..., tuple[FeatureTable, pl.DataFrame]], orders: pl.DataFrame
) -> None:
    _, matrix = built()
    last = matrix["ordered_at"].max()
    late = pl.col("ordered_at").dt.replace_time_zone("UTC") >= pl.lit(last)
    other = orders.with_columns(
        pl.when(late).then(pl.col("unit_price") * 9 + 1).otherwise("unit_price").alias("unit_price")
    )
    _, changed = built(None, other)
    assert changed.filter(pl.col("ordered_at") == last).equals(matrix.filter(pl.col("ordered_at") == last))


def test_a_function_that_looks_at_other_candidates_is_caught(
    built: Callable[..., tuple[FeatureTable, pl.DataFrame]], tmp_path: Path
) -> None:
    (tmp_path / "peek.py").write_text(
        "import numpy as np\n\ndef before(inputs):\n    return np.roll(inputs['item_lines'], 200)\n"
    )
    peek = {"python": "peek.py:before", "inputs": ["item_lines"]}
    with pytest.raises(DataError, match="peeks"):
        built({**FEATURES, "peeks": peek})


def test_the_store_keeps_a_view_per_key_and_everybodys_list_once(
    built: Callable[..., tuple[FeatureTable, pl.DataFrame]], store: FeastFeatureStore, tmp_path: Path
) -> None:
    built()
    plan = read_record(tmp_path / "features" / "plan.json", FeaturePlan)
    assert plan.views["product_features"] == ("item_lines", "item_price")
    assert set(plan.views["customer_product_features"]) == {"pair_days_since", "pair_lines"}
    assert set(plan.view_keys) == {"customer_id", "product", "customer_id__product", EVERYBODY}
    online = store.online()
    try:
        (popular,) = online.read(plan.of_key(EVERYBODY).kept_views, [EVERYBODY])
        (item,) = online.read(plan.of_key("product").kept_views, ["P0001"])
    finally:
        online.close()
    assert popular is not None
    assert popular["_candidates"].count("[") == 11
    assert item is not None
    assert set(item) == {"item_lines", "item_price", "_event_timestamp"}


@pytest.mark.parametrize(
    ("definition", "match"),
    [
        ({"column": "unit_price"}, "no column or feature is named 'unit_price'"),
        ({"expr": "unit_price * 2"}, "unit_price"),
        ({"rolling": "mean", "of": "product", "per": "item", "window": "9d"}, "needs numbers"),
    ],
)
def test_features_that_a_candidate_cannot_have_are_refused(
    make_project: Make,
    columns_of: Callable[[pl.DataFrame], Any],
    orders: pl.DataFrame,
    definition: dict[str, Any],
    match: str,
) -> None:
    project = ranking(make_project, {**FEATURES, "strange": definition})
    with pytest.raises(ContractError, match=match):
        compile_plan(project, columns_of(orders), Path())


def test_items_are_for_rankings_alone(
    make_project: Make, columns_of: Callable[[pl.DataFrame], Any], orders: pl.DataFrame
) -> None:
    features = {name: each for name, each in FEATURES.items() if "candidate" not in each}
    project = ranking(make_project, features, type="binary_classification")
    with pytest.raises(ContractError, match="only a ranking has features per item"):
        compile_plan(project, columns_of(orders), Path())
