"""What a test needs is told before it begins, and what is not known is told as that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rondo.records.experiment import ExperimentPlan
from rondo.records.intervals import Rate, mean_of
from rondo.stages.experiments.power import power_of

Plan = Callable[..., ExperimentPlan]


def test_one_look_needs_what_the_textbook_says(plan: Plan) -> None:
    power = power_of(plan(), Rate(1_000, 10_000), per_day=None)
    # (1.96 + 0.8416)^2 * 2 * 0.09 / 0.01^2, the variance that of control
    assert power.fixed_sample == pytest.approx(14_128, rel=0.01)
    assert power.sample is not None
    assert power.sample > power.fixed_sample


def test_a_smaller_effect_and_an_uneven_split_need_more(plan: Plan) -> None:
    base = power_of(plan(), Rate(1_000, 10_000), per_day=None).sample or 0
    smaller = power_of(plan(minimum_effect=0.05), Rate(1_000, 10_000), per_day=None).sample or 0
    assert smaller > 3.5 * base


def test_the_duration_follows_from_the_traffic(plan: Plan) -> None:
    power = power_of(plan(min_sample_size=10_000), Rate(1_000, 10_000), per_day=1_000)
    assert power.days_to_minimum == pytest.approx(20)
    assert power.days_to_sample is not None
    assert any(
        "min_sample_size takes 20.0 days, longer than duration_days 14" in note for note in power.notes
    )
    assert power.detectable is not None
    assert power.detectable > 0.1


def test_enough_of_both_leaves_nothing_to_say(plan: Plan) -> None:
    power = power_of(plan(min_sample_size=40_000), Rate(1_000, 10_000), per_day=100_000)
    assert power.notes == ()
    assert power.days_to_sample == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("baseline", "words"),
    [(None, "is not known yet"), (Rate(3, 20), "20 of at least 50"), (Rate(0, 500), "is 0 throughout")],
)
def test_what_is_not_known_is_told(plan: Plan, baseline: Rate | None, words: str) -> None:
    power = power_of(plan(), baseline, per_day=None)
    assert power.sample is None
    assert any(words in note for note in power.notes)
    assert any("nobody was answered lately" in note for note in power.notes)


def test_a_percentile_has_no_formula_and_says_so(plan: Plan) -> None:
    power = power_of(plan(primary="latency_p99"), Rate(3, 100), per_day=10)
    assert power.sample is None
    assert "percentile" in power.notes[0]


def test_numbers_are_sized_by_their_spread(plan: Plan) -> None:
    import numpy as np

    values = np.random.default_rng(1).normal(50, 20, 5_000)
    power = power_of(plan(primary="outcome_mean"), mean_of(values), per_day=None)
    assert power.fixed_sample == pytest.approx(2 * (1.96 + 0.8416) ** 2 * 20**2 / 5**2, rel=0.05)
