"""The controller of rollouts: reads what stands, gathers evidence, and does what the pure step says.

Everything is in the state store, so whoever comes next goes on where this process stopped. A step and the change of
routes that belongs to it are one transaction under the deployment lease; servers are warm before it. Rollouts go by
the clock of the servers, whose log they are judged by, whatever day the data is of.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rondo.errors import Conflict, NotAvailable
from rondo.lifecycle.advancing import (
    BY,
    advance,
    alert_of_freeze,
    leased,
    made_ready,
    means_of,
    rollbacks,
    thaw,
)
from rondo.records.failpoints import reached
from rondo.records.rollout import Evidence, Phase, Rollout

if TYPE_CHECKING:
    from rondo.contract.deployment import Strategy
    from rondo.lifecycle.workshop import Workshop
    from rondo.ports.state import StateStore
    from rondo.stages.deployment import Means, Stepped

Gather = Callable[["Workshop", Rollout, datetime], Evidence]
SHORTEST_LOOK, LONGEST_LOOK = timedelta(seconds=1), timedelta(seconds=10)
PREFLIGHT_AGAIN = timedelta(minutes=1)


def begin(
    workshop: Workshop,
    version: str,
    *,
    by: str,
    reason: str,
    by_hand: bool = False,
    strategy: Strategy | None = None,
    phases: Sequence[Phase] | None = None,
    experiment: Mapping[str, Any] | None = None,
    means: Means | None = None,
) -> Rollout:
    """The rollout of that version, begun; in mode `approve` it waits for a person unless one begins it.

    Args:
        workshop: the project.
        version: an accepted version that is not in production.
        by: who.
        reason: why.
        by_hand: a person asked for it: needs no approval, and ends a freeze.
        strategy: in place of the contract's.
        phases: those of an A/B test, in place of a strategy's.
        experiment: the test's settings.
        means: what carrying out needs, in place of the project's own.

    Raises:
        Conflict: it is not registered, or in production already, or another rollout is under way, or automatic
            releases are frozen.
        GateSaidNo: its gates did not say `ship`.
    """
    from rondo.stages import deployment

    means, state = means or means_of(workshop), workshop.state
    section = workshop.project.deployment
    deployment.releasable(version, state.releases())
    if not by_hand and (frozen := frozen_since(workshop)):
        raise Conflict(
            f"nothing is released by itself: {frozen}",
            mend=f"Look at what failed, then release by hand: `rondo deploy {version}`.",
        )
    with leased(means, in_turn=True) as fence:
        production = state.production()
        stable = production.version if production else None
        rollout, actions = deployment.begin(
            version,
            stable,
            phases or deployment.phases_of(section, candidate=version, stable=stable, strategy=strategy),
            strategy="ab_test" if phases else strategy or section.strategy,
            by=by,
            reason=reason,
            now=means.clock(),
            needs_approval=section.mode == "approve" and not by_hand,
            experiment=experiment,
        )
        begun = advance(means, (rollout, actions), fence, details={deployment.BY_HAND: by_hand})
    if by_hand:
        thaw(state, means.clock())
    return begun


def tick(workshop: Workshop, *, gather: Gather | None = None, means: Means | None = None) -> Rollout | None:
    """The newest rollout after one look at it; None before the first. Moves nothing while somebody else deploys.

    Args:
        workshop: the project.
        gather: what is asked for evidence, in place of the judge of the present phase.
        means: what carrying out needs, in place of the project's own.
    """
    from rondo.stages import deployment

    state, rollout = workshop.state, workshop.state.rollout()
    if rollout is None or rollout.state == "waiting":
        return rollout
    if rollout.ended:
        alert_of_freeze(state, rollout)
        return rollout
    means = means or means_of(workshop)
    watched = rollout.state == "running" or rollout.phase.kind in deployment.ANSWERS_CLIENTS
    evidence = _gathered(workshop, rollout, gather, means.clock()) if watched else None
    now, most = means.clock(), workshop.project.deployment.max_rollbacks
    stepped = _step(state, rollout, evidence, now, most)
    if stepped[1]:
        return _carry_out(stepped, means, now, most) or rollout
    if _worth_keeping(rollout, stepped[0]):
        return _kept(means, stepped[0], now) or rollout
    return rollout


def drive(
    workshop: Workshop,
    until: Callable[[Rollout], bool],
    *,
    wait: Callable[[float], object],
    gather: Gather | None = None,
    means: Means | None = None,
) -> Rollout:
    """The rollout under way, advanced in the foreground until that is so, or it ends, or it is paused.

    Raises:
        NotAvailable: there is no rollout.
    """
    while True:
        rollout = tick(workshop, gather=gather, means=means)
        if rollout is None:
            raise NotAvailable("there was no rollout yet", mend="`rondo deploy VERSION` begins one.")
        if rollout.ended or rollout.state in ("waiting", "paused") or until(rollout):
            if rollout.ended:
                alert_of_freeze(workshop.state, rollout)
            return rollout
        workshop.progress.step(rollout.phase.kind, rollout.place, len(rollout.phases), rollout.said)
        wait(pace(rollout).total_seconds())


def approve(workshop: Workshop, *, by: str, reason: str, means: Means | None = None) -> Rollout:
    """The waiting rollout, begun; who and why are kept.

    Raises:
        NotAvailable: there is no rollout.
        Conflict: it does not wait.
        UsageError: no reason is given.
    """
    from rondo.stages import deployment

    def ask(rollout: Rollout, now: datetime) -> Stepped:
        _only(rollout, ("waiting",), "approved")
        return deployment.approve(rollout, by=by, reason=reason, now=now)

    return _asked(workshop, ask, means)


def pause(workshop: Workshop, *, by: str, reason: str, means: Means | None = None) -> Rollout:
    """The rollout, paused with its shares as they are; a paused one stays so.

    Raises:
        NotAvailable: there is no rollout.
        Conflict: it is not under way.
    """
    from rondo.stages import deployment

    def ask(rollout: Rollout, _: datetime) -> Stepped:
        _only(rollout, ("running", "paused"), "paused")
        return deployment.pause(rollout, by=by, reason=reason)

    return _asked(workshop, ask, means)


def resume(workshop: Workshop, *, by: str, reason: str, means: Means | None = None) -> Rollout:
    """The paused rollout, at the beginning of its phase; a running one stays so.

    Raises:
        NotAvailable: there is no rollout.
        Conflict: it is not under way.
    """
    from rondo.stages import deployment

    def ask(rollout: Rollout, now: datetime) -> Stepped:
        _only(rollout, ("running", "paused"), "resumed")
        return deployment.resume(rollout, by=by, reason=reason, now=now)

    return _asked(workshop, ask, means)


def abort(workshop: Workshop, *, by: str, reason: str, means: Means | None = None) -> Rollout | None:
    """The newest rollout, ended with no traffic for its candidate; nothing happens when none is under way."""
    from rondo.stages import deployment

    if workshop.state.rollout() is None:
        return None
    return _asked(
        workshop, lambda rollout, now: deployment.abort(rollout, by=by, reason=reason, now=now), means
    )


def accept(workshop: Workshop, *, by: str, reason: str, means: Means | None = None) -> Rollout:
    """The rollout that only watches what it promoted, ended well because a person says so."""
    from rondo.stages import deployment

    return _asked(
        workshop, lambda rollout, now: deployment.accepted(rollout, by=by, reason=reason, now=now), means
    )


def under_way(state: StateStore) -> Rollout | None:
    """The rollout that has not ended."""
    rollout = state.rollout()
    return None if rollout is None or rollout.ended else rollout


def frozen_since(workshop: Workshop) -> str:
    """Why nothing is released by itself; empty when it is."""
    count = rollbacks(workshop.state)
    if count < workshop.project.deployment.max_rollbacks:
        return ""
    return f"{count} automatic rollbacks in a row"


def pace(rollout: Rollout) -> timedelta:
    """How long to leave a rollout alone before the next look at it. Pure."""
    if rollout.phase.kind == "preflight" and rollout.evidence is not None:
        return PREFLIGHT_AGAIN
    return min(max(timedelta(seconds=rollout.phase.hold_s / 60), SHORTEST_LOOK), LONGEST_LOOK)


def _asked(workshop: Workshop, ask: Callable[[Rollout, datetime], Stepped], means: Means | None) -> Rollout:
    means = means or means_of(workshop)
    with leased(means, in_turn=True) as fence:
        rollout = workshop.state.rollout()
        if rollout is None:
            raise NotAvailable("there was no rollout yet", mend="`rondo deploy VERSION` begins one.")
        now = means.clock()
        stepped = ask(rollout, now)
        if not stepped[1]:
            return rollout
        made_ready(stepped, means)
        return advance(means, stepped, fence, at=now)


def _only(rollout: Rollout, states: tuple[str, ...], word: str) -> None:
    if rollout.state not in states:
        raise Conflict(
            f"rollout {rollout.number} of {rollout.candidate} cannot be {word}: it is {rollout.state}",
            mend="`rondo rollout` shows it.",
        )


def _step(
    state: StateStore, rollout: Rollout, evidence: Evidence | None, now: datetime, most: int
) -> Stepped:
    from rondo.stages import deployment

    release = state.production()
    production = release.version if release else None
    if production != (rollout.candidate if rollout.phase.kind == "watch" else rollout.stable):
        reason = f"{production or 'nothing'} went into production meanwhile"
        return deployment.overruled(rollout, by=BY, reason=reason, now=now)
    # The event log is read only for a rejection: nothing else asks how many there were before.
    rejected = evidence is not None and evidence.judgement == "reject"
    count = rollbacks(state) if rejected else 0
    return deployment.step(rollout, evidence, now, rollbacks=count, max_rollbacks=most)


def _gathered(workshop: Workshop, rollout: Rollout, gather: Gather | None, now: datetime) -> Evidence:
    if gather is None:
        judge = importlib.import_module(f"rondo.lifecycle.evidence.{rollout.phase.kind}")
        gather = judge.gather
    try:
        return gather(workshop, rollout, now)
    except Exception as error:
        # Whatever ails the log, a disk or a server: it says nothing about the candidate.
        words = f"the evidence could not be gathered: {type(error).__name__}: {error}"
        return Evidence("inconclusive", (words,), now)


def _carry_out(stepped: Stepped, means: Means, now: datetime, most: int) -> Rollout | None:
    """The rollout as it was written; None when somebody else was quicker, and the next look decides anew."""
    from rondo.stages import deployment

    store, decided = means.store, stepped[0]
    try:
        with leased(means, in_turn=False) as fence:
            before = store.rollout()
            if before is None or (before.number, before.revision) != (decided.number, decided.revision):
                return None
            reached("rollout.leased")
            if (late := made_ready(stepped, means)) is not None:
                failed = deployment.not_ready(deployment.Readiness(failed=late.failed), timedelta(0))
                slow = deployment.not_ready(
                    deployment.Readiness(loading=late.loading), means.patience.to_warm
                )
                stepped = deployment.unready(
                    before,
                    failed=failed,
                    late=slow,
                    now=now,
                    rollbacks=rollbacks(store),
                    max_rollbacks=most,
                )
                store.want_warm(None)
            elif stepped[0].phase_since == now:
                # The phase begins with its traffic, not before servers were made ready for it.
                stepped = replace(stepped[0], phase_since=means.clock()), stepped[1]
            return advance(means, stepped, fence, at=now)
    except Conflict:
        return None


def _worth_keeping(before: Rollout, after: Rollout) -> bool:
    """Whether evidence that moved nothing is written down: each line of the event log should say something."""
    if after.evidence is None or before.evidence is None:
        return after.evidence is not before.evidence
    if after.evidence.judgement != before.evidence.judgement:
        return True
    every = min(max(before.phase.hold_s / 20, 5.0), 300.0)
    return (after.evidence.at - before.evidence.at).total_seconds() >= every


def _kept(means: Means, rollout: Rollout, now: datetime) -> Rollout | None:
    reason = rollout.said or "; ".join(rollout.evidence.reasons if rollout.evidence else ())
    try:
        # Under the lease, so that a person's command never finds the rollout changed under its hands.
        with leased(means, in_turn=False):
            return means.store.advance_rollout(rollout, kind="rollout.looked", by=BY, reason=reason, at=now)
    except Conflict:
        return None
