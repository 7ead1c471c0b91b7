"""What holds a due retrain back: frozen days, losses in a row, the budget; and a month of bad luck."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.retraining import Retraining
from rondo.stages.retraining import Figures, Fired, Standing, check, decide, frozen

NOW = datetime(2026, 12, 20, 12, tzinfo=UTC)
FIRED = Fired(("data_drift",), ("largest PSI is 0.5",), ())


def policy(**more: Any) -> Retraining:
    return Retraining.model_validate({"max_psi": 0.1, "cooldown": "1d", **more})


def test_nothing_is_retrained_on_frozen_days_and_the_reason_is_told() -> None:
    rules = policy(freeze=[{"from": "12-15", "to": "01-05", "reason": "the season's sales"}])
    decision = decide(rules, FIRED, Standing(), now=NOW)
    assert not decision.should_retrain
    assert decision.reasons == ("data_drift",)
    assert decision.held_back == "2026-12-20 is frozen: 12-15 to 01-05 (the season's sales)"
    assert decide(rules, FIRED, Standing(), now=NOW, today=date(2026, 12, 14)).should_retrain
    assert frozen(rules, date(2026, 6, 1)) == ""


def test_after_three_losses_in_a_row_a_person_is_asked() -> None:
    long_ago = NOW - timedelta(days=300)
    assert decide(policy(), FIRED, Standing(long_ago, 2), now=NOW).should_retrain
    decision = decide(policy(), FIRED, Standing(long_ago, 3), now=NOW)
    assert not decision.should_retrain
    assert "3 rounds in a row" in decision.held_back
    assert "rondo retrain --approve" in decision.held_back


def test_the_budget_counts_rounds_of_the_last_thirty_days() -> None:
    begun = tuple(NOW - timedelta(days=days) for days in (45, 29, 10))
    assert decide(policy(budget=3), FIRED, Standing(begun[-1], rounds_at=begun), now=NOW).should_retrain
    decision = decide(policy(budget=2), FIRED, Standing(begun[-1], rounds_at=begun), now=NOW)
    assert not decision.should_retrain
    assert decision.held_back == "the budget of 2 rounds in 30 days is spent until 2026-12-21 12:00 UTC"


def test_further_figures_trigger_beyond_their_bounds_only() -> None:
    rules = policy(metrics={"wape": {"max": 0.4}, "r2": {"min": 0.2}})
    assert check(rules, Figures(psi=0.0, metrics={"wape": 0.4, "r2": 0.2})).reasons == ()
    fired = check(rules, Figures(psi=0.0, metrics={"wape": 0.41}))
    assert fired.reasons == ("accuracy_degradation",)
    assert fired.not_measured == ("accuracy_degradation",)
    assert "wape is 0.41; a retrain is due at > 0.4: fires" in fired.evidence
    assert "r2: not measured" in fired.evidence


@given(
    days=st.integers(1, 60),
    cooldown=st.integers(1, 10),
    loses=st.lists(st.booleans(), min_size=60, max_size=60),
    takes=st.integers(0, 5),
    limit=st.integers(1, 5),
    budget=st.none() | st.integers(1, 6),
)
def test_a_month_of_drift_never_becomes_a_storm(
    days: int, cooldown: int, loses: list[bool], takes: int, limit: int, budget: int | None
) -> None:
    """Drift at every hour; rounds take a while; some fail or lose, and every decision is at a new hour."""
    rules = policy(cooldown=f"{cooldown}d", max_losses=limit, budget=budget)
    begun: list[datetime] = []
    lost, until = 0, NOW
    for hour in range(days * 24):
        now = NOW + timedelta(hours=hour)
        under_way = bool(begun) and now < until
        standing = Standing(begun[-1] if begun else None, lost, under_way, tuple(begun))
        decision = decide(rules, FIRED, standing, now=now)
        assert decision.reasons == ("data_drift",)
        assert decision.should_retrain != bool(decision.held_back)
        if decision.should_retrain:
            assert not under_way
            begun.append(now)
            until = now + timedelta(hours=takes)
            lost = lost + 1 if loses[len(begun) - 1] else 0
    assert len(begun) <= math.ceil(days / cooldown)
    if all(loses):
        assert len(begun) <= limit
        for number, (one, other) in enumerate(itertools.pairwise(begun), 1):
            assert other - one >= timedelta(days=cooldown) * 2**number
    if budget is not None:
        for start in begun:
            assert sum(start <= at < start + timedelta(days=30) for at in begun) <= budget


@pytest.mark.parametrize("failure", ["the trainer fails", "the candidate loses"])
def test_thirty_days_of_drift_with_only_losses_end_in_a_freeze(failure: str) -> None:
    rules = policy()
    begun: list[datetime] = []
    reasons: set[str] = set()
    for hour in range(30 * 24):
        now = NOW + timedelta(hours=hour)
        standing = Standing(begun[-1] if begun else None, len(begun), False, tuple(begun))
        decision = decide(rules, FIRED, standing, now=now)
        if decision.should_retrain:
            begun.append(now)
        reasons.add(decision.held_back.partition(":")[0])
    assert [(at - NOW) // timedelta(days=1) for at in begun] == [0, 2, 6], failure
    assert "3 rounds in a row failed or lost their gates" in reasons
