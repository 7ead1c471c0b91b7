"""Feature engineering by hand, with pandas and Polars."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from rondo import FeatureEngineer
from rondo.contract import Project
from rondo.errors import ContractError, CorruptArtifact, UsageError

START = datetime(2024, 3, 1, 9, tzinfo=UTC)
CONFIG = {
    "entity": "user_id",
    "event_time": "timestamp",
    "definitions": {
        "hour": {"time": "hour"},
        "is_weekend": {"time": "is_weekend"},
        "total_purchases_30d": {"rolling": "sum", "of": "purchase_amount", "window": "30d"},
        "purchase_frequency": {"ratio": ["purchase_count", "days_since_signup"]},
    },
    "categorical_features": ["country"],
    "numerical_features": ["purchase_amount"],
}


def orders() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": [1, 2, 1, 1],
            "timestamp": [START, START, START + timedelta(days=1), START - timedelta(days=40)],
            "purchase_amount": [10.0, 20.0, 30.0, 40.0],
            "purchase_count": [4, 2, 3, 1],
            "days_since_signup": [2, 0, None, 4],
            "country": ["DE", "FR", None, "DE"],
        }
    )


def test_features_are_those_of_the_definitions_row_by_row() -> None:
    made = FeatureEngineer(CONFIG).create_features(orders())
    assert made.columns == ["hour", "is_weekend", "total_purchases_30d", "purchase_frequency"]
    assert made["hour"].to_list() == [9] * 4
    assert made["is_weekend"].to_list() == [0, 0, 1, 1]
    assert made["total_purchases_30d"].to_list() == [0, 0, 10, 0]
    assert made["purchase_frequency"].to_list() == [2, 0, 0, 0.25]


def test_pandas_comes_back_as_pandas_with_its_index() -> None:
    frame = orders().to_pandas().set_index(pd.Index([7, 5, 3, 1]))
    made = FeatureEngineer(CONFIG).create_features(frame)
    assert isinstance(made, pd.DataFrame)
    assert list(made.index) == [7, 5, 3, 1]
    assert list(made["total_purchases_30d"]) == [0, 0, 10, 0]


def test_a_project_gives_the_same_as_a_dict(make_project: Callable[..., Project]) -> None:
    project = make_project(
        {"definitions": CONFIG["definitions"]}, ml_problem={"entity": "user_id", "event_time": "timestamp"}
    )
    assert (
        FeatureEngineer(project)
        .create_features(orders())
        .equals(FeatureEngineer(CONFIG).create_features(orders()))
    )


def test_rolling_never_includes_the_row_itself() -> None:
    engineer = FeatureEngineer({"entity": "user_id", "event_time": "timestamp"})
    assert engineer.rolling_aggregate(orders(), "purchase_amount", window=60, agg="mean").to_list() == [
        40,
        None,
        25,
        None,
    ]
    assert engineer.rolling_aggregate(orders(), "country", "60d", agg="nunique").to_list() == [
        1,
        None,
        1,
        None,
    ]


def test_an_unseen_category_has_its_own_code_and_is_counted() -> None:
    engineer = FeatureEngineer(CONFIG)
    before = orders()
    assert engineer.encode_categoricals(before)["country"].to_list() == [0, 1, 2, 0]
    assert before.equals(orders())
    later = engineer.encode_categoricals(pl.DataFrame({"country": ["FR", "JP", "DE", "JP"]}))
    assert later["country"].to_list() == [1, 2, 0, 2]
    assert engineer.encoders["country"].classes == ["DE", "FR"]
    assert engineer.encoders["country"].unseen == 3


def test_scalers_are_fitted_on_the_first_call_only() -> None:
    engineer = FeatureEngineer(CONFIG)
    first = engineer.scale_numericals(orders())["purchase_amount"]
    assert first.mean() == pytest.approx(0)
    assert first.std(ddof=0) == pytest.approx(1)
    later = engineer.scale_numericals(pl.DataFrame({"purchase_amount": [25.0, None]}))
    assert later["purchase_amount"].to_list() == [0, None]
    constant = engineer.scale_numericals(pl.DataFrame({"x": [5, 5]}), ["x"])
    assert constant["x"].to_list() == [0, 0]


def test_transformers_are_saved_as_json_and_loaded(tmp_path: Path) -> None:
    engineer = FeatureEngineer(CONFIG)
    engineer.scale_numericals(engineer.encode_categoricals(orders()))
    engineer.save_transformers(tmp_path / "transformers.json")
    assert set(json.loads((tmp_path / "transformers.json").read_text())) == {"encoders", "scalers"}
    other = FeatureEngineer(CONFIG).load_transformers(tmp_path / "transformers.json")
    assert other.scale_numericals(orders()).equals(engineer.scale_numericals(orders()))
    assert other.encode_categoricals(orders()).equals(engineer.encode_categoricals(orders()))
    (tmp_path / "transformers.json").write_text("[]")
    with pytest.raises(CorruptArtifact):
        engineer.load_transformers(tmp_path / "transformers.json")


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(UsageError, match="Did you mean 'country'"):
        FeatureEngineer({}).encode_categoricals(orders(), ["contry"])
    with pytest.raises(UsageError, match="pandas or Polars"):
        FeatureEngineer({}).create_features([1, 2])
    with pytest.raises(ContractError, match=r"definitions\.a"):
        FeatureEngineer({"definitions": {"a": {"rolling": "sum"}}})
