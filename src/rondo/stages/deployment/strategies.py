"""The phases of a rollout: what each strategy asks for, as data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from rondo.contract.deployment import Deployment, Shadow, Strategy
from rondo.records.rollout import Phase


def phases_of(
    section: Deployment, *, candidate: str, stable: str | None, strategy: Strategy | None = None
) -> tuple[Phase, ...]:
    """The phases that bring the candidate into production in place of `stable`.

    A first release has nothing to be compared with: it passes its preflight and is promoted.

    Args:
        section: the deployment section of the project file.
        candidate: the version to release.
        stable: the version in production; None for a first release.
        strategy: in place of the section's own.
    """
    if stable is None:
        return (_preflight(section), Phase("promote", {candidate: 1.0}))
    chosen = strategy or section.strategy
    phases = [_preflight(section)]
    if chosen == "shadow" or section.shadow is not None:
        phases.append(_shadow(section, candidate, stable))
    if chosen == "canary":
        phases.extend(_canary(section, candidate, stable))
    phases.append(Phase("promote", {candidate: 1.0}))
    if section.rollback_window > timedelta(0) and section.rollback_on:
        phases.append(_watch(section))
    return tuple(phases)


def experiment_phases(
    weights: Mapping[str, float], *, candidate: str, duration: timedelta, max_wait: timedelta
) -> tuple[Phase, ...]:
    """The phases of an A/B test: preflight, fixed shares until the test decides, then the promotion.

    Args:
        weights: shares by version, of the candidate and of the version in production; they sum to 1.
        candidate: the version that is promoted when the test says so.
        duration: how long the test may take.
        max_wait: how long after that an answer may take before the test pauses and says why.
    """
    return (
        Phase("preflight", {}, max_wait_s=max_wait.total_seconds()),
        Phase("experiment", dict(weights), max_wait_s=(duration + max_wait).total_seconds()),
        Phase("promote", {candidate: 1.0}),
    )


def _preflight(section: Deployment) -> Phase:
    return Phase("preflight", {}, max_wait_s=section.max_wait.total_seconds())


def _shadow(section: Deployment, candidate: str, stable: str) -> Phase:
    asked = section.shadow or Shadow()
    return Phase(
        "shadow",
        {stable: 1.0},
        shadow=candidate,
        hold_s=asked.hold.total_seconds(),
        min_requests=asked.min_requests,
        max_wait_s=(asked.hold + section.max_wait).total_seconds(),
    )


def _canary(section: Deployment, candidate: str, stable: str) -> list[Phase]:
    asked = section.canary
    return [
        Phase(
            "canary",
            {stable: 1.0 - share, candidate: share},
            hold_s=asked.hold.total_seconds(),
            min_requests=asked.min_requests,
            max_wait_s=(asked.hold + section.max_wait).total_seconds(),
        )
        for share in asked.steps
        if share < 1.0
    ]


def _watch(section: Deployment) -> Phase:
    return Phase(
        "watch",
        {},
        hold_s=section.rollback_window.total_seconds(),
        min_requests=1,
        max_wait_s=(section.rollback_window + section.max_wait).total_seconds(),
    )
