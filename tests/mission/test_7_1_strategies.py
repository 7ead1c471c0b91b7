"""7.1: each strategy of the listing is a row of phases, and goes back in the way that the listing says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from mission.document import listing
from rondo.contract.deployment import Deployment, Strategy
from rondo.records.rollout import Evidence, Rollout
from rondo.stages import deployment
from rondo.stages.deployment.step import Action, GoBack, Promote, Shift

NOW = datetime(2026, 5, 4, tzinfo=UTC)
SECTION = Deployment.model_validate(
    {
        "canary": {"steps": ["5%", "50%", "100%"], "hold": "10min", "min_requests": 100},
        "rollback_on": {"error_rate": "> 1%"},
        "rollback_window": "1h",
    }
)


def begun(strategy: Strategy, *, at: str) -> Rollout:
    """A rollout of that strategy whose present phase is the first of that kind."""
    phases = deployment.phases_of(SECTION, candidate="2.0.0", stable="1.0.0", strategy=strategy)
    rollout, _ = deployment.begin("2.0.0", "1.0.0", phases, strategy=strategy, by="ann", reason="r", now=NOW)
    place = next(n for n, phase in enumerate(phases) if phase.kind == at)
    return replace(rollout, place=place, phase_since=NOW)


def says(judgement: str, at: datetime, requests: int = 1_000) -> Evidence:
    return Evidence(judgement, ("a reason",), at, requests=requests)  # type: ignore[arg-type]


def moves(actions: tuple[Action, ...]) -> list[Action]:
    return [one for one in actions if isinstance(one, Shift | Promote | GoBack)]


def test_every_strategy_of_the_listing_is_a_row_of_phases() -> None:
    printed = listing("7.1").values()["deployment_strategies"]
    assert set(printed) == set(get_args(Strategy))
    rows = {name: [phase.kind for phase in begun(name, at="preflight").phases] for name in get_args(Strategy)}
    assert rows == {
        "blue_green": ["preflight", "promote", "watch"],
        "canary": ["preflight", "canary", "canary", "promote", "watch"],
        "shadow": ["preflight", "shadow", "promote", "watch"],
    }


def test_blue_green_switches_at_once_and_goes_back_at_once() -> None:
    after, actions = deployment.step(begun("blue_green", at="preflight"), says("ship", NOW), NOW)
    assert moves(actions) == [Promote("2.0.0")]
    bad = says("reject", NOW + timedelta(seconds=5))
    ended, back = deployment.step(after, bad, NOW + timedelta(seconds=5))
    assert moves(back) == [GoBack("1.0.0")]
    assert ended.state == "rolled_back"


def test_a_canary_goes_back_by_moving_shares() -> None:
    at = NOW + timedelta(minutes=11)
    after, actions = deployment.step(begun("canary", at="canary"), says("ship", at), at)
    assert moves(actions) == [Shift({"1.0.0": 0.5, "2.0.0": 0.5})]
    ended, back = deployment.step(after, says("reject", at), at)
    assert moves(back) == [Shift({"1.0.0": 1.0})]
    for later in range(1, 100):  # and it stays there
        moment = at + timedelta(minutes=later)
        assert deployment.step(ended, says("ship", moment), moment) == (ended, ())


@pytest.mark.parametrize("judgement", ["ship", "reject", "inconclusive"])
def test_a_shadow_gets_no_share(judgement: str) -> None:
    rollout = begun("shadow", at="shadow")
    assert (rollout.phase.weights, rollout.phase.shadow) == ({"1.0.0": 1.0}, "2.0.0")
    ended, actions = deployment.step(rollout, says(judgement, NOW), NOW)
    assert all(isinstance(one, Shift) and one.weights == {"1.0.0": 1.0} for one in moves(actions))
    assert not ended.ended or judgement == "reject"


def test_a_few_requests_are_never_enough() -> None:
    at = NOW + timedelta(minutes=11)
    after, actions = deployment.step(begun("canary", at="canary"), says("ship", at, requests=99), at)
    assert moves(actions) == []
    assert "99 of 100 requests" in after.said
