"""Online retail: features of a next-60-days repurchase model, from the project file alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.adapters.feast.store import FeastFeatureStore
from rondo.contract import Project
from rondo.errors import DataError
from rondo.records.features import FeatureTable
from rondo.stages.features import build

RETAIL = Path(__file__).parents[4] / "shared" / "data" / "online_retail.parquet"
DEFINITIONS: dict[str, Any] = {
    "revenue_30d": {"rolling": "sum", "of": "Quantity * UnitPrice", "window": "30d"},
    "revenue_90d": {"rolling": "sum", "of": "Quantity * UnitPrice", "window": "90d"},
    "orders_30d": {"rolling": "nunique", "of": "InvoiceNo", "window": "30d", "default": 0},
    "orders_90d": {"rolling": "nunique", "of": "InvoiceNo", "window": "90d", "default": 0},
    "orders_365d": {"rolling": "nunique", "of": "InvoiceNo", "window": "365d", "default": 0},
    "since_last": {"rolling": "days_since", "window": "365d", "where": "Quantity > 0"},
    "returned": {"rolling": "count", "window": "90d", "where": "Quantity < 0"},
    "price": {"rolling": "mean", "of": "UnitPrice", "window": "90d"},
    "per_order": {"ratio": ["revenue_90d", "orders_90d"]},
    "month": {"expr": "date_part('month', InvoiceDate)"},
}
SECTIONS: dict[str, Any] = {
    "ml_problem": {
        "target": "repurchase", "entity": "CustomerID", "event_time": "InvoiceDate",
        "label": {"event": "Quantity > 0", "within": "60d"},
    },
    "data": {"snapshots": {"every": "month", "active_within": "180d", "active_event": "Quantity > 0"}},
}  # fmt: skip

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not RETAIL.exists(), reason="../shared/data/online_retail.parquet is not there"),
]


@pytest.fixture
def retail(
    make_project: Callable[..., Project],
    process: Callable[[pl.DataFrame], Path],
    store: FeastFeatureStore,
    tmp_path: Path,
) -> Callable[..., FeatureTable]:
    def run(definitions: dict[str, Any]) -> FeatureTable:
        processed = process(pl.read_parquet(RETAIL))
        began = time.perf_counter()
        table = build(
            make_project({"definitions": definitions, "categorical": {"columns": ["Country"]}}, **SECTIONS),
            root=tmp_path,
            processed=processed,
            out=tmp_path / "features",
            previous=None,
            store=store,
            now=datetime(2012, 1, 1, tzinfo=UTC),
        )
        taken = time.perf_counter() - began
        sys.stdout.write(f"{table.rows} examples, {len(table.features)} features: {taken:.1f} s\n")
        return table

    return run


def test_half_a_million_lines_become_examples_without_a_difference(
    retail: Callable[..., FeatureTable], tmp_path: Path
) -> None:
    table = retail(DEFINITIONS)
    assert table.parity is not None
    assert (table.parity.rows, table.parity.mismatches) == (200, 0)
    matrix = pl.read_parquet(tmp_path / "features" / "matrix.parquet")
    assert table.rows == matrix.height > 5000
    assert 0.3 < matrix["repurchase"].mean() < 0.8
    assert matrix["since_last"].max() <= 180


def test_shifting_features_by_the_label_window_is_caught_by_name(
    retail: Callable[..., FeatureTable], tmp_path: Path
) -> None:
    (tmp_path / "ahead.py").write_text(
        "import numpy as np\n"
        "def shifted(columns):\n"
        "    # Every row reads a row of two snapshots, which is the label window, later.\n"
        "    ahead = 2 * len(columns['month']) // len(np.unique(columns['month']))\n"
        "    return np.concatenate([columns['orders_30d'][ahead:], np.zeros(min(ahead, len(columns['month'])))])\n"
    )
    shifted = {"orders_ahead": {"python": "ahead.py:shifted", "inputs": ["month", "orders_30d"]}}
    with pytest.raises(
        DataError, match=r"features\.definitions\.orders_ahead: feature 'orders_ahead' uses rows after"
    ):
        retail(DEFINITIONS | shifted)
