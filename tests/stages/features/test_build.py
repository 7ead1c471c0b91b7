"""The feature stage, carried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rondo.adapters.feast.store import FeastFeatureStore
from rondo.bundle.online import OnlineFeatures
from rondo.bundle.plan import FeaturePlan
from rondo.contract import Project
from rondo.errors import DataError, UserCodeError
from rondo.records.features import FeatureTable
from rondo.records.files import read_record
from rondo.stages.features import build

NOW = datetime(2024, 9, 1, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)

DEFINITIONS: dict[str, Any] = {
    "hour": {"time": "hour"},
    "signup_month": {"time": "month", "of": "signup"},
    "spent_30d": {"rolling": "sum", "of": "amount", "window": "30d"},
    "average_60d": {"rolling": "mean", "of": "amount", "window": "60d"},
    "spread_60d": {"rolling": "std", "of": "amount", "window": "60d"},
    "shops_60d": {"rolling": "nunique", "of": "shop", "window": "60d"},
    "since_big": {"rolling": "days_since", "window": "90d", "where": "amount > 50", "default": 999},
    "revenue_30d": {"rolling": "sum", "of": "amount * items", "window": "30d"},
    "per_item": {"ratio": ["amount", "items"], "zero": -1},
    "log_spent": {"expr": "ln(1 + abs(spent_30d)) + items"},
    "big_shop": {"expr": "upper(shop)"},
    "custom": {"python": "mine.py:custom", "inputs": ["spent_30d", "amount", "shop"]},
    "tenure": {"column": "tenure"},
}
FEATURES = {"definitions": DEFINITIONS, "categorical": {"columns": ["shop", "vip"]}}
LABEL = {"target": "back", "label": {"event": "amount > 0", "within": "30d"}}
SNAPSHOTS = {"data": {"snapshots": {"every": "week", "active_within": "90d"}}, "ml_problem": LABEL}

MINE = """
import numpy as np

def custom(columns):
    known = np.array([0.0 if shop is None else len(shop) for shop in columns["shop"]])
    return np.sqrt(np.abs(columns["spent_30d"])) + np.nan_to_num(columns["amount"]) * known
"""


def orders(people: int = 40, rows: int = 1500, seed: int = 4) -> pl.DataFrame:
    """Orders with ties, missing values of every type and an entity that is a number."""
    rng = np.random.default_rng(seed)
    missing = rng.random((rows, 5)) < 0.1
    return pl.DataFrame(
        {
            "who": rng.integers(0, people, rows),
            "at": [START + timedelta(hours=int(h)) for h in rng.integers(0, 24 * 240, rows)],
            "amount": [
                None if m else float(a) for a, m in zip(rng.normal(20, 40, rows), missing[:, 0], strict=True)
            ],
            "items": [
                None if m else int(a) for a, m in zip(rng.integers(0, 4, rows), missing[:, 1], strict=True)
            ],
            "shop": [
                None if m else f"s{a}" for a, m in zip(rng.integers(0, 5, rows), missing[:, 2], strict=True)
            ],
            "vip": [
                None if m else bool(a) for a, m in zip(rng.integers(0, 2, rows), missing[:, 3], strict=True)
            ],
            "tenure": rng.integers(0, 900, rows),
            "signup": [START - timedelta(days=int(d), microseconds=7) for d in rng.integers(0, 900, rows)],
            "y": rng.integers(0, 2, rows),
            "_data_version": "1.0.0",
        }
    )


@pytest.fixture
def run(
    make_project: Callable[..., Project],
    process: Callable[[pl.DataFrame], Path],
    store: FeastFeatureStore,
    tmp_path: Path,
) -> Callable[..., FeatureTable]:
    """Builds features of orders (or of `table`) and gives their record."""
    (tmp_path / "mine.py").write_text(MINE)

    def build_(features: dict[str, Any], table: pl.DataFrame | None = None, **sections: Any) -> FeatureTable:
        previous = sections.pop("previous", None)
        project = make_project(features, **sections)
        folder = process(orders() if table is None else table)
        return build(
            project,
            root=tmp_path,
            processed=folder,
            out=tmp_path / "build" / "features",
            previous=previous,
            store=store,
            now=NOW,
        )

    return build_


def test_every_kind_of_feature_agrees_online_over_snapshots(
    run: Callable[..., FeatureTable], tmp_path: Path, store: FeastFeatureStore
) -> None:
    table = run(FEATURES, **SNAPSHOTS)
    assert table.parity is not None
    assert (table.parity.rows, table.parity.mismatches) == (200, 0)
    assert table.parity.values == 200 * len(table.features)
    assert table.categorical == ("shop", "vip", "big_shop")
    out = tmp_path / "build" / "features"
    matrix = pl.read_parquet(out / "matrix.parquet")
    assert matrix.columns == ["who", "at", "back", *table.features]
    assert matrix.height == table.rows
    assert matrix.select("at", "who").equals(matrix.select("at", "who").sort("at", "who"))
    assert set(matrix.select(table.numerical).dtypes) == {pl.Float32}
    assert set(matrix.select(table.categorical).dtypes) == {pl.String}
    assert matrix.select(pl.col(table.numerical).is_null().any()).row(0) == (False,) * len(table.numerical)
    assert 0 < matrix["back"].mean() < 1
    assert read_record(out / "table.json", FeatureTable) == table
    assert sorted(each.name for each in out.iterdir()) == [
        "matrix.parquet", "online_source.parquet", "plan.json", "python", "table.json",
    ]  # fmt: skip


def test_a_request_by_key_sees_everything_up_to_now(
    run: Callable[..., FeatureTable], tmp_path: Path, store: FeastFeatureStore
) -> None:
    table = run(FEATURES, **SNAPSHOTS)
    out = tmp_path / "build" / "features"
    plan = read_record(out / "plan.json", FeaturePlan)
    assert table.as_of is not None
    online = store.online()
    rows = OnlineFeatures(plan, out / "python").rows(
        [{"who": 3}, {"who": 5}], online.read(list(plan.views), [3, 5]), table.as_of
    )
    online.close()
    events = orders()
    for place, who in enumerate((3, 5)):
        mine = events.filter(pl.col("who") == who).sort("at")
        recent = mine.filter(pl.col("at") >= table.as_of - timedelta(days=30))
        assert rows.entities[place] == str(who)
        assert rows.numerical[place, plan.numerical.index("spent_30d")] == pytest.approx(
            recent["amount"].sum(), rel=1e-6
        )
        assert rows.numerical[place, plan.numerical.index("tenure")] == mine["tenure"][-1]
        assert rows.categorical[place, 0] == (mine["shop"][-1] or "")


def test_rows_as_examples_use_earlier_rows_only(run: Callable[..., FeatureTable], tmp_path: Path) -> None:
    table = run(FEATURES)
    assert table.rows == 1500
    matrix = pl.read_parquet(tmp_path / "build" / "features" / "matrix.parquet")
    events = orders()
    for row in matrix.sample(20, seed=1).iter_rows(named=True):
        before = events.filter(
            (pl.col("who") == row["who"]) & (pl.col("at") < row["at"])
            & (pl.col("at") >= row["at"] - timedelta(days=30))
        )  # fmt: skip
        assert row["spent_30d"] == pytest.approx(before["amount"].sum(), rel=1e-5, abs=1e-4)


def test_a_table_without_time_and_entity(run: Callable[..., FeatureTable], tmp_path: Path) -> None:
    table = run(
        {"definitions": {"per_item": DEFINITIONS["per_item"], "tenure": {"column": "tenure"}}},
        ml_problem={"entity": None, "event_time": None},
    )
    assert (table.entity, table.as_of, table.parity) != (None, None, None)
    assert table.parity is not None
    assert table.parity.mismatches == 0
    assert not (tmp_path / "build" / "features" / "online_source.parquet").exists()


def test_an_entity_without_time_is_served_by_its_last_row(
    run: Callable[..., FeatureTable], store: FeastFeatureStore
) -> None:
    table = orders().unique("who", keep="first", maintain_order=True)
    made = run({"categorical": {"columns": ["shop", "vip"]}}, table, ml_problem={"event_time": None})
    assert made.as_of == NOW
    online = store.online()
    found = online.read(["who_features"], [int(table["who"][0])])[0]
    online.close()
    assert found is not None
    assert found["tenure"] == table["tenure"][0]


SHIFTS = {
    "looks_ahead": "return np.roll(c['spent_30d'], -40)",
    "label_window": "return np.concatenate([c['spent_30d'][60:], np.zeros(min(60, len(c['spent_30d'])))])",
    "normalised": "return c['spent_30d'] - np.nanmean(c['spent_30d'])",
}


@pytest.mark.parametrize("name", SHIFTS)
def test_a_feature_that_uses_later_rows_is_named(
    run: Callable[..., FeatureTable], tmp_path: Path, store: FeastFeatureStore, name: str
) -> None:
    (tmp_path / "shift.py").write_text(f"import numpy as np\ndef ahead(c):\n    {SHIFTS[name]}\n")
    definitions = {
        "spent_30d": DEFINITIONS["spent_30d"],
        name: {"python": "shift.py:ahead", "inputs": ["spent_30d"]},
        "made_from_it": {"expr": f"{name} * 2"},
    }
    with pytest.raises(DataError) as raised:
        run({"definitions": definitions}, **SNAPSHOTS)
    assert [problem.where for problem in raised.value.problems] == [f"features.definitions.{name}"]
    assert "uses rows after its own time" in raised.value.problems[0].what
    assert not (tmp_path / "build" / "features").exists()
    assert store.online().read(["who_features"], [1]) == [None]


def test_a_feature_that_looks_at_earlier_rows_of_the_table_is_named(
    run: Callable[..., FeatureTable], tmp_path: Path
) -> None:
    (tmp_path / "lag.py").write_text("import numpy as np\ndef lag(c):\n    return np.roll(c['tenure'], 1)\n")
    with pytest.raises(DataError, match=r"features\.definitions\.lag.*looks at other rows than its own"):
        run({"definitions": {"lag": {"python": "lag.py:lag", "inputs": ["tenure"]}}})


def test_a_failing_function_is_named_with_its_line_and_keeps_what_was_there(
    run: Callable[..., FeatureTable], tmp_path: Path
) -> None:
    run(FEATURES)
    (tmp_path / "bad.py").write_text("def bad(c):\n    return c['nothing']\n")
    with pytest.raises(
        UserCodeError, match=r"features\.definitions\.bad: bad\.py:bad failed: KeyError.*\(bad\.py:2\)"
    ):
        run({"definitions": {"bad": {"python": "bad.py:bad", "inputs": ["tenure"]}}})
    assert (tmp_path / "build" / "features" / "matrix.parquet").exists()


def test_features_that_are_the_target_are_named(run: Callable[..., FeatureTable]) -> None:
    table = orders().with_columns(
        (pl.col("y") * -3.5 + 1).alias("score"),
        pl.when(pl.col("y") == 1).then(pl.lit("gone")).otherwise(pl.lit("here")).alias("state"),
    )
    with pytest.raises(DataError) as raised:
        run(
            {"categorical": {"columns": ["shop", "state"]}, "numerical": {"columns": ["score", "tenure"]}},
            table,
        )
    assert [problem.where for problem in raised.value.problems] == [
        "features.definitions.score",
        "features.definitions.state",
    ]


def test_identifiers_are_no_categories(run: Callable[..., FeatureTable]) -> None:
    table = orders(rows=2500).with_row_index("n").with_columns(pl.format("order {}", "n").alias("number"))
    with pytest.raises(DataError, match="2500 values in 2500 rows name rows, not categories"):
        run({"categorical": {"columns": ["number"]}, "numerical": {"columns": ["tenure"]}}, table)


def test_the_version_follows_the_features(run: Callable[..., FeatureTable], tmp_path: Path) -> None:
    first = run({"definitions": {"tenure": {"column": "tenure"}}})
    plan = read_record(tmp_path / "build" / "features" / "plan.json", FeaturePlan)
    again = run({"definitions": {"tenure": {"column": "tenure"}}}, previous=(plan, first))
    assert (first.version, again.version, again.version_reason) == (
        "1.0.0",
        "1.0.0",
        "the features are the same",
    )
    more = run(
        {"definitions": {"tenure": {"column": "tenure"}, "hour": {"time": "hour"}}}, previous=(plan, first)
    )
    assert (more.version, more.version_reason) == ("1.1.0", "new: hour")
