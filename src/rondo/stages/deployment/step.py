"""Where a rollout goes next: one pure function of what was seen and when, and what a person may ask of it.

    waiting --approve--> running --ship, held, enough requests--> the next phase ... --> promoted
                         running --reject--------> rolled_back (or aborted before anybody was answered, or frozen)
                         running --nothing to judge by for too long, pause--> paused --resume--> running
                         anything under way --abort--> aborted (rolled_back, when it was in production already)

Only evidence that says `ship`, was gathered in the present phase, is fresh and whole, and rests on enough requests
after the whole hold time moves a rollout on. A phase that is paused keeps its shares, and a rejection still
takes them back. A clock that was set back lets the phase begin anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rondo.errors import Conflict, UsageError
from rondo.records.rollout import Evidence, Phase, Rollout, RolloutState

FRESH_FOR, PREFLIGHT_FRESH_FOR = timedelta(minutes=2), timedelta(minutes=30)
"""Evidence that was gathered longer ago is stale; a preflight is about a bundle, which does not change, and takes
as long as its load test."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""A clock further back than that was set back; less is the difference between two machines."""
ANSWERS_CLIENTS = frozenset({"canary", "experiment", "watch"})
"""In these phases clients get answers of the candidate."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Move shares; the version in production stays it."""

    weights: Mapping[str, float]
    shadow: str | None = None


@dataclass(frozen=True, slots=True)
class Promote:
    """Make the version the one in production, with all requests."""

    version: str


@dataclass(frozen=True, slots=True)
class GoBack:
    """Bring the version back that was in production before, along the release history, with all requests."""

    version: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Write down what happened: the kind of the event, who and why. `automatic` when no person asked for it."""

    kind: str
    reason: str
    by: str = ""
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Freeze:
    """Call a person: nothing is released by itself any more."""

    reason: str


Action = Shift | Promote | GoBack | Tell | Freeze
Stepped = tuple[Rollout, tuple[Action, ...]]


def begin(
    candidate: str,
    stable: str | None,
    phases: Sequence[Phase],
    *,
    strategy: str,
    by: str,
    reason: str,
    now: datetime,
    needs_approval: bool = False,
    experiment: Mapping[str, Any] | None = None,
) -> Stepped:
    """A new rollout before its first phase, or waiting for a person's approval.

    Raises:
        Conflict: a phase gives traffic to a third version, or the candidate is in production already.
    """
    if candidate == stable:
        raise Conflict(f"{candidate} is in production already", mend="There is nothing to release.")
    sides = {candidate, stable}
    for phase in phases:
        versions = {*phase.weights, *([phase.shadow] if phase.shadow else [])}
        if third := versions - sides:
            raise Conflict(
                f"the {phase.kind} phase gives traffic to {', '.join(sorted(map(str, third)))}",
                rule="In a rollout only the candidate and the version in production get traffic.",
            )
    rollout = Rollout(
        number=0,
        strategy=strategy,
        candidate=candidate,
        stable=stable,
        phases=tuple(phases),
        state="waiting" if needs_approval else "running",
        started_at=now,
        by=by,
        reason=reason,
        phase_since=None if needs_approval else now,
        said="waits for a person's approval" if needs_approval else "",
        experiment=dict(experiment or {}),
    )
    kind = "rollout.waiting" if needs_approval else "rollout.begun"
    return rollout, (*_entering(rollout.phase), Tell(kind, reason, by))


def step(
    rollout: Rollout,
    evidence: Evidence | None,
    now: datetime,
    *,
    rollbacks: int = 0,
    max_rollbacks: int = 3,
) -> Stepped:
    """Where the rollout stands after this evidence, and what has to be done for it; equal where nothing changes.

    Args:
        rollout: as it was read.
        evidence: what the judge of the present phase says; None when it could not say anything.
        now: aware.
        rollbacks: automatic rollbacks in a row before this one.
        max_rollbacks: after how many nothing is released by itself any more.
    """
    if rollout.ended or rollout.state == "waiting" or rollout.phase_since is None:
        return rollout, ()
    if now < rollout.phase_since - CLOCKS_DIFFER:
        said = "the clock was set back: the phase begins anew"
        return replace(rollout, phase_since=now, evidence=None, said=said), (Tell("rollout.moved", said),)
    seen = usable(evidence, rollout, now)
    if seen.judgement == "reject":
        return _turned_down(rollout, seen, now, rollbacks=rollbacks, max_rollbacks=max_rollbacks)
    if rollout.state == "paused":
        return replace(rollout, evidence=seen), ()
    if seen.judgement == "hold" and rollout.phase.kind == "experiment":
        return _held(rollout, seen, now)
    missing = _missing(rollout, seen, now)
    if not missing:
        return _next(rollout, seen, now)
    waited_s = (now - rollout.phase_since).total_seconds()
    if waited_s >= max(rollout.phase.max_wait_s, rollout.phase.hold_s):
        said = f"waited {waited_s:,.0f} s in {rollout.phase.kind}: {missing}"
        after = replace(rollout, state="paused", said=said, evidence=seen)
        return after, (Tell("rollout.paused", said, automatic=True),)
    return replace(rollout, said=missing, evidence=seen), ()


def usable(evidence: Evidence | None, rollout: Rollout, now: datetime) -> Evidence:
    """The evidence, or one that says why it is none: missing, of another time, or with a figure that is no number."""
    if evidence is None:
        return Evidence("inconclusive", ("there is no evidence",), now)
    since = rollout.phase_since or now
    complaint = ""
    # A preflight measures a bundle: when it did so does not matter, when it was asked for does.
    about = since if rollout.phase.kind == "preflight" else evidence.window_from or since
    fresh_for = PREFLIGHT_FRESH_FOR if rollout.phase.kind == "preflight" else FRESH_FOR
    if min(evidence.at, about) < since:
        complaint = "the evidence is of a time before this phase"
    elif now - evidence.at > fresh_for:
        complaint = f"the evidence is {(now - evidence.at).total_seconds():,.0f} s old"
    elif evidence.at - now > FRESH_FOR:
        complaint = "the evidence is of a time to come"
    elif not math.isfinite(evidence.requests) or evidence.requests < 0:
        complaint = "the evidence rests on a number of requests that is none"
    elif evidence.judgement == "ship" and (name := next(_not_numbers(evidence.figures), "")):
        complaint = f"{name} is not a number"
    if not complaint:
        return evidence
    return Evidence("inconclusive", (complaint,), evidence.at, evidence.window_from, evidence.window_to)


def in_words(reasons: Sequence[str]) -> str:
    """The reasons as one line."""
    return "; ".join(reason.removesuffix(".") for reason in reasons)


def approve(rollout: Rollout, *, by: str, reason: str, now: datetime) -> Stepped:
    """The waiting rollout, begun; one that does not wait stays as it is.

    Raises:
        UsageError: without a name and a reason, because an approval is kept with both.
    """
    if rollout.state != "waiting":
        return rollout, ()
    if not (by.strip() and reason.strip()):
        raise UsageError(
            "an approval needs a name and a reason", mend="Say why: `rondo rollout approve --reason '...'`."
        )
    after = replace(
        rollout, state="running", phase_since=now, approved_by=by, approval_reason=reason, said=""
    )
    return after, (Tell("rollout.approved", reason, by),)


def pause(rollout: Rollout, *, by: str, reason: str) -> Stepped:
    """The running rollout, paused with its shares as they are; any other stays as it is."""
    if rollout.state != "running":
        return rollout, ()
    said = f"paused by {by}" + (f": {reason}" if reason else "")
    return replace(rollout, state="paused", said=said), (Tell("rollout.paused", reason, by),)


def resume(rollout: Rollout, *, by: str, reason: str, now: datetime) -> Stepped:
    """The paused rollout, running again from the beginning of its phase; any other stays as it is."""
    if rollout.state != "paused":
        return rollout, ()
    after = replace(rollout, state="running", phase_since=now, evidence=None, said="")
    return after, (Tell("rollout.resumed", reason, by),)


def abort(rollout: Rollout, *, by: str, reason: str, now: datetime) -> Stepped:
    """The rollout, ended with no traffic for its candidate; one that has ended stays as it is."""
    if rollout.ended:
        return rollout, ()
    state: RolloutState = "rolled_back" if rollout.phase.kind == "watch" else "aborted"
    said = f"aborted by {by}" + (f": {reason}" if reason else "")
    after = replace(rollout, state=state, said=said, ended_at=now)
    return after, (*_leaving(rollout), Tell(f"rollout.{state}", reason or said, by))


def overruled(rollout: Rollout, *, by: str, reason: str, now: datetime) -> Stepped:
    """The rollout, ended because traffic was moved otherwise; moves none by itself."""
    if rollout.ended:
        return rollout, ()
    state: RolloutState = "rolled_back" if rollout.phase.kind == "watch" else "aborted"
    after = replace(rollout, state=state, said=f"overruled by {by}: {reason}", ended_at=now)
    return after, (Tell(f"rollout.{state}", reason, by),)


def accepted(rollout: Rollout, *, by: str, reason: str, now: datetime) -> Stepped:
    """The rollout whose candidate is in production and only watched, ended well because a person says so."""
    if rollout.ended or rollout.phase.kind != "watch":
        return rollout, ()
    said = f"accepted by {by}" + (f": {reason}" if reason else "")
    after = replace(rollout, state="promoted", said=said, ended_at=now)
    return after, (Tell("rollout.promoted", said, by),)


def unready(
    rollout: Rollout,
    *,
    failed: Sequence[str],
    late: Sequence[str],
    now: datetime,
    rollbacks: int = 0,
    max_rollbacks: int = 3,
) -> Stepped:
    """The rollout when running servers do not hold ready what it moves traffic to; nothing was moved.

    A server that cannot load the version speaks against the version; one that is late may need more time.
    """
    if failed:
        said = f"{len(failed)} running servers could not load {rollout.candidate} ({'; '.join(failed)})"
        seen = Evidence("reject", (said,), now)
        return _turned_down(rollout, seen, now, rollbacks=rollbacks, max_rollbacks=max_rollbacks)
    said = f"running servers did not get {rollout.candidate} ready ({'; '.join(late)})"
    return replace(rollout, state="paused", said=said), (Tell("rollout.paused", said, automatic=True),)


def _missing(rollout: Rollout, seen: Evidence, now: datetime) -> str:
    """What is not there yet for the next phase, in words; empty when nothing is missing."""
    phase, since = rollout.phase, rollout.phase_since or now
    if seen.judgement != "ship":
        return in_words(seen.reasons) or f"the judge says {seen.judgement}"
    least = phase.min_requests if phase.kind == "preflight" else max(phase.min_requests, 1)
    if seen.requests < least:
        return f"{seen.requests:,} of {least:,} requests so far"
    held_s = (now - since).total_seconds()
    if held_s < phase.hold_s:
        return f"held for {held_s:,.0f} of {phase.hold_s:,.0f} s"
    return ""


def _next(rollout: Rollout, seen: Evidence, now: datetime) -> Stepped:
    passed = replace(
        rollout,
        history=(*rollout.history, seen),
        evidence=None,
        place=rollout.place + 1,
        phase_since=now,
        said="",
    )
    why = f"{rollout.phase.kind} passed: {in_words(seen.reasons) or 'nothing speaks against it'}"
    if passed.place >= len(rollout.phases):
        return _promoted(replace(passed, place=rollout.place, evidence=seen), now, why, ())
    if passed.phase.kind != "promote":
        return passed, (*_entering(passed.phase), Tell("rollout.moved", why, automatic=True))
    actions = (Promote(rollout.candidate),)
    if passed.place + 1 < len(rollout.phases):
        watching = replace(passed, place=passed.place + 1)
        return watching, (*actions, Tell("rollout.moved", why, automatic=True))
    return _promoted(passed, now, why, actions)


def _promoted(rollout: Rollout, now: datetime, why: str, actions: tuple[Action, ...]) -> Stepped:
    after = replace(rollout, state="promoted", ended_at=now, said=why)
    return after, (*actions, Tell("rollout.promoted", why, automatic=True))


def _held(rollout: Rollout, seen: Evidence, now: datetime) -> Stepped:
    why = in_words(seen.reasons) or "the test found no reason to change"
    after = replace(
        rollout, state="held", evidence=seen, history=(*rollout.history, seen), ended_at=now, said=why
    )
    return after, (*_leaving(rollout), Tell("rollout.held", why, automatic=True))


def _turned_down(
    rollout: Rollout, seen: Evidence, now: datetime, *, rollbacks: int, max_rollbacks: int
) -> Stepped:
    why = f"{rollout.phase.kind}: {in_words(seen.reasons) or 'rejected'}"
    after = replace(rollout, evidence=seen, history=(*rollout.history, seen), ended_at=now, said=why)
    back = _leaving(rollout)
    if rollout.phase.kind not in ANSWERS_CLIENTS:
        return replace(after, state="aborted"), (*back, Tell("rollout.aborted", why, automatic=True))
    if rollbacks + 1 < max_rollbacks:
        return replace(after, state="rolled_back"), (*back, Tell("rollout.rolled_back", why, automatic=True))
    said = f"{why}. {rollbacks + 1} rollbacks in a row: nothing is released by itself until a person does"
    return replace(after, state="frozen", said=said), (
        *back,
        Tell("rollout.frozen", said, automatic=True),
        Freeze(said),
    )


def _entering(phase: Phase) -> tuple[Action, ...]:
    return (Shift(phase.weights, phase.shadow),) if phase.weights else ()


def _leaving(rollout: Rollout) -> tuple[Action, ...]:
    """What takes every request and every mirrored one from the candidate."""
    if rollout.stable is None or rollout.state == "waiting":
        return ()
    if rollout.phase.kind == "watch":
        return (GoBack(rollout.stable),)
    return (Shift({rollout.stable: 1.0}),) if rollout.phase.weights else ()


def _not_numbers(figures: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _not_numbers(value, f"{above}{name} ")
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{above}{name}"
