"""The judges of a rollout's phases: from what was seen to ship, reject or inconclusive, with words. Pure.

FALSE_ALARMS is the probability that a phase rejects a candidate that is no worse, however often it is looked at;
a rollout of five such phases rejects an equal candidate in one of a hundred cases at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rondo.contract.deployment import Margins
from rondo.contract.units import Limit
from rondo.records.rollout import Evidence, Phase
from rondo.records.verdict import Judgement
from rondo.stages.deployment.comparing import (
    Finding,
    Side,
    beyond_limits,
    decides_otherwise,
    scores_otherwise,
    worse_than,
)
from rondo.stages.deployment.sequences import distance_between, distance_by_chance, rate_interval

FALSE_ALARMS = 0.002
FEWEST_OF_CONTROL = 50
"""With fewer requests the control says nothing about how the service is now."""
CLOSE = 0.05
"""Two numbers agree that differ by at most this share of the one that the client got."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that was looked at, and when."""

    since: datetime
    until: datetime
    at: datetime


def judge_canary(
    candidate: Side,
    control: Side,
    *,
    limits: Mapping[str, Limit],
    margins: Margins,
    phase: Phase,
    window: Window,
) -> Evidence:
    """The candidate against the control over the same time, and against the contract's limits."""
    figures: dict[str, Any] = {"candidate": candidate.figures(), "control": control.figures()}
    if candidate.requests and control.requests >= FEWEST_OF_CONTROL:
        figures["difference"] = _difference(candidate, control)
        findings = [
            *_unseen("the candidate", candidate),
            *_unseen("the control", control),
            *beyond_limits(candidate, limits, alpha=FALSE_ALARMS / 2),
            *worse_than(candidate, control, margins, alpha=FALSE_ALARMS / 2),
        ]
    elif candidate.requests:
        few = f"the control answered {control.requests:,} requests: nothing to compare with"
        # A candidate that breaks a limit need not wait for company.
        findings = [
            Finding("inconclusive", few),
            *beyond_limits(candidate, limits, alpha=FALSE_ALARMS / 2),
        ]
    else:
        findings = [Finding("inconclusive", "the candidate answered no request yet")]
    return _evidence(findings, candidate.requests, figures, phase, window)


def judge_watch(candidate: Side, *, limits: Mapping[str, Limit], phase: Phase, window: Window) -> Evidence:
    """The version that was just promoted, against the contract's limits."""
    if not candidate.requests:
        findings = [Finding("inconclusive", "it answered no request yet")]
    elif not limits:
        findings = [Finding("inconclusive", "`rollback_on` names nothing to watch")]
    else:
        findings = list(beyond_limits(candidate, limits, alpha=FALSE_ALARMS, whole_traffic=True))
    return _evidence(findings, candidate.requests, {"candidate": candidate.figures()}, phase, window)


def judge_shadow(
    candidate: Side,
    control: Side,
    *,
    agreed: int,
    pairs: int,
    min_agreement: float,
    limits: Mapping[str, Limit],
    margins: Margins,
    phase: Phase,
    window: Window,
) -> Evidence:
    """The candidate's answers to mirrored requests, against the answers that clients got to the same ones.

    Args:
        candidate: what the shadow did.
        control: the answers that were mirrored.
        agreed: rows on which both decide alike.
        pairs: rows that both answered.
        min_agreement: least share of `agreed` among them.
        limits: the bad side of each figure, by name.
        margins: how far from the control it may be.
        phase: the shadow phase.
        window: the time that was looked at.
    """
    figures: dict[str, Any] = {
        "candidate": candidate.figures(),
        "control": {"rows": control.rows, "mean_score": control.figures()["mean_score"]},
        "agreement": agreed / pairs if pairs else None,
        "pairs": pairs,
    }
    if not pairs:
        seen = f"{candidate.errors:,} of {candidate.requests:,} mirrored requests failed"
        return _evidence(
            [
                Finding("inconclusive", f"no mirrored row was answered by both yet ({seen})"),
                *_failing(candidate, limits, margins),
            ],
            candidate.requests - candidate.errors,
            figures,
            phase,
            window,
        )
    figures["difference"] = _difference(candidate, control)
    findings = [
        *_agreement(agreed, pairs, min_agreement, FALSE_ALARMS / 4),
        *_failing(candidate, limits, margins),
        *decides_otherwise(candidate, control, margins, alpha=FALSE_ALARMS / 4),
        *scores_otherwise(candidate, control, margins, alpha=FALSE_ALARMS / 4),
    ]
    return _evidence(findings, candidate.requests - candidate.errors, figures, phase, window)


def count_agreed(
    theirs: NDArray[np.float64], ours: NDArray[np.float64], same_decision: NDArray[np.bool_] | None
) -> int:
    """On how many rows both decide alike, or for numbers answer the same within CLOSE.

    Args:
        theirs: [n], the scores that clients got.
        ours: [n], those of the shadow.
        same_decision: [n]; None where the model gives numbers and decides nothing.
    """
    if same_decision is not None:
        return int(same_decision.sum())
    close = np.abs(ours - theirs) <= CLOSE * np.abs(theirs)
    return int(close.sum())


def _unseen(who: str, side: Side) -> Iterable[Finding]:
    """What was answered and is not in the log cannot be compared, and must not pass for being alike."""
    if side.requests > side.errors and not side.rows:
        answered = side.requests - side.errors
        yield Finding("inconclusive", f"none of the {answered:,} answers of {who} is in the log")


def _agreement(agreed: int, pairs: int, least: float, alpha: float) -> Iterable[Finding]:
    _, high = rate_interval(agreed, pairs, alpha)
    words = f"both agree on {agreed / pairs:.1%} of {pairs:,} rows, {least:.1%} are asked for"
    if high < least:
        yield Finding("reject", words)
    elif agreed / pairs < least:
        yield Finding("inconclusive", f"{words}; that few rows do not settle it")


def _failing(candidate: Side, limits: Mapping[str, Limit], margins: Margins) -> Iterable[Finding]:
    # Only requests that were answered are mirrored: whatever fails here fails because of the candidate.
    if candidate.requests:
        low, _ = rate_interval(candidate.errors, candidate.requests, FALSE_ALARMS / 8)
        if low > margins.error_rate:
            share = candidate.errors / candidate.requests
            yield Finding("reject", f"{share:.2%} of {candidate.requests:,} mirrored requests failed")
        yield from beyond_limits(candidate, limits, alpha=FALSE_ALARMS / 8)


def _difference(candidate: Side, control: Side) -> dict[str, float | None]:
    n, m = candidate.scores.size, control.scores.size
    return {
        "score_distance": distance_between(candidate.scores, control.scores) if n and m else None,
        "score_distance_by_chance": distance_by_chance(n, m, FALSE_ALARMS / 4) if n and m else None,
    }


def _evidence(
    findings: Iterable[Finding], requests: int, figures: Mapping[str, Any], phase: Phase, window: Window
) -> Evidence:
    rejected = tuple(found.words for found in findings if found.judgement == "reject")
    open_ = tuple(found.words for found in findings if found.judgement != "reject")
    judgement: Judgement = "reject" if rejected else "inconclusive" if open_ else "ship"
    return Evidence(
        judgement=judgement,
        reasons=rejected or open_ or (f"{requests:,} requests, nothing speaks against it",),
        at=window.at,
        window_from=window.since,
        window_to=window.until,
        requests=requests,
        needed=phase.min_requests,
        figures=figures,
    )
