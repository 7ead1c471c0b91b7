"""4.1: the features of the listing by their names, made without looking at the row's own future."""

from __future__ import annotations

import inspect
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from mission.document import listing
from rondo import FeatureEngineer

START = datetime(2024, 3, 1, 9, tzinfo=UTC)  # a Friday
CONFIG = {
    "entity": "user_id",
    "event_time": "timestamp",
    "definitions": {
        "hour": {"time": "hour"},
        "day_of_week": {"time": "day_of_week"},
        "is_weekend": {"time": "is_weekend"},
        "total_purchases_30d": {"rolling": "sum", "of": "purchase_amount", "window": "30d"},
        "avg_session_duration_7d": {"rolling": "mean", "of": "session_duration", "window": "7d"},
        "purchase_frequency": {"ratio": ["purchase_count", "days_since_signup"]},
        "value_per_session": {"ratio": ["total_purchase_value", "session_count"]},
    },
    "categorical_features": ["country"],
    "numerical_features": ["purchase_amount"],
}


def rows() -> pd.DataFrame:
    """Three days of one customer, then one of another with nothing before it."""
    return pd.DataFrame(
        {
            "user_id": [1, 1, 1, 2],
            "timestamp": [START, START + timedelta(days=1), START + timedelta(days=2), START],
            "purchase_amount": [10.0, 20.0, 40.0, 5.0],
            "session_duration": [60.0, 120.0, 30.0, 10.0],
            "purchase_count": [4, 3, 2, 1],
            "days_since_signup": [2, 3, 0, 1],
            "total_purchase_value": [100.0, 90.0, 0.0, 5.0],
            "session_count": [5, 0, 0, 1],
            "country": ["DE", "KR", "DE", "BR"],
        }
    )


def test_it_has_the_methods_of_the_listing() -> None:
    for name, arguments in listing("4.1").methods("FeatureEngineer").items():
        ours = inspect.signature(getattr(FeatureEngineer, name)).parameters
        assert set(arguments) <= set(ours), name


def test_the_features_of_the_listing_are_computed() -> None:
    text = listing("4.1").text
    assert all(f'features["{name}"]' in text for name in CONFIG["definitions"])

    made = FeatureEngineer(CONFIG).create_features(rows())

    assert list(made.columns) == list(CONFIG["definitions"])
    assert made["hour"].tolist() == [9, 9, 9, 9]
    assert made["day_of_week"].tolist() == [4, 5, 6, 4]  # Monday is 0, as in pandas
    assert made["is_weekend"].tolist() == [0, 1, 1, 0]


def test_windows_exclude_the_row_itself() -> None:
    made = FeatureEngineer(CONFIG).create_features(rows())
    assert made["total_purchases_30d"].tolist() == [0.0, 10.0, 30.0, 0.0]
    assert [None if math.isnan(x) else x for x in made["avg_session_duration_7d"]] == [None, 60.0, 90.0, None]


def test_a_ratio_over_zero_is_zero_and_not_infinite() -> None:
    made = FeatureEngineer(CONFIG).create_features(rows())
    assert made["purchase_frequency"].tolist() == [2.0, 1.0, 0.0, 1.0]
    assert made["value_per_session"].tolist() == [20.0, 0.0, 0.0, 5.0]


def test_the_original_is_not_changed() -> None:
    given = rows()
    engineer = FeatureEngineer(CONFIG)
    for call in (engineer.create_features, engineer.encode_categoricals, engineer.scale_numericals):
        call(given)
    pd.testing.assert_frame_equal(given, rows())


def test_encoders_and_scalers_are_fitted_once_and_travel(tmp_path: Path) -> None:
    engineer = FeatureEngineer(CONFIG)
    training = rows()
    engineer.encode_categoricals(training)
    engineer.scale_numericals(training)
    later = training.assign(country=["DE", "FR", "KR", None], purchase_amount=[1e6] * 4)

    codes = engineer.encode_categoricals(later)["country"].tolist()
    scaled = engineer.scale_numericals(later)["purchase_amount"].tolist()
    engineer.save_transformers(tmp_path / "transformers.json")
    loaded = FeatureEngineer(CONFIG).load_transformers(tmp_path / "transformers.json")

    assert codes == [1, 3, 2, 3]  # BR, DE, KR; what training did not know has a code of its own
    assert engineer.encoders["country"].unseen == 2
    assert loaded.encode_categoricals(later)["country"].tolist() == codes
    assert loaded.scale_numericals(later)["purchase_amount"].tolist() == scaled
