"""Frozen days of the contract, as they are today where the business is."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from rondo.lifecycle.workshop import Workshop

AUTOMATIC = frozenset({"monitor", "schedule"})
"""Who goes round without a person having asked."""


def today(workshop: Workshop) -> date:
    """The day in the time zone of the project's schedule."""
    return workshop.clock().astimezone(ZoneInfo(workshop.project.pipeline.timezone)).date()


def frozen_today(workshop: Workshop) -> str:
    """Why nothing changes by itself today; empty where it may."""
    if not workshop.project.retraining.freeze:
        return ""
    from rondo.stages.retraining import frozen

    return frozen(workshop.project.retraining, today(workshop))
