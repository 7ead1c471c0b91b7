"""Policies replayed on history: the same decisions as in production, in the order of time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.retraining import Retraining
from rondo.records.candidate import Measured
from rondo.stages.retraining import (
    Period,
    Policy,
    Replayed,
    Seen,
    Step,
    policies,
    recommend,
    replay,
    summed,
)

START = datetime(2025, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def weeks(count: int) -> list[Period]:
    return [Period(START + WEEK * n, START + WEEK * (n + 1), 100, 1000) for n in range(count)]


def policy(**rules: Any) -> Policy:
    return Policy("it", "", Retraining.model_validate({"cooldown": "1d", **rules}))


class World:
    """Every week since its training costs a model 5 points; a change of the world in a week 20 more."""

    def __init__(self, changes: int | None = None, delay: int = 0) -> None:
        self._changes, self._delay = changes, delay
        self.asked: list[tuple[int, int, int]] = []

    def __call__(self, trained: int, period: int, now: int) -> Seen:
        assert trained <= period <= now, "a model answers only what comes after it"
        self.asked.append((trained, period, now))
        old = self._changes is not None and trained <= self._changes <= period
        value = 0.9 - 0.05 * (period - trained) - (0.2 if old else 0.0)
        known: Mapping[str, float] = {"accuracy": value} if period + self._delay <= now else {}
        return Seen(Measured(value, n=100), known, psi=0.5 if old else 0.0, psi_feature="x")


def test_never_keeps_the_first_model() -> None:
    steps = replay(policy(), weeks(6), World())
    assert [step.trained_before for step in steps] == [0] * 6
    assert not any(step.retrain for step in steps)


def test_the_calendar_retrains_when_its_days_have_passed() -> None:
    steps = replay(policy(max_days_without_training=13), weeks(7), World())
    assert [step.trained_before for step in steps] == [0, 0, 2, 2, 4, 4, 6]
    assert [step.reasons for step in steps if step.retrain] == [("scheduled_retrain",)] * 3


def test_drift_retrains_once_the_world_has_changed() -> None:
    steps = replay(policy(max_psi=0.2), weeks(6), World(changes=2))
    assert [step.retrain for step in steps] == [False, False, True, False, False, False]
    assert [step.trained_before for step in steps] == [0, 0, 0, 3, 3, 3]


def test_accuracy_waits_until_the_outcomes_have_come() -> None:
    prompt = replay(policy(min_accuracy=0.8), weeks(8), World(changes=2))
    late = replay(policy(min_accuracy=0.8), weeks(8), World(changes=2, delay=2))
    assert next(step.period for step in prompt if step.retrain) == 2
    assert next(step.period for step in late if step.retrain) == 4


def test_outcomes_of_an_older_model_say_nothing_of_the_present_one() -> None:
    """As in production: right after a retrain there is no figure, and no second retrain for the old errors."""
    steps = replay(policy(min_accuracy=0.8), weeks(8), World(changes=2, delay=2))
    after = steps[5]
    assert after.trained_before == 5
    assert "accuracy: not measured" in after.evidence


def test_cooldown_budget_and_frozen_days_hold_back_in_the_replay_too() -> None:
    calendar = {"max_days_without_training": 6}
    assert sum(step.retrain for step in replay(policy(**calendar), weeks(9), World())) == 8
    slow = replay(policy(**calendar, cooldown="20d"), weeks(9), World())
    assert [step.period for step in slow if step.retrain] == [0, 3, 6]
    few = replay(policy(**calendar, budget=2), weeks(9), World())
    assert [step.period for step in few if step.retrain] == [0, 1, 5, 6]
    cold = replay(policy(**calendar, freeze=[{"from": "01-01", "to": "01-31"}]), weeks(9), World())
    assert next(step.period for step in cold if step.retrain) == 4
    assert "is frozen" in cold[0].held_back


@given(st.integers(2, 15), st.integers(0, 60), st.integers(0, 3), st.none() | st.integers(0, 14))
def test_no_model_answers_what_it_learned_from(
    count: int, days: int, delay: int, changes: int | None
) -> None:
    world = World(changes, delay)
    steps = replay(policy(min_accuracy=0.8, max_days_without_training=days + 1), weeks(count), world)
    assert [step.period for step in steps] == list(range(count))
    assert all(trained <= period <= now for trained, period, now in world.asked)
    assert all(
        after.trained_before == (after.period if before.retrain else before.trained_before)
        for before, after in itertools.pairwise(steps)
    )


def figures(name: str, values: list[float], retrains: int) -> Replayed:
    steps = [Step(number, 0, Measured(value), number < retrains) for number, value in enumerate(values)]
    seconds = dict.fromkeys(range(20), 2.0)
    return summed(Policy(name, "", Retraining()), steps, bigger_is_better=True, cost=5.0, seconds=seconds)


def test_a_policy_is_summed_in_retrains_mean_worst_cost_and_time() -> None:
    found = figures("it", [0.9, 0.7, 0.8], 2)
    assert (found.retrains, found.worst, found.cost, found.seconds) == (2, 0.7, 10.0, 4.0)
    assert found.mean == pytest.approx(0.8)


def advised(*replayed: Replayed, up: bool = True) -> tuple[str | None, str]:
    found = recommend(replayed, metric="accuracy", bigger_is_better=up, tolerance=0.01)
    return found.policy, found.reason


def test_of_policies_that_are_as_good_the_one_with_fewest_retrains_is_recommended() -> None:
    name, why = advised(
        figures("often", [0.90] * 6, 5), figures("seldom", [0.895] * 6, 1), figures("never", [0.7] * 6, 0)
    )
    assert name == "seldom"
    assert "1 retrain" in why
    assert "0.6% from the best (often, 5 retrains)" in why


def test_a_bad_worst_period_is_not_bought_with_fewer_retrains() -> None:
    name, _ = advised(figures("often", [0.9] * 20, 19), figures("never", [0.91] * 19 + [0.72], 0))
    assert name == "often"


def test_when_nothing_else_is_close_the_best_is_recommended() -> None:
    name, why = advised(figures("often", [0.9] * 6, 5), figures("never", [0.7] * 6, 0))
    assert name == "often"
    assert "what retrains less is worse by more than 1%" in why


def test_without_figures_nothing_is_recommended() -> None:
    empty = summed(
        Policy("it", "", Retraining()), [Step(0, 0, Measured(None), False)],
        bigger_is_better=True, cost=None, seconds={},
    )  # fmt: skip
    assert recommend([empty], metric="accuracy", bigger_is_better=True, tolerance=0.01).policy is None


def test_the_single_triggers_take_their_limits_from_the_contract() -> None:
    contract = Retraining.model_validate(
        {"max_psi": 0.4, "metrics": {"wape": {"max": 0.5}}, "max_days_without_training": 28, "cooldown": "7d",
         "freeze": [{"from": "12-15", "to": "01-05"}]}
    )  # fmt: skip
    found = {one.name: one for one in policies(contract, metric="mase", at_first=0.7)}
    assert list(found) == ["never", "calendar", "accuracy", "drift", "contract", "contract, never frozen"]
    assert found["calendar"].rules.max_days_without_training == 28
    assert found["calendar"].rules.max_psi is None
    assert found["drift"].rules.max_psi == 0.4
    assert found["accuracy"].rules.metrics == contract.metrics
    assert all(one.rules.cooldown == timedelta(days=7) for one in found.values())
    assert found["contract"].rules == contract
    assert found["contract, never frozen"].rules.freeze == ()


@pytest.mark.parametrize(("metric", "told"), [("mase", "above 0.77"), ("auc_roc", "below 0.63")])
def test_without_a_bound_of_its_own_accuracy_allows_a_tenth(metric: str, told: str) -> None:
    found = {one.name: one for one in policies(Retraining(), metric=metric, at_first=0.7)}
    assert told in found["accuracy"].told
