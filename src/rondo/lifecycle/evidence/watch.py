"""The version that was just promoted, against the contract's limits."""

from __future__ import annotations

from datetime import datetime

from rondo.lifecycle.evidence.answers import answers_since
from rondo.lifecycle.workshop import Workshop
from rondo.records.rollout import Evidence, Rollout
from rondo.stages.deployment import Window, judge_watch


def gather(workshop: Workshop, rollout: Rollout, now: datetime) -> Evidence:
    """What speaks for and against keeping it in production, since it is there."""
    since = rollout.phase_since or now
    return judge_watch(
        answers_since(workshop, since).side(rollout.candidate),
        limits=workshop.project.deployment.rollback_on,
        phase=rollout.phase,
        window=Window(since, now, now),
    )
