"""4.1: the features of the listing by their names, made without looking at the row's own future."""

from __future__ import annotations

import ast
import inspect
import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from mission.document import listing
from rondo import FeatureEngineer

START = datetime(2024, 3, 1, 9, tzinfo=UTC)  # a Friday


def definitions() -> dict[str, dict[str, Any]]:
    """The features of the listing, read out of the statements that make them."""
    found: dict[str, dict[str, Any]] = {}
    for statement in ast.walk(ast.parse(listing("4.1").text)):
        if not (
            isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]).startswith("features[")
        ):
            continue
        name = ast.literal_eval(statement.targets[0].slice)  # type: ignore[attr-defined]
        said = ast.unparse(statement.value)
        if "rolling_aggregate" in said:
            of, window, agg = re.findall(r"'(\w+)', window=(\d+), agg='(\w+)'", said)[0]
            found[name] = {"rolling": agg, "of": of, "window": f"{window}d"}
        elif " / " in said:
            found[name] = {"ratio": re.findall(r"df\['(\w+)'\]", said)}
        else:
            found[name] = {"time": name}
    return found


CONFIG = {
    "entity": "user_id",
    "event_time": "timestamp",
    "categorical_features": ["country"],
    "numerical_features": ["purchase_amount"],
}


def engineer() -> FeatureEngineer:
    return FeatureEngineer({**CONFIG, "definitions": definitions()})


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


def test_the_features_of_the_listing_are_read_out_of_it() -> None:
    assert definitions() == {
        "hour": {"time": "hour"},
        "day_of_week": {"time": "day_of_week"},
        "is_weekend": {"time": "is_weekend"},
        "total_purchases_30d": {"rolling": "sum", "of": "purchase_amount", "window": "30d"},
        "avg_session_duration_7d": {"rolling": "mean", "of": "session_duration", "window": "7d"},
        "purchase_frequency": {"ratio": ["purchase_count", "days_since_signup"]},
        "value_per_session": {"ratio": ["total_purchase_value", "session_count"]},
    }


def test_they_are_what_the_listing_s_own_code_computes() -> None:
    """Its class runs as it is printed, with our windows, which it leaves open; denominators of 0 are told below."""
    whole = rows().assign(days_since_signup=[2, 3, 4, 1], session_count=[5, 6, 7, 1])
    ours = engineer()
    printed = listing("4.1").own("FeatureEngineer")(CONFIG)
    printed.rolling_aggregate = ours.rolling_aggregate

    made, theirs = ours.create_features(whole), printed.create_features(whole)

    assert list(made.columns) == list(theirs.columns) == list(definitions())
    pd.testing.assert_frame_equal(made, theirs, check_dtype=False)
    assert made["hour"].tolist() == [9, 9, 9, 9]
    assert made["day_of_week"].tolist() == [4, 5, 6, 4]  # Monday is 0, as in pandas
    assert made["is_weekend"].tolist() == [0, 1, 1, 0]


def test_codes_and_scales_are_those_of_the_listing_s_own_code() -> None:
    ours, printed = engineer(), listing("4.1").own("FeatureEngineer")(CONFIG)
    later = rows().assign(country=["KR", "KR", "BR", "DE"], purchase_amount=[1.0, 2.0, 3.0, 4.0])
    for table in (rows(), later):  # fitted on the first, applied to the second
        coded = ours.scale_numericals(ours.encode_categoricals(table))
        theirs = printed.scale_numericals(printed.encode_categoricals(table.copy()))
        pd.testing.assert_frame_equal(coded, theirs, check_dtype=False)


def test_windows_exclude_the_row_itself() -> None:
    made = engineer().create_features(rows())
    assert made["total_purchases_30d"].tolist() == [0.0, 10.0, 30.0, 0.0]
    assert [None if math.isnan(x) else x for x in made["avg_session_duration_7d"]] == [None, 60.0, 90.0, None]


def test_a_ratio_over_zero_is_zero_and_not_infinite() -> None:
    made = engineer().create_features(rows())
    assert made["purchase_frequency"].tolist() == [2.0, 1.0, 0.0, 1.0]
    assert made["value_per_session"].tolist() == [20.0, 0.0, 0.0, 5.0]


def test_the_original_is_not_changed() -> None:
    given = rows()
    ours = engineer()
    for call in (ours.create_features, ours.encode_categoricals, ours.scale_numericals):
        call(given)
    pd.testing.assert_frame_equal(given, rows())


def test_encoders_and_scalers_are_fitted_once_and_travel(tmp_path: Path) -> None:
    ours = engineer()
    training = rows()
    ours.encode_categoricals(training)
    ours.scale_numericals(training)
    later = training.assign(country=["DE", "FR", "KR", None], purchase_amount=[1e6] * 4)

    codes = ours.encode_categoricals(later)["country"].tolist()
    scaled = ours.scale_numericals(later)["purchase_amount"].tolist()
    ours.save_transformers(tmp_path / "transformers.json")
    loaded = engineer().load_transformers(tmp_path / "transformers.json")

    assert codes == [1, 3, 2, 3]  # BR, DE, KR; what training did not know has a code of its own
    assert ours.encoders["country"].unseen == 2
    assert loaded.encode_categoricals(later)["country"].tolist() == codes
    assert loaded.scale_numericals(later)["purchase_amount"].tolist() == scaled
