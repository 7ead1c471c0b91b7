"""The day of change moves what is measured, far beyond chance."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from rondo.shop import Shop

CALM = (date(2024, 4, 1), date(2024, 9, 1))
BEFORE = (date(2024, 9, 1), date(2024, 11, 1))
AFTER = (date(2025, 5, 1), date(2025, 10, 1))


def stability_index(reference: pl.Series, current: pl.Series) -> float:
    """The population stability index over the reference's deciles."""
    cuts = np.quantile(reference.drop_nulls(), np.linspace(0.1, 0.9, 9))
    shares = [
        np.bincount(np.searchsorted(cuts, values.drop_nulls()), minlength=10) / values.drop_nulls().len()
        for values in (reference, current)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


@pytest.mark.parametrize("feature", ["session_duration", "purchase_amount"])
def test_features_drift_after_the_change_and_not_before(shop: Shop, feature: str) -> None:
    frame = shop.events if feature == "session_duration" else shop.transactions
    calm, before, after = (
        frame.filter(pl.col("date").cast(pl.Date).is_between(*span, closed="left"))[feature]
        for span in (CALM, BEFORE, AFTER)
    )
    assert stability_index(calm, before) < 0.02
    assert stability_index(calm, after) > 0.3


def test_the_new_app_arrives_within_two_weeks(shop: Shop) -> None:
    new = pl.col("app_version").str.starts_with("3.")
    share = shop.events.group_by("date").agg(new.mean().alias("share")).sort("date")
    on = dict(share.iter_rows())
    assert on[date(2025, 3, 31)] == 0
    assert 0 < on[date(2025, 4, 5)] < 1
    assert on[date(2025, 4, 15)] == 1
