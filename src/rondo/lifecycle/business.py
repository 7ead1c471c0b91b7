"""The online metrics of the contract: computed for the version in production, against its A/B test if it had one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rondo.errors import CorruptArtifact
from rondo.lifecycle.evidence.experiment import settings
from rondo.lifecycle.experimenting import STRATEGY, exposed_since
from rondo.records.monitoring import Observation
from rondo.records.release import PROMOTED, ROLLED_BACK, Release
from rondo.records.rollout import Rollout
from rondo.stages.monitoring.business import Business, SideBySide, business_observations

if TYPE_CHECKING:
    from rondo.lifecycle.workshop import Workshop
    from rondo.stages.monitoring import Evidence, Served


def business(
    workshop: Workshop, release: Release, served: Served, seen: Evidence, *, now: datetime
) -> tuple[Observation, ...]:
    """An observation per online metric that monitoring does not watch under that name anyway.

    Args:
        workshop: the project.
        release: in production.
        served: the same as monitoring knows it.
        seen: what was logged lately, of every version.
        now: the moment of the look.
    """
    project, watched = workshop.project, workshop.project.monitoring
    criteria = {
        name: criterion
        for name, criterion in project.success_criteria.online_metrics.items()
        if name not in watched.model_metrics
    }
    if not criteria:
        return ()
    basis = Business(
        version=release.version,
        positive=served.positive,
        classes=served.classes,
        threshold=served.threshold,
        since=_since(workshop, release.version),
        predictions=seen.predictions,
        outcomes=seen.outcomes,
        tested=_tested(workshop.state.rollouts(), release.version, now),
        costs=project.ml_problem.costs,
        min_samples=watched.min_samples,
    )
    return business_observations(criteria, basis, now=now)


def _since(workshop: Workshop, version: str) -> datetime | None:
    """When the version last went into production; None where that is longer ago than the events looked at."""
    moments = [
        event.at
        for kind in (PROMOTED, ROLLED_BACK)
        for event in workshop.state.events(kind=kind, limit=100)
        if event.subject == version
    ]
    return max(moments, default=None)


def _tested(rollouts: tuple[Rollout, ...], version: str, now: datetime) -> SideBySide | None:
    """The newest A/B test that the version took part in as treatment, or as control while the test runs. Pure."""
    for rollout in reversed(rollouts):
        running = not rollout.ended and rollout.stable == version
        if rollout.strategy != STRATEGY or not (running or rollout.candidate == version):
            continue
        start = exposed_since(rollout)
        if start is None:
            continue
        try:
            plan, _ = settings(rollout)
        except CorruptArtifact:
            continue
        return SideBySide(plan.control.version, plan.treatments[0].version, start, rollout.ended_at or now)
    return None
