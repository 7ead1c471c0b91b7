"""The point-in-time join against the definition, spelled out row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.adapters.feast.asof import MOMENT, joined

START = datetime(2024, 3, 31, tzinfo=UTC)
HOURS = st.integers(0, 12).map(lambda hours: START + timedelta(hours=hours))
KEYS = st.sampled_from([1, 2, 3])
ASKED = st.lists(st.tuples(st.none() | KEYS, st.none() | HOURS), max_size=12)
VIEW = st.lists(
    st.tuples(st.none() | KEYS, HOURS, st.none() | HOURS, st.none() | st.integers(0, 99)), max_size=15
)


def frame(rows: list[Any], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def by_hand(
    asked: list[Any], view: list[Any], ttl: timedelta | None, known_only: bool
) -> list[tuple[Any, Any, Any]]:
    """What holds for each asked row, tried one after the other."""
    told = []
    for key, at in asked:
        best: tuple[Any, ...] | None = None
        for place, (its_key, event, created, value) in enumerate(view):
            if key is None or at is None or its_key != key or event > at:
                continue
            if known_only and created is not None and created > at:
                continue
            offered = (event, created is not None, created or event, place, value)
            best = offered if best is None or offered[:4] > best[:4] else best
        if best is not None and ttl is not None and best[0] < at - ttl:
            best = None
        told.append((key, at, None if best is None else best[4]))
    return told


@given(ASKED, VIEW, st.sampled_from([None, 0, 1, 3]), st.booleans())
def test_every_row_stays_in_its_place_with_what_was_known(
    asked: list[Any], view: list[Any], ttl_h: int | None, known_only: bool
) -> None:
    ttl = None if ttl_h is None else timedelta(hours=ttl_h)
    found = joined(
        frame(asked, {"id": pl.Int64, "at": MOMENT}),
        frame(view, {"key": pl.Int32, "event": MOMENT, "created": MOMENT, "x": pl.Int64}),
        keys={"id": "key"},
        at="at",
        event_time="event",
        created="created",
        fields={"x": "value"},
        ttl=ttl,
        known_only=known_only,
    )
    assert found.columns == ["id", "at", "value"]
    assert found.rows() == by_hand(asked, view, ttl, known_only)


def test_zones_units_and_types_of_keys_are_made_equal() -> None:
    asked = pl.DataFrame({"id": ["7", "8"], "at": ["2024-03-31T03:00:00+02:00", "2024-03-31T01:00:00Z"]})
    view = pl.DataFrame(
        {
            "id": [7, 8],
            "event": [datetime(2024, 3, 31, 1), datetime(2024, 3, 31, 1, 0, 0, 1)],
            "x": [1.5, 2.5],
        },
        schema_overrides={"event": pl.Datetime("ns")},
    )
    found = joined(
        asked, view, keys={"id": "id"}, at="at", event_time="event", created=None, fields={"x": "x"}
    )
    assert found.rows() == [("7", asked["at"][0], 1.5), ("8", asked["at"][1], None)]


def test_a_view_without_a_key_holds_for_all() -> None:
    asked = frame([(1, START), (2, START - timedelta(days=1))], {"id": pl.Int64, "at": MOMENT})
    view = frame([(START, 5)], {"event": MOMENT, "x": pl.Int64})
    found = joined(asked, view, keys={}, at="at", event_time="event", created=None, fields={"x": "x"})
    assert found["x"].to_list() == [5, None]


@pytest.mark.long
def test_hundreds_of_thousands_of_rows_are_joined_to_two_million() -> None:
    import time

    import numpy as np

    chance = np.random.default_rng(0)
    moments = np.datetime64("2024-01-01", "us") + chance.integers(0, 10**13, 2_000_000)
    view = pl.DataFrame(
        {"id": chance.integers(0, 50_000, 2_000_000), "event": moments, "x": moments.astype(int)}
    )
    asked = pl.DataFrame({"id": chance.integers(0, 50_000, 300_000), "at": moments[:300_000]})
    began = time.perf_counter()
    found = joined(
        asked, view, keys={"id": "id"}, at="at", event_time="event", created="event", fields={"x": "x"}
    )
    print(f"\n300,000 rows x 2,000,000: {time.perf_counter() - began:.1f} s")  # noqa: T201
    assert found.height == asked.height
    assert (found["x"] <= found["at"].cast(pl.Int64)).all()
