"""R46: a late outcome revises its window, and looking on the way gives what looking at the end gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from rondo.bundle.reference import Reference, describe_numbers
from rondo.contract.monitoring import Monitoring
from rondo.records.monitoring import Observation
from rondo.stages.monitoring import Evidence, Served, observe

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=120)
DAY = timedelta(days=1)
TRAINED = np.random.default_rng(0).normal(size=500)
SERVED = Served(
    "1.0.0",
    ("spend",),
    (),
    "1",
    0.5,
    Reference(500, 5, {"spend": describe_numbers(TRAINED, 5)}, {}, describe_numbers(np.full(9, 0.5), 5)),
)
PREDICTIONS = pl.DataFrame(
    {
        "prediction_id": [f"p{i}" for i in range(60)],
        "event_time": [START + timedelta(hours=4 * i) for i in range(60)],
        "version": "1.0.0",
        "score": np.random.default_rng(1).uniform(size=60),
        "shadow": False,
        "numerical": [[float(x)] for x in np.random.default_rng(2).normal(size=60)],
        "categorical": [[] for _ in range(60)],
    },
    schema_overrides={"categorical": pl.List(pl.String)},
)

# Of which prediction, how many days late (0 to 90), and what it says; one may come again, corrected.
OUTCOMES = st.lists(
    st.tuples(st.integers(0, 59), st.integers(0, 90), st.sampled_from(["0", "1"])), max_size=40
)
LOOKS = st.lists(st.integers(0, 110), min_size=1, max_size=4, unique=True)
WATCHES = st.fixed_dictionaries(
    {
        "window": st.sampled_from(["1d", "3d", "7d"]),
        "min_samples": st.integers(1, 8),
        "reference": st.sampled_from(["judged", "previous_window"]),
    }
)


def evidence(told: list[tuple[int, int, str]], at: datetime) -> Evidence:
    """What the log says at that moment; of several outcomes of a prediction the newest counts."""
    asked = PREDICTIONS.filter(pl.col("event_time") <= at)
    events = asked["event_time"].to_list()
    known: dict[str, tuple[datetime, str]] = {}
    for row, late, value in told:
        if row < len(events) and (came := events[row] + late * DAY) <= at:
            known[f"p{row}"] = max(known.get(f"p{row}", (came, value)), (came, value))
    outcomes = pl.DataFrame(
        {
            "prediction_id": list(known),
            "value": [value for _, value in known.values()],
            "at": [came for came, _ in known.values()],
        },
        schema={"prediction_id": pl.String, "value": pl.String, "at": pl.Datetime("us", "UTC")},
    )
    return Evidence(asked, outcomes, ())


def windows(found: dict[str, Observation]) -> dict[str, Observation]:
    return {name: replace(seen, observed_at=END) for name, seen in found.items() if seen.window_from}


@settings(max_examples=40, deadline=None)
@given(told=OUTCOMES, looks=LOOKS, how=WATCHES)
def test_many_looks_give_what_one_look_at_the_end_gives(
    told: list[tuple[int, int, str]], looks: list[int], how: dict[str, object]
) -> None:
    watched = Monitoring.model_validate(
        {
            **how,
            "model_metrics": {"accuracy": {"threshold": 0.8, "alert_on": "below"}},
            "drift_metrics": {"psi": {"threshold": 0.1, "alert_on": "above"}},
        }
    )
    known: dict[str, Observation] = {}
    for day in [*sorted(looks), 120]:
        at = START + day * DAY
        found = observe(watched, SERVED, evidence(told, at), now=at, known=known)
        known |= {seen.identity: seen for seen in found}
    batch = observe(watched, SERVED, evidence(told, END), now=END)
    assert windows(known) == windows({seen.identity: seen for seen in batch})


def test_a_late_outcome_revises_its_own_window_alone() -> None:
    watched = Monitoring(window=DAY, min_samples=1)  # type: ignore[call-arg]
    soon = [(row, 0, "1") for row in range(0, 6, 2)]
    first = observe(watched, SERVED, evidence(soon, END), now=END)
    known = {seen.identity: seen for seen in first}
    revised = observe(watched, SERVED, evidence([*soon, (1, 80, "0")], END), now=END, known=known)
    accuracy = [seen for seen in revised if seen.metric == "accuracy"]
    assert [(seen.window_from, seen.n, seen.of) for seen in accuracy] == [(START, 4, 6)]
    assert accuracy[0].watermark == START + timedelta(hours=4) + 80 * DAY
    assert accuracy[0].identity in known
