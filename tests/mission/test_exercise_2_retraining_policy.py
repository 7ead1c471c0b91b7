"""Exercise 2: 100,000 orders a day, strong seasons, 50 ms: a written policy, and what holds it back.

That the template goes round is shown in tests/cli/test_demand_template.py, that it beats the seasonal naive forecast
on a real shop in tests/real/test_demand.py, and the backtest in tests/lifecycle and tests/stages/retraining.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rondo.cli.project import init
from rondo.contract import LoadedProject, check, load_project
from rondo.records.monitoring import Decision
from rondo.stages.retraining import Figures, Standing, decide
from rondo.stages.retraining import check as look_at

IN_SPRING = datetime(2026, 3, 10, 1, tzinfo=UTC)
BEFORE_CHRISTMAS = datetime(2026, 12, 1, 1, tzinfo=UTC)
LONG_AGO = Figures(days_since_training=120.0)


@pytest.fixture(scope="module")
def demand(tmp_path_factory: pytest.TempPathFactory) -> LoadedProject:
    folder: Path = tmp_path_factory.mktemp("demand")
    init(folder, "demand")
    return load_project(folder)


def decided(demand: LoadedProject, figures: Figures, now: datetime, standing: Standing) -> Decision:
    policy = demand.project.retraining
    return decide(policy, look_at(policy, figures), standing, now=now)


def test_the_template_is_sound_and_asks_for_fifty_milliseconds(demand: LoadedProject) -> None:
    assert [str(one.problem) for one in check(demand) if one.level == "error"] == []
    latency = demand.project.constraints.latency
    assert latency is not None
    assert (latency.holds(0.0499), latency.holds(0.05)) == (True, False)
    assert "100,000 orders a day" in demand.path.read_text(encoding="utf-8")


def test_drift_is_measured_against_the_season(demand: LoadedProject) -> None:
    monitoring = demand.project.monitoring
    assert (monitoring.reference, monitoring.season) == ("season", timedelta(days=7))


def test_the_policy_retrains_in_time_but_never_in_the_season_s_sales(demand: LoadedProject) -> None:
    idle = Standing()
    assert decided(demand, LONG_AGO, IN_SPRING, idle).should_retrain
    frozen = decided(demand, LONG_AGO, BEFORE_CHRISTMAS, idle)
    assert not frozen.should_retrain
    assert frozen.reasons == ("scheduled_retrain",)
    assert "the season's sales" in frozen.held_back


def test_a_round_that_just_ended_is_given_its_cooldown(demand: LoadedProject) -> None:
    just = Standing(last_round_at=IN_SPRING - timedelta(days=13))
    held = decided(demand, LONG_AGO, IN_SPRING, just)
    assert not held.should_retrain
    assert held.held_back
    later = decided(demand, LONG_AGO, IN_SPRING + timedelta(days=2), just)
    assert later.should_retrain


def test_a_hundred_thousand_new_orders_a_day_alone_start_nothing(demand: LoadedProject) -> None:
    new_year = datetime(2026, 1, 1, 1, tzinfo=UTC)
    trained, rounds = new_year, []
    for now in (new_year + timedelta(days=day) for day in range(1, 365)):
        age = (now - trained).days
        quiet = Figures(psi=0.1, days_since_training=float(age), new_data_count=100_000 * age)
        decision = decided(demand, quiet, now, Standing(last_round_at=trained))
        if decision.should_retrain:
            assert decision.reasons == ("scheduled_retrain",)
            trained = now
            rounds.append(now)
    assert [(one - new_year).days for one in rounds] == [
        92,
        184,
        276,
    ]  # once a quarter, none in the season's sales
