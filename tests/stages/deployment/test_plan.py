from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rondo.errors import Conflict, GateSaidNo
from rondo.records.release import PROMOTED, ROLLED_BACK, Event, Routes, Switch
from rondo.records.verdict import Judgement
from rondo.stages.deployment import NothingBefore, Patience, Standing, explain, plan_promotion, plan_rollback
from rondo.stages.deployment.plan import (
    AwaitServers,
    MirrorRoles,
    SwitchRoutes,
    VerifyBundle,
    WarmServers,
    rollback_interrupted,
)
from rondo.testing.state import NOW, release

HISTORY = ("1.0.0", "1.1.0", "1.2.0")
STANDING = Standing(
    releases=tuple(release(version) for version in (*HISTORY, "1.3.0")),
    history=HISTORY,
    routes=Routes(7, {"1.2.0": 1.0}),
)


def test_a_promotion_verifies_and_warms_before_it_switches() -> None:
    plan = plan_promotion("1.3.0", STANDING, by="ann", reason="better", fence=("deployment", 4))
    assert plan.before == "1.2.0"
    assert plan.steps == (
        VerifyBundle(release("1.3.0")),
        WarmServers("1.3.0", timedelta(seconds=60), required=True),
        SwitchRoutes(
            Switch(
                production="1.3.0",
                previous="1.2.0",
                weights={"1.3.0": 1.0},
                shadow=None,
                kind=PROMOTED,
                by="ann",
                reason="better",
                expected_generation=7,
                fence=("deployment", 4),
            )
        ),
        AwaitServers(timedelta(seconds=5)),
        MirrorRoles(),
    )


def test_the_first_promotion_has_nothing_before() -> None:
    first = replace(STANDING, history=(), routes=Routes(0, {}))
    plan = plan_promotion("1.0.0", first, by="ann", reason="")
    assert plan.before is None
    assert isinstance(plan.steps[2], SwitchRoutes)
    assert plan.steps[2].change.previous is None


def test_promoting_what_is_in_production_does_nothing_and_says_so() -> None:
    plan = plan_promotion("1.2.0", STANDING, by="ann", reason="")
    assert plan.steps == ()
    assert explain(plan) == ("1.2.0 is in production already",)


def test_an_interrupted_promotion_is_finished() -> None:
    plan = plan_promotion("1.2.0", replace(STANDING, roles_pending=True), by="ann", reason="")
    assert plan.steps == (MirrorRoles(),)


def test_promoting_production_takes_shared_traffic_back() -> None:
    shared = replace(STANDING, routes=Routes(8, {"1.2.0": 0.9, "1.3.0": 0.1}))
    plan = plan_promotion("1.2.0", shared, by="ann", reason="")
    assert isinstance(plan.steps[2], SwitchRoutes)
    assert plan.steps[2].change.weights == {"1.2.0": 1.0}
    assert plan.steps[2].change.previous == "1.1.0"


def test_an_unknown_version_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(Conflict, match=r"1\.4\.0 is not registered.*Did you mean"):
        plan_promotion("1.4.0", STANDING, by="ann", reason="")


@pytest.mark.parametrize("judgement", ["hold", "reject", "inconclusive"])
def test_only_what_the_gates_shipped_is_promoted(judgement: Judgement) -> None:
    refused = replace(release("1.3.0", judgement=judgement), judgement_reasons=("auc_roc 0.71 < 0.85",))
    standing = replace(STANDING, releases=(*STANDING.releases[:-1], refused))
    with pytest.raises(GateSaidNo, match=r"1\.3\.0 may not.*auc_roc 0\.71 < 0\.85"):
        plan_promotion("1.3.0", standing, by="ann", reason="")


def test_a_rollback_goes_one_down_the_history() -> None:
    plan = plan_rollback(STANDING, by="ann", reason="errors")
    assert isinstance(plan.steps[1], WarmServers)
    assert not plan.steps[1].required
    assert isinstance(plan.steps[2], SwitchRoutes)
    change = plan.steps[2].change
    assert (change.production, change.previous, change.kind) == ("1.1.0", "1.0.0", ROLLED_BACK)


def test_a_rollback_can_name_how_far() -> None:
    plan = plan_rollback(STANDING, by="ann", reason="", to="1.0.0")
    assert (plan.version, plan.before) == ("1.0.0", "1.2.0")
    with pytest.raises(Conflict, match="not in the release history"):
        plan_rollback(STANDING, by="ann", reason="", to="1.3.0")


@pytest.mark.parametrize(
    ("history", "said"), [((), "nothing has been in production"), (("1.0.0",), "no version before 1.0.0")]
)
def test_without_a_version_before_there_is_no_rollback(history: tuple[str, ...], said: str) -> None:
    with pytest.raises(NothingBefore, match=said) as refused:
        plan_rollback(replace(STANDING, history=history), by="ann", reason="")
    assert refused.value.exit_code == 6


def test_an_interrupted_rollback_is_finished_not_done_once_more() -> None:
    plan = plan_rollback(replace(STANDING, interrupted=True), by="ann", reason="")
    assert (plan.version, plan.steps) == ("1.2.0", (MirrorRoles(),))


@pytest.mark.parametrize(
    ("kind", "roles_pending", "dead_holder_token", "interrupted"),
    [
        (ROLLED_BACK, True, None, True),
        (ROLLED_BACK, False, 4, True),
        (ROLLED_BACK, False, 5, False),  # who died held the lease later, and did not come to a switch
        (ROLLED_BACK, False, None, False),
        (PROMOTED, True, 4, False),
        ("roles.not_mirrored", True, None, False),  # told to the user: a second rollback goes further
    ],
)
def test_a_rollback_was_interrupted_when_nobody_finished_it(
    kind: str, roles_pending: bool, dead_holder_token: int | None, interrupted: bool
) -> None:
    latest = Event(9, NOW, kind, "1.2.0", "ann", "", {"token": 4})
    found = rollback_interrupted(latest, roles_pending=roles_pending, dead_holder_token=dead_holder_token)
    assert found is interrupted
    assert not rollback_interrupted(None, roles_pending=True, dead_holder_token=None)


def test_every_step_is_told() -> None:
    plan = plan_rollback(STANDING, by="ann", reason="", patience=Patience())
    assert explain(plan) == (
        "rollback to 1.1.0 (in production now: 1.2.0)",
        "verify the bundle of 1.1.0 and replay its golden rows",
        "warm 1.1.0 on every running server (10 s, go on without late ones)",
        "switch production and all traffic to 1.1.0 in one transaction",
        "wait until every running server answers by the new routes (5 s)",
        "tell the model registry its aliases and stages",
    )
