"""A year of 100,000 orders a day through the features room, order line by order line.

    python benchmarks/demand_features.py [--orders 36500000] [--products 2000] [--folder DIR]

Prints seconds and peak memory of each step. A warehouse would sum the lines to one row a product and day first, as the
demand template's query does; this is the hard way, without it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from rondo.adapters.feast.store import FeastFeatureStore
from rondo.contract import Project
from rondo.records.dataset import Column, Dataset
from rondo.records.files import write_record
from rondo.stages.features.build import build

DAYS = 365
NOW = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = {"product_id": "int", "ordered_at": "datetime", "quantity": "int"}
DEFINITIONS = {
    **{
        f"weekday_{week}": {"rolling": "sum", "of": "quantity", "window": "1d", "lag": f"{7 * week - 1}d"}
        for week in (1, 2, 3, 4)
    },
    "same_weekday": {"expr": "(weekday_1 + weekday_2 + weekday_3 + weekday_4) / 4"},
    **{
        f"sold_{days}d": {"rolling": "sum", "of": "quantity", "window": f"{days}d"} for days in (1, 7, 28, 56)
    },
    "weekday": {"time": "day_of_week"},
}
PROJECT = Project.model_validate(
    {
        "project": "scale",
        "ml_problem": {
            "type": "forecasting", "target": "sold", "entity": "product_id", "event_time": "ordered_at",
            "success_metric": "mase", "season": "7d", "label": {"sum": "quantity", "within": "1d"},
        },
        "data": {
            "sources": {"orders": {"files": "orders.parquet"}},
            "snapshots": {"every": "day", "active_within": "28d", "known_for": "28d"},
        },
        "features": {"definitions": DEFINITIONS},
    }
)  # fmt: skip


class Steps:
    """Tells each step with the time and the memory so far."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def say(self, text: str) -> None:
        """One line that stays."""
        gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{time.perf_counter() - self._began:7.1f} s  {gigabytes:5.1f} GB  {text}", flush=True)

    def step(self, task: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of a task are finished."""
        self.say(f"{task} {done} of {total}: {note}")


class StoreWithoutRegistry(FeastFeatureStore):
    """The store with its real files and online rows; Feast's registry is no matter of size."""

    def _apply(self, plan: object, types: object) -> None:
        pass


def processed(folder: Path, orders: int, products: int) -> Path:
    """The data room's folder with that many order lines over a year."""
    rng = np.random.default_rng(1)
    parts = []
    for day in range(DAYS):
        midnight = np.datetime64("2025-01-01", "us") + np.timedelta64(day, "D")
        number = orders // DAYS
        moments = np.sort(rng.integers(0, 86_400_000_000, number)).astype("timedelta64[us]")
        parts.append(
            pl.DataFrame(
                {
                    "product_id": (rng.zipf(1.3, number) % products).astype(np.int32),
                    "ordered_at": midnight + moments,
                    "quantity": (1 + rng.poisson(0.7, number)).astype(np.int16),
                }
            )
        )
    home = folder / "data" / "processed"
    home.mkdir(parents=True)
    table = pl.concat(parts)
    table.write_parquet(home / "data_v1.0.0.parquet")
    columns = tuple(Column(name, kind) for name, kind in COLUMNS.items())
    dataset = Dataset("1.0.0", "first", "scale", table.height, columns, "data_v1.0.0.parquet", NOW)
    write_record(home / "dataset.json", dataset)
    return home


def main() -> None:
    """Makes the orders, then the features."""
    parser = argparse.ArgumentParser(description="Features of a year of orders.")
    parser.add_argument("--orders", type=int, default=36_500_000)
    parser.add_argument("--products", type=int, default=2000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        root, steps = Path(name), Steps()
        home = processed(root, asked.orders, asked.products)
        steps.say(f"{asked.orders:,} order lines of {asked.products:,} products are made")
        store = StoreWithoutRegistry(root / "feature_repo", root / "online.db", "scale")
        table = build(
            PROJECT, root=root, processed=home, out=root / "features",
            previous=None, store=store, now=NOW, progress=steps,
        )  # fmt: skip
        assert table.parity is not None
        steps.say(f"{table.rows:,} examples, {table.parity.values:,} values equal in batch and online")


if __name__ == "__main__":
    main()
