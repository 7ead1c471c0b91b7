"""Everything that the pages show, read at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rondo.lifecycle.heartbeat import Heartbeat, heartbeat
from rondo.lifecycle.retraining import Proposal, proposal
from rondo.lifecycle.rooms import last_verdict
from rondo.lifecycle.running import is_running
from rondo.lifecycle.status import CriterionStanding, standing
from rondo.lifecycle.workshop import Workshop
from rondo.records.monitoring import Alert, Decision, Observation
from rondo.records.release import Event, Release, Routes, ServerReport
from rondo.records.rollout import Rollout
from rondo.records.verdict import Verdict

ALIVE_WITHIN = timedelta(seconds=5)
ANSWERED_WITHIN = timedelta(minutes=5)
OVER_SHOWN = timedelta(days=90)
DECISIONS_SHOWN = 1500  # of a day: one is made at every look, and those that say the same stand in one row
EVENTS_SHOWN = 200
OBSERVATIONS_SHOWN = 5000


@dataclass(frozen=True, slots=True)
class Material:
    """The project at one moment; sequences are oldest first."""

    project: str
    objective: str
    read_at: datetime
    releases: Sequence[Release]
    history: Sequence[str]
    routes: Routes
    rollout: Rollout | None
    rollouts: Sequence[Rollout]
    servers: Sequence[ServerReport]
    answered: Mapping[str, int]  # requests by version within ANSWERED_WITHIN
    criteria: Sequence[CriterionStanding]
    verdict: Verdict | None
    observations: Sequence[Observation]
    alerts: Sequence[Alert]
    decisions: Sequence[Decision]
    events: Sequence[Event]
    round_under_way: bool
    heartbeat: Heartbeat
    reports: Sequence[str]
    proposal: Proposal | None = None  # a retrain that waits

    @property
    def production(self) -> Release | None:
        """The release in production."""
        return next((one for one in self.releases if one.stage == "Production"), None)


def read(workshop: Workshop) -> Material:
    """The material of now; each part is a read of its own, so neighbours may be a moment apart."""
    state, now = workshop.state, workshop.clock()
    # Requests are answered by the clock on the wall, also where a story tells the time.
    read_at = workshop.wall_clock()
    answered: dict[str, int] = {}
    for figures in workshop.log.figures(since=read_at - ANSWERED_WITHIN):
        for version, of_version in figures.versions.items():
            answered[version] = answered.get(version, 0) + of_version.requests
    return Material(
        project=workshop.project.project,
        objective=workshop.project.business_objective,
        read_at=read_at,
        releases=state.releases(),
        history=state.production_history(),
        routes=state.routes(),
        rollout=state.rollout(),
        rollouts=state.rollouts(limit=20),
        servers=state.servers(ALIVE_WITHIN, now=read_at),
        answered=answered,
        criteria=standing(workshop).criteria,
        verdict=last_verdict(workshop),
        observations=state.observations(limit=OBSERVATIONS_SHOWN),
        alerts=state.alerts(over_since=now - OVER_SHOWN),
        decisions=state.decisions(limit=DECISIONS_SHOWN),
        events=state.events(limit=EVENTS_SHOWN),
        round_under_way=is_running(workshop.layout.home),
        heartbeat=heartbeat(workshop),
        reports=sorted(file.name for file in workshop.layout.reports.glob("*.html")),
        proposal=proposal(workshop),
    )
