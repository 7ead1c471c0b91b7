"""The candidate with a share of the requests, against the version in production over the same time."""

from __future__ import annotations

from datetime import datetime

from rondo.lifecycle.evidence.answers import answers_since
from rondo.lifecycle.workshop import Workshop
from rondo.records.rollout import Evidence, Rollout
from rondo.stages.deployment import Side, Window, judge_canary


def gather(workshop: Workshop, rollout: Rollout, now: datetime) -> Evidence:
    """What speaks for and against a greater share for the candidate, since the phase began."""
    since = rollout.phase_since or now
    answers = answers_since(workshop, since)
    return judge_canary(
        answers.side(rollout.candidate),
        answers.side(rollout.stable) if rollout.stable else Side(),
        limits=workshop.project.deployment.rollback_on,
        margins=workshop.project.deployment.margins,
        phase=rollout.phase,
        window=Window(since, now, now),
    )
