"""What the monitor saw, and what it said."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from rondo.errors import DataError

ObservationState = Literal[
    "fine",
    "breached",
    "told",  # measured, and nothing is asked of it
    "estimate",  # not measured: computed before the outcomes are known
    "not_enough",
    "missing",
    "not_a_number",
    "not_available",
]
OBSERVATIONS_KEPT = timedelta(days=400)
"""Observations that were last made longer ago are let go: a year of history, and a season to compare it with."""
WITH_VALUE = frozenset[ObservationState]({"fine", "breached", "told", "estimate"})


@dataclass(frozen=True, slots=True)
class AcceleratorFigures:
    """How busy one accelerator is; shares of its time and of its memory."""

    name: str
    utilization: float
    memory_share: float


@dataclass(frozen=True, slots=True)
class Observation:
    """One figure over one event-time window; `value` is None unless the state is one of WITH_VALUE.

    A later look at the same figure, version and window revises the observation: see `identity`.
    """

    metric: str
    value: float | None
    n: int
    state: ObservationState
    window_from: datetime | None
    window_to: datetime | None
    observed_at: datetime
    version: str | None = None
    feature: str | None = None
    threshold: float | None = None
    alert_on: Literal["above", "below"] | None = None
    unit: str | None = None
    chance: float | None = None  # what chance alone would give at this sample size
    note: str = ""
    beyond: float | None = None  # what chance alone hardly ever exceeds at this sample size
    of: int | None = None  # how many rows the window has, where `n` counts those with an outcome
    watermark: datetime | None = None  # when the newest of those outcomes was received
    mark: str = ""  # of the rows it was computed from: equal rows need no second computation

    @property
    def identity(self) -> str:
        """What a later look revises: the figure, the feature, the version and the window's start."""
        start = self.window_from.astimezone(UTC).isoformat() if self.window_from else ""
        return "|".join((self.metric, self.feature or "", self.version or "", start))


@dataclass(frozen=True, slots=True)
class Alert:
    """A figure that is (or was) beyond its threshold; one alert per key until it recovers.

    It is pending until it was beyond for as long as the contract says (`for`), then it fires and is sent.
    """

    key: str  # metric, and feature where there is one
    metric: str
    severity: Literal["warning", "critical"]
    message: str
    opened_at: datetime
    last_seen_at: datetime
    value: float
    threshold: float
    feature: str | None = None
    recovered_at: datetime | None = None
    fired_at: datetime | None = None  # None: pending
    sent_at: datetime | None = None  # when somebody was last told of it
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""


def check_figures(alerts: Iterable[Alert]) -> None:
    """Nothing, where every alert is about a number.

    Raises:
        DataError: one is not.
    """
    for alert in alerts:
        if not (math.isfinite(alert.value) and math.isfinite(alert.threshold)):
            raise DataError(f"the alert {alert.key!r} is about a figure that is not a number")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to start a new round, and why; `held_back` says what stands against it."""

    should_retrain: bool
    reasons: tuple[str, ...]  # accuracy_degradation, data_drift, scheduled_retrain, new_data_available
    evidence: tuple[str, ...]  # a sentence per trigger, with figures, also for those that could not be judged
    decided_at: datetime
    held_back: str = ""
