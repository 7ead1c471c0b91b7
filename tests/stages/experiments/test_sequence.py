"""Whoever looks after every outcome is not misled more often than he was promised."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rondo.records.experiment import ExperimentPlan
from rondo.records.intervals import Rate, difference
from rondo.stages.experiments.power import power_of
from rondo.stages.experiments.sequence import reach

Floats = NDArray[np.float64]


def crossings(
    control: float, treatment: float, *, sample: int, most: int, runs: int, seed: int, alpha: float = 0.05
) -> float:
    """Of so many tests that are looked at after every pair of outcomes, the share that find a difference."""
    looks = np.arange(sample, most + 1)
    z = np.array([reach(2 * n, alpha, tightest_at=2 * sample) for n in looks])
    chance = np.random.default_rng(seed)
    found = 0
    for _ in range(runs):
        ours = np.cumsum(chance.random(most) < treatment)[sample - 1 :] / looks
        theirs = np.cumsum(chance.random(most) < control)[sample - 1 :] / looks
        (low, high), (other_low, other_high) = wilson(ours, looks, z), wilson(theirs, looks, z)
        gap = ours - theirs
        above = gap - np.hypot(ours - low, other_high - theirs) > 0
        below = gap + np.hypot(high - ours, theirs - other_low) < 0
        found += bool((above | below).any())
    return found / runs


def wilson(share: Floats, n: NDArray[np.int64], z: Floats) -> tuple[Floats, Floats]:
    """As in records/intervals.py, over arrays."""
    square = z * z / n
    middle = (share + square / 2) / (1 + square)
    spread = z / (1 + square) * np.sqrt(share * (1 - share) / n + square / (4 * n))
    return np.maximum(0, middle - spread), np.minimum(1, middle + spread)


@pytest.mark.parametrize(("rate", "sample"), [(0.02, 200), (0.1, 200), (0.5, 100)])
def test_an_a_a_test_looked_at_all_the_time_alarms_no_more_than_promised(rate: float, sample: int) -> None:
    assert crossings(rate, rate, sample=sample, most=4_000, runs=1_000, seed=3) <= 0.05


def test_the_interval_of_one_look_would_alarm_far_more_often() -> None:
    """What peeking costs without the sequence: the reason for it."""
    chance, false = np.random.default_rng(4), 0
    looks = np.arange(200, 4_001)
    for _ in range(300):
        ours, theirs = (np.cumsum(chance.random(4_000) < 0.1)[199:] / looks for _ in range(2))
        error = np.sqrt((ours * (1 - ours) + theirs * (1 - theirs)) / looks)
        false += bool((np.abs(ours - theirs) > 1.96 * error).any())
    assert false / 300 > 0.2


def test_means_are_covered_as_well() -> None:
    """A skewed number, such as a purchase."""
    chance, false, runs = np.random.default_rng(5), 0, 500
    looks = np.arange(200, 3_001)
    z = np.array([reach(2 * n, 0.05, tightest_at=400) for n in looks])
    for _ in range(runs):
        sides = chance.lognormal(3.0, 1.0, (2, 3_000))
        means = np.cumsum(sides, axis=1)[:, 199:] / looks
        variance = np.cumsum(sides**2, axis=1)[:, 199:] / looks - means**2
        error = np.sqrt(variance.sum(axis=0) / looks)
        false += bool((np.abs(means[0] - means[1]) > z * error).any())
    assert false / runs <= 0.05


def test_a_test_of_the_needed_sample_finds_the_effect_as_often_as_planned(
    plan: Callable[..., ExperimentPlan],
) -> None:
    power = power_of(plan(min_sample_size=1_000, minimum_effect=0.2), Rate(2_000, 20_000), per_day=None)
    assert power.effect == pytest.approx(0.02)
    assert power.sample is not None
    found = crossings(0.1, 0.12, sample=1_000, most=power.sample, runs=300, seed=6)
    assert found >= 0.8


def test_it_reaches_further_than_one_look_and_is_tightest_where_asked() -> None:
    widths = {t: reach(t, 0.05, tightest_at=1_000) / math.sqrt(t) for t in (500, 1_000, 2_000)}
    assert all(reach(t, 0.05, tightest_at=1_000) > 1.96 for t in (1, 10, 1_000, 10**6))
    assert widths[500] > widths[1_000] > widths[2_000]
    least = min(range(200, 5_000, 100), key=lambda t: reach(t, 0.05, tightest_at=1_000))
    assert least == 1_000
    assert reach(0, 0.05, tightest_at=10) == math.inf


def test_less_may_be_missed_reaches_further() -> None:
    assert reach(1_000, 0.01, tightest_at=1_000) > reach(1_000, 0.05, tightest_at=1_000)


def test_a_difference_of_rates_stays_between_minus_one_and_one() -> None:
    gap, low, high = difference(Rate(0, 10), Rate(10, 10), 3.0)
    assert (gap, low) == (-1.0, -1.0)
    assert -1.0 < high < 1.0
