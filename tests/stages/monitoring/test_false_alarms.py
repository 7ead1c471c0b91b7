"""How often drift alarms while nothing but the season moves: seeded windows of a world with a weekly season."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from rondo.bundle.reference import Reference, describe_categories, describe_numbers
from rondo.contract.monitoring import Monitoring
from rondo.stages.monitoring import Evidence, Served, observe

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
ROWS = 400
NUMBERS = 10
FEW, MANY = 100, 300
LIMITS = {name: {"threshold": 0.1, "alert_on": "above"} for name in ("psi", "ks_statistic")}


def day(number: int, rng: np.random.Generator) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Numbers [rows, features], categories and scores of a day; at the weekend everybody behaves otherwise."""
    weekend = number % 7 >= 5
    numbers = rng.normal(0.8 if weekend else 0.0, 1.0, (ROWS, NUMBERS))
    shares = (0.2, 0.3, 0.5) if weekend else (0.5, 0.3, 0.2)
    scores = 1 / (1 + np.exp(-numbers[:, 0]))
    return numbers, rng.choice(["a", "b", "c"], ROWS, p=shares).tolist(), scores


def served() -> Served:
    days = [day(number, np.random.default_rng(number)) for number in range(28)]
    numbers = np.concatenate([one[0] for one in days])
    words = [word for one in days for word in one[1]]
    names = tuple(f"f{place}" for place in range(NUMBERS))
    reference = Reference(
        len(numbers),
        10,
        {name: describe_numbers(numbers[:, place], 10) for place, name in enumerate(names)},
        {"plan": describe_categories(words)},
        describe_numbers(np.concatenate([one[2] for one in days]), 10),
    )
    return Served("1", names, ("plan",), "1", 0.5, reference, categories={"plan": frozenset("abc")})


def rows_of(number: int, seed: int) -> pl.DataFrame:
    numbers, words, scores = day(number, np.random.default_rng(seed))
    start = MONDAY + number * DAY
    return pl.DataFrame(
        {
            "prediction_id": [f"{seed}-{row}" for row in range(ROWS)],
            "event_time": [start + timedelta(seconds=row) for row in range(ROWS)],
            "version": "1",
            "score": scores,
            "shadow": False,
            "numerical": numbers.tolist(),
            "categorical": [[word] for word in words],
        }
    )


NO_OUTCOMES = pl.DataFrame(schema={"prediction_id": pl.String, "value": pl.String})


def alarming(reference: str, windows: int) -> int:
    """How many of the windows have any alarm."""
    watched = Monitoring.model_validate({"reference": reference, "season": "7d", "drift_metrics": LIMITS})
    version, count = served(), 0
    for seed in range(windows):
        number = 7 + seed % 7
        log = pl.concat([rows_of(number - 7, 10_000 + seed), rows_of(number, 20_000 + seed)])
        found = observe(watched, version, Evidence(log, NO_OUTCOMES, ()), now=MONDAY + 20 * DAY)
        start = MONDAY + number * DAY
        count += any(seen.state == "breached" for seen in found if seen.window_from == start)
    return count


@pytest.mark.parametrize("windows", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_the_season_alone_hardly_ever_alarms_when_it_is_what_windows_are_compared_with(windows: int) -> None:
    assert alarming("season", windows) <= windows // 100


@pytest.mark.long
def test_the_season_alone_alarms_against_rows_of_all_seasons() -> None:
    assert alarming("judged", MANY) >= MANY * 2 // 7
