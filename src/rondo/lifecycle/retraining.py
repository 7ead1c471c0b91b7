"""Retrains as rounds: proposed, approved, begun, and counted when they are lost.

However many processes ask, one retrain is under way at a time: it is done under a lease of the state store. A round
that failed or lost its gates counts as a loss, and so does one whose process died before it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from rondo.errors import Conflict, NotAvailable, RondoError
from rondo.lifecycle.going_round import Round, go_round
from rondo.lifecycle.running import Selection, is_running
from rondo.lifecycle.workshop import Workshop
from rondo.records.candidate import Candidate
from rondo.records.holders import is_gone, this_process
from rondo.records.monitoring import Decision
from rondo.records.release import Event
from rondo.stages.retraining import BUDGET_OVER, Standing

ROUND_STARTED = "retrain.started"
ROUND_ENDED = "retrain.ended"
PROPOSED, APPROVED, WITHDRAWN = "retrain.proposed", "retrain.approved", "retrain.withdrawn"
PROPOSAL = "retrain.proposal"
LEASE = "retraining"
LONGEST_ROUND = timedelta(hours=12)
ROUNDS_COUNTED = 50


@dataclass(frozen=True, slots=True)
class Proposal:
    """A retrain that is due and waits: for a person's approval, or for its turn after that."""

    decision: Decision
    approved_by: str = ""
    approved_reason: str = ""

    @property
    def approved(self) -> bool:
        """Whether a person said yes."""
        return bool(self.approved_by)


def proposal(workshop: Workshop) -> Proposal | None:
    """The retrain that waits, None when there is none."""
    kept = workshop.state.get(PROPOSAL)
    return None if not kept else msgspec.convert(kept, Proposal)


def propose(workshop: Workshop, decision: Decision) -> bool:
    """Keeps a due retrain for a person, and takes it back when nothing asks for it any more; whether it is new."""
    known = proposal(workshop)
    if decision.should_retrain and known is None:
        _keep(workshop, Proposal(decision))
        _tell(workshop, PROPOSED, by="monitor", reason=", ".join(decision.reasons))
        return True
    if not decision.reasons and known is not None and not known.approved:
        _keep(workshop, None)
        _tell(workshop, WITHDRAWN, by="monitor", reason="no trigger fires any more")
    return False


def approve(workshop: Workshop, decision: Decision | None = None, *, by: str, reason: str) -> Proposal:
    """The proposal with a person's yes; `rondo up`, or the caller, begins it.

    A person may approve what a freeze, lost rounds, the cooldown or the budget hold back.

    Args:
        workshop: the project.
        decision: what was just decided; by default what is proposed.
        by: who.
        reason: why.

    Raises:
        NotAvailable: nothing is due.
        Conflict: it is approved already, or a round is under way.
    """
    known = proposal(workshop)
    if known is not None and known.approved:
        raise Conflict(f"{known.approved_by} has approved it already", mend="It begins by itself.")
    due = known.decision if known is not None else decision
    if due is None or not due.reasons:
        raise NotAvailable(
            "no retrain is due", rule="A trigger of the contract fires first", mend="`rondo run --refresh`"
        )
    if is_running(workshop.layout.home):
        raise Conflict("a round is under way", mend="Wait until it ends.")
    approved = Proposal(due, by, reason)
    _keep(workshop, approved)
    details = {"reasons": due.reasons, "held_back": due.held_back}
    workshop.state.append(
        APPROVED, workshop.project.project, by=by, reason=reason, details=details, at=workshop.clock()
    )
    return approved


def retrain_now(
    workshop: Workshop, decision: Decision, *, by: str, fixed: Candidate | None = None, reason: str = ""
) -> Round:
    """A round on fresh data through the same gates; its beginning and its end are kept in the event log.

    Args:
        workshop: the project.
        decision: why.
        by: who; `monitor` when nobody was asked.
        fixed: the candidate to fit again; None searches.
        reason: a person's reason.

    Raises:
        Conflict: a retrain is under way, here or in another process.
        RondoError: what the round raised; it counts as lost.
    """
    state, project = workshop.state, workshop.project.project
    with state.lease(LEASE, this_process(), LONGEST_ROUND, now=workshop.clock(), gone=is_gone):
        _keep(workshop, None)
        reasons = ", ".join(decision.reasons)
        told = f"{reasons}: {reason}" if reason else reasons
        state.append(ROUND_STARTED, project, by=by, reason=told, details={}, at=workshop.clock())
        details: dict[str, Any]
        try:
            selection = Selection(refresh=True, reasons=decision.reasons)
            went = go_round(workshop, selection, by=by, fixed=fixed)
        except RondoError as error:
            details = {"refused": True, "failed": True, "begun": not isinstance(error, Conflict)}
            state.append(ROUND_ENDED, project, by=by, reason=str(error), details=details, at=workshop.clock())
            raise
        details = {"refused": went.refused, "judgement": went.judgement, "version": went.version}
        ended = went.release or "nothing changed since the last round"
        state.append(ROUND_ENDED, project, by=by, reason=ended, details=details, at=workshop.clock())
    return went


def rounds_so_far(workshop: Workshop) -> Standing:
    """What earlier rounds say about the next one."""
    state, now = workshop.state, workshop.clock()
    started = state.events(kind=ROUND_STARTED, limit=ROUNDS_COUNTED)
    ended = state.events(kind=ROUND_ENDED, limit=ROUNDS_COUNTED)
    under_way = is_running(workshop.layout.home) or _held(workshop, now)
    return Standing(
        last_round_at=started[-1].at if started else None,
        lost_in_a_row=lost_in_a_row(started, ended, under_way=under_way),
        round_under_way=under_way,
        rounds_at=tuple(event.at for event in started if event.at > now - BUDGET_OVER),
    )


def lost_in_a_row(started: Sequence[Event], ended: Sequence[Event], *, under_way: bool) -> int:
    """How many rounds in a row, the newest last, failed, lost their gates, or never ended. Pure."""
    lost = 0
    ends = {event.sequence: event for event in ended}
    beginnings = [event.sequence for event in started]
    for place in range(len(beginnings) - 1, -1, -1):
        after = beginnings[place + 1] if place + 1 < len(beginnings) else None
        own = [
            event
            for sequence, event in ends.items()
            if sequence > beginnings[place] and (after is None or sequence < after)
        ]
        if not own and after is None and under_way:
            continue
        if own and own[-1].details.get("begun") is False:  # somebody else was at work: neither won nor lost
            continue
        if own and not own[-1].details.get("refused"):
            break
        lost += 1
    return lost


def _held(workshop: Workshop, now: datetime) -> bool:
    """Whether some process retrains right now."""
    try:
        with workshop.state.lease(LEASE, this_process(), timedelta(seconds=1), now=now, gone=is_gone):
            return False
    except Conflict:
        return True


def _keep(workshop: Workshop, kept: Proposal | None) -> None:
    workshop.state.put(PROPOSAL, None if kept is None else msgspec.to_builtins(kept))


def _tell(workshop: Workshop, kind: str, *, by: str, reason: str) -> None:
    workshop.state.append(
        kind, workshop.project.project, by=by, reason=reason, details={}, at=workshop.clock()
    )
