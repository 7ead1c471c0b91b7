"""What is watched in production, and when it alarms."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rondo.contract._base import Section
from rondo.contract.units import Duration


class Watch(Section):
    """One watched figure."""

    threshold: float
    alert_on: Literal["above", "below"]
    unit: Literal["ms", "s", "%"] | None = None
    severity: Literal["warning", "critical"] = "warning"
    for_: Duration = Field(default="0s", alias="for", validate_default=True)
    """How long it must stay beyond the threshold before it alarms."""


class Monitoring(Section):
    """The monitoring section."""

    model_metrics: dict[str, Watch] = Field(default_factory=dict)
    drift_metrics: dict[str, Watch] = Field(default_factory=dict)
    system_metrics: dict[str, Watch] = Field(default_factory=dict)
    notify: tuple[str, ...] = ()
    """Where alerts go: URLs by reference, env:NAME."""
    window: Duration = Field(default="1d", validate_default=True)
    """Length of an event-time window; the last complete evidence is looked at."""
    min_samples: int = Field(default=100, ge=1)
    """With fewer rows a figure is `not enough evidence`, never fine."""
    reference: Literal["judged", "previous_window", "season"] = "judged"
    """What drift is measured against: the rows on which the model was judged, the window before this one, or the
    same time one season earlier (`season`)."""
    season: Duration | None = None
    """After which time the world looks alike again, e.g. 7d or 1 year; needed by `reference: season`."""
    repeat_every: Duration = Field(default="1d", validate_default=True)
    """An alert that stays open and unacknowledged is sent again after this time."""
    bins: int = Field(default=10, ge=2, le=100)
