"""4.2: the listing, run as it is printed by Feast's own SDK, in a feature repository that Rondo wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from mission.document import listing
from rondo.adapters.feast.store import FeastFeatureStore
from rondo.bundle.plan import FeaturePlan, HistoryFeature, PlanInput, StatelessFeature

FIRST, SECOND = datetime(2024, 1, 10, tzinfo=UTC), datetime(2024, 2, 10, tzinfo=UTC)
NOW = datetime(2024, 3, 1, tzinfo=UTC)
PLAN = FeaturePlan(
    entity="user_id",
    event_time="at",
    inputs=(PlanInput("category", "string"), PlanInput("price_range", "string")),
    history=(
        HistoryFeature("total_purchases", "count", None, 30 * 86_400.0, default=0.0),
        HistoryFeature("avg_session_duration", "mean", "session_duration", 7 * 86_400.0),
    ),
    stateless=tuple(StatelessFeature(name, "column", (name,)) for name in ("category", "price_range")),
    numerical=("total_purchases", "avg_session_duration"),
    categorical=("category", "price_range"),
    views={
        "user_features": ("total_purchases", "avg_session_duration"),
        "product_features": ("category", "price_range"),
    },
    entity_type="int",
    item="product_id",
    item_type="int",
    keys={"product_features": "product_id"},
)
# What the listing leaves to its reader: whom to ask about, and when. Then the listing itself, then what it found.
BEFORE = """\
import contextlib, io, json, os, sys
import pandas as pd
os.environ["FEAST_USAGE"] = "False"
moments = pd.to_datetime(["2024-01-05", "2024-01-20", "2024-02-20"], utc=True)
entity_df = pd.DataFrame({"user_id": [12345] * 3, "product_id": [7, 7, 8], "event_timestamp": moments})
"""
AFTER = """
names = ["total_purchases", "avg_session_duration", "category", "price_range"]
print(json.dumps({
    "past": json.loads(training_df[names].to_json(orient="values")),
    "now": feature_vector,
}))
"""


def table(key: str, rows: list[tuple[object, ...]], fields: tuple[str, ...]) -> pl.DataFrame:
    times = {"event_timestamp": pl.Datetime("us", "UTC")}
    made = pl.DataFrame(rows, schema=[key, "event_timestamp", *fields], schema_overrides=times, orient="row")
    return made.with_columns(created_timestamp="event_timestamp")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two months of one user and of two products, published; the second month changed everything."""
    users = table("user_id", [(12345, FIRST, 3, 60.0), (12345, SECOND, 5, 90.0)], PLAN.views["user_features"])
    products = table(
        "product_id",
        [(7, FIRST, "books", "low"), (7, SECOND, "toys", "low"), (8, FIRST, "tools", "high")],
        PLAN.views["product_features"],
    )
    users.write_parquet(tmp_path / "users.parquet")
    products.write_parquet(tmp_path / "products.parquet")
    store = FeastFeatureStore(tmp_path / "feature_repo", tmp_path / "online.db", "shop")
    store.publish(
        PLAN, {"user_id": tmp_path / "users.parquet", "product_id": tmp_path / "products.parquet"}, NOW
    )
    return tmp_path / "feature_repo"


@pytest.mark.timeout(600)
def test_the_listing_runs_in_a_project_that_rondo_wrote(repository: Path) -> None:
    script = BEFORE + listing("4.2").text + AFTER
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=repository.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["past"] == [
        [None, None, None, None],  # nothing was known yet; the row is kept all the same
        [3, 60.0, "books", "low"],
        [5, 90.0, "tools", "high"],
    ]
    assert told["now"] == {"user_id": [12345], "total_purchases": [5], "avg_session_duration": [90.0]}
