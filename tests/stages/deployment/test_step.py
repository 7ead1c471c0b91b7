from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.deployment import Canary, Deployment, Shadow
from rondo.errors import Conflict, UsageError
from rondo.records.rollout import Evidence, Phase, Rollout
from rondo.stages.deployment.step import (
    Freeze,
    GoBack,
    Promote,
    Shift,
    Tell,
    abort,
    accepted,
    approve,
    begin,
    overruled,
    pause,
    resume,
    step,
    unready,
    usable,
)
from rondo.stages.deployment.strategies import experiment_phases, phases_of
from rondo.testing.state import NOW

SECTION = Deployment(
    strategy="canary",
    canary=Canary(steps=(0.05, 1.0), hold=timedelta(seconds=60), min_requests=100),
    rollback_on={"error_rate": "> 1%"},  # type: ignore[dict-item]
    rollback_window=timedelta(minutes=5),
    max_wait=timedelta(hours=1),
)
LATER = NOW + timedelta(seconds=61)


def in_phase(kind: str, **other: Any) -> Rollout:
    """A canary of 1.1.0 over 1.0.0 in that phase, which began NOW."""
    phases = phases_of(SECTION, candidate="1.1.0", stable="1.0.0")
    place = [phase.kind for phase in phases].index(kind)  # type: ignore[arg-type]
    begun, _ = begin("1.1.0", "1.0.0", phases, strategy="canary", by="ann", reason="why", now=NOW)
    return replace(begun, place=place, **other)


def seen(judgement: str = "ship", **other: Any) -> Evidence:
    """Evidence gathered LATER about the whole phase."""
    plain = Evidence(judgement, ("because",), LATER, NOW, LATER, requests=100)  # type: ignore[arg-type]
    return replace(plain, **other)


def kinds(strategy: str, **other: Any) -> list[str]:
    section = SECTION.model_copy(update=other)
    return [
        phase.kind
        for phase in phases_of(section, candidate="b", stable="a", strategy=strategy)  # type: ignore[arg-type]
    ]


def test_a_strategy_is_its_phases() -> None:
    assert kinds("blue_green") == ["preflight", "promote", "watch"]
    assert kinds("canary") == ["preflight", "canary", "promote", "watch"]
    assert kinds("shadow") == ["preflight", "shadow", "promote", "watch"]
    assert kinds("canary", shadow=Shadow()) == ["preflight", "shadow", "canary", "promote", "watch"]
    assert kinds("blue_green", rollback_window=timedelta(0)) == ["preflight", "promote"]
    assert kinds("blue_green", rollback_on={}) == ["preflight", "promote"]


def test_a_first_release_is_compared_with_nothing() -> None:
    phases = phases_of(SECTION, candidate="1.0.0", stable=None)
    assert [phase.kind for phase in phases] == ["preflight", "promote"]


def test_an_experiment_keeps_its_shares() -> None:
    hour = timedelta(hours=1)
    phases = experiment_phases({"a": 0.5, "b": 0.5}, candidate="b", duration=hour, max_wait=hour)
    assert [phase.kind for phase in phases] == ["preflight", "experiment", "promote"]
    assert phases[1].weights == {"a": 0.5, "b": 0.5}


def test_a_third_version_never_gets_traffic() -> None:
    with pytest.raises(Conflict, match="gives traffic to c"):
        begin("b", "a", (Phase("canary", {"a": 0.5, "c": 0.5}),), strategy="x", by="", reason="", now=NOW)


def test_a_phase_that_passed_moves_the_shares_with_it() -> None:
    after, actions = step(in_phase("preflight"), seen(requests=0), LATER)
    assert (after.phase.kind, after.phase_since, after.evidence) == ("canary", LATER, None)
    assert actions[0] == Shift({"1.0.0": 0.95, "1.1.0": 0.05})
    assert [one.judgement for one in after.history] == ["ship"]


def test_a_preflight_may_rest_on_what_was_measured_earlier() -> None:
    earlier = seen(window_from=NOW - timedelta(days=1))
    assert step(in_phase("preflight"), earlier, LATER)[0].phase.kind == "canary"
    assert step(in_phase("preflight"), seen(at=NOW - timedelta(days=1)), LATER)[1] == ()


def test_after_the_last_canary_step_it_is_promoted_and_watched() -> None:
    after, actions = step(in_phase("canary"), seen(), LATER)
    assert actions[0] == Promote("1.1.0")
    assert (after.phase.kind, after.state) == ("watch", "running")
    end = LATER + timedelta(minutes=6)
    after, actions = step(after, seen(at=end, window_from=LATER), end)
    assert after.state == "promoted"
    assert [type(action) for action in actions] == [Tell]


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (None, "no evidence"),
        (seen("inconclusive"), "because"),
        (seen("hold"), "because"),
        (seen(requests=99), "99 of 100 requests"),
        (seen(requests=float("nan")), "number of requests"),
        (seen(requests=-1), "number of requests"),
        (seen(at=NOW - timedelta(seconds=1)), "before this phase"),
        (seen(window_from=NOW - timedelta(seconds=1)), "before this phase"),
        (seen(at=LATER + timedelta(hours=1)), "to come"),
        (seen(figures={"candidate": {"p99": float("nan")}}), "candidate p99 is not a number"),
        (seen(figures={"rate": float("inf")}), "rate is not a number"),
    ],
)
def test_what_is_no_evidence_moves_nothing(evidence: Evidence | None, words: str) -> None:
    after, actions = step(in_phase("canary"), evidence, LATER)
    assert actions == ()
    assert (after.place, after.state) == (1, "running")
    assert words in after.said


def test_stale_evidence_moves_nothing_and_takes_nothing_back() -> None:
    old = in_phase("canary")
    now = LATER + timedelta(minutes=3)
    for judgement in ("ship", "reject"):
        after, actions = step(old, seen(judgement), now)
        assert (after.state, actions) == ("running", ())
        assert "180 s old" in after.said


def test_a_phase_is_held_for_its_whole_time() -> None:
    early = NOW + timedelta(seconds=59)
    after, actions = step(in_phase("canary"), seen(at=early), early)
    assert (after.place, actions) == (1, ())
    assert after.said == "held for 59 of 60 s"


def test_without_enough_evidence_for_too_long_it_pauses_and_says_why() -> None:
    now = NOW + timedelta(hours=2)
    after, actions = step(in_phase("canary"), None, now)
    assert after.state == "paused"
    assert "there is no evidence" in after.said
    assert isinstance(actions[0], Tell)
    assert step(after, None, now + timedelta(days=1))[1] == ()


def test_a_paused_rollout_does_not_move_on_but_still_goes_back() -> None:
    paused, _ = pause(in_phase("canary"), by="ann", reason="lunch")
    assert step(paused, seen(), LATER)[0].place == paused.place
    after, actions = step(paused, seen("reject"), LATER)
    assert (after.state, actions[0]) == ("rolled_back", Shift({"1.0.0": 1.0}))


def test_a_resumed_phase_asks_for_evidence_from_then_on() -> None:
    paused, _ = pause(in_phase("canary"), by="ann", reason="")
    running, _ = resume(paused, by="ann", reason="", now=LATER)
    after, actions = step(running, seen(), LATER + timedelta(seconds=61))
    assert (after.place, actions) == (1, ())
    assert "before this phase" in after.said


@pytest.mark.parametrize(
    ("kind", "state", "back"),
    [
        ("preflight", "aborted", ()),
        ("canary", "rolled_back", (Shift({"1.0.0": 1.0}),)),
        ("watch", "rolled_back", (GoBack("1.0.0"),)),
    ],
)
def test_a_rejection_takes_every_request_back(kind: str, state: str, back: tuple[Any, ...]) -> None:
    after, actions = step(in_phase(kind), seen("reject"), LATER)
    assert (after.state, after.ended_at, actions[:-1]) == (state, LATER, back)
    assert step(after, seen(), LATER) == (after, ())


def test_the_third_rollback_in_a_row_freezes() -> None:
    after, actions = step(in_phase("canary"), seen("reject"), LATER, rollbacks=2, max_rollbacks=3)
    assert after.state == "frozen"
    assert actions[0] == Shift({"1.0.0": 1.0})
    assert isinstance(actions[-1], Freeze)
    assert step(in_phase("canary"), seen("reject"), LATER, rollbacks=1)[0].state == "rolled_back"
    assert step(in_phase("preflight"), seen("reject"), LATER, rollbacks=9)[0].state == "aborted"


def test_an_experiment_that_finds_nothing_ends_without_a_change() -> None:
    day = timedelta(days=1)
    phases = experiment_phases({"a": 0.5, "b": 0.5}, candidate="b", duration=day, max_wait=day)
    begun, _ = begin("b", "a", phases, strategy="ab_test", by="ann", reason="", now=NOW)
    after, actions = step(replace(begun, place=1), seen("hold"), LATER)
    assert (after.state, actions[0]) == ("held", Shift({"a": 1.0}))


def test_a_clock_that_was_set_back_lets_the_phase_begin_anew() -> None:
    rollout, hour = in_phase("canary"), timedelta(hours=1)
    after, actions = step(rollout, seen(at=NOW - hour), NOW - hour)
    assert (after.phase_since, after.place) == (NOW - hour, rollout.place)
    assert isinstance(actions[0], Tell)
    assert step(rollout, None, NOW - timedelta(seconds=1))[1] == ()


def test_an_approval_is_kept_with_who_and_why() -> None:
    phases = phases_of(SECTION, candidate="b", stable="a")
    told = {"strategy": "canary", "by": "ci", "reason": "new", "now": NOW, "needs_approval": True}
    waiting, _ = begin("b", "a", phases, **told)  # type: ignore[arg-type]
    assert step(waiting, seen(), LATER) == (waiting, ())
    for by, reason in (("ann", " "), ("", "fine")):
        with pytest.raises(UsageError, match="a name and a reason"):
            approve(waiting, by=by, reason=reason, now=LATER)
    running, _ = approve(waiting, by="ann", reason="read the report", now=LATER)
    assert (running.state, running.phase_since) == ("running", LATER)
    assert (running.approved_by, running.approval_reason) == ("ann", "read the report")


def test_a_server_that_cannot_load_the_candidate_speaks_against_it_and_a_late_one_does_not() -> None:
    after, _ = unready(in_phase("preflight"), failed=["a: no such operator"], late=(), now=LATER)
    assert (after.state, "no such operator" in after.said) == ("aborted", True)
    after, _ = unready(in_phase("preflight"), failed=(), late=["a: not ready after 60 s"], now=LATER)
    assert (after.state, "not ready" in after.said) == ("paused", True)


def test_a_person_may_accept_what_is_only_watched() -> None:
    assert accepted(in_phase("watch"), by="ann", reason="", now=LATER)[0].state == "promoted"
    assert accepted(in_phase("canary"), by="ann", reason="", now=LATER)[1] == ()


EVIDENCE = st.none() | st.builds(
    Evidence,
    st.sampled_from(["ship", "hold", "reject", "inconclusive"]),
    st.just(("x",)),
    st.integers(-300, 300).map(lambda s: LATER + timedelta(seconds=s)),
    st.none() | st.integers(-300, 300).map(lambda s: NOW + timedelta(seconds=s)),
    requests=st.integers(-1, 200) | st.sampled_from([float("nan"), float("inf")]),
    figures=st.dictionaries(st.text(max_size=3), st.none() | st.floats(), max_size=2),
)


def ask(what: str, rollout: Rollout, found: Evidence | None) -> Any:
    """What a person or the controller may do."""
    told: dict[str, Any] = {"by": "ann", "reason": "x"}
    match what:
        case "pause":
            return pause(rollout, **told)
        case "resume":
            return resume(rollout, **told, now=LATER)
        case "abort":
            return abort(rollout, **told, now=LATER)
        case "overrule":
            return overruled(rollout, **told, now=LATER)
        case _:
            return step(rollout, found, LATER)


@given(
    kind=st.sampled_from(["preflight", "canary", "watch"]),
    asked=st.lists(st.sampled_from(["pause", "resume", "abort", "overrule", "step"]), max_size=6),
    evidence=st.lists(EVIDENCE, min_size=6, max_size=6),
)
def test_after_an_end_nothing_moves_and_doing_it_again_changes_nothing(
    kind: str, asked: list[str], evidence: list[Evidence | None]
) -> None:
    rollout = in_phase(kind)
    for what, found in zip(asked, evidence, strict=False):
        before = rollout
        rollout, actions = ask(what, rollout, found)
        if before.ended:
            assert (rollout, actions) == (before, ())
        elif what != "step":
            assert ask(what, rollout, found) == (rollout, ())
        for action in actions:
            if isinstance(action, Shift):
                assert sum(action.weights.values()) == pytest.approx(1)
                assert set(action.weights) <= {"1.0.0", "1.1.0"}
        if rollout.place > before.place or rollout.state == "promoted" != before.state:
            assert what == "step"
            assert usable(found, before, LATER).judgement == "ship"
