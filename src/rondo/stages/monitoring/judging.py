"""A figure against its threshold. Pure: what was not measured is never fine, and says why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from rondo.contract.monitoring import Watch
from rondo.records.monitoring import Observation, ObservationState
from rondo.stages.monitoring.drift import Moved
from rondo.stages.monitoring.windows import Window


@dataclass(frozen=True, slots=True)
class Figure:
    """What was found, before anybody judges it; `state` is set where it cannot be judged at all."""

    value: float | None
    n: int
    note: str = ""
    moved: Moved | None = None
    of: int | None = None
    watermark: datetime | None = None
    mark: str = ""
    state: ObservationState | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the figures of one version at one look."""

    version: str
    now: datetime

    def __call__(
        self,
        metric: str,
        figure: Figure,
        watch: Watch | None,
        window: Window | None,
        *,
        needed: int,
        feature: str | None = None,
    ) -> Observation:
        """The figure against its threshold; with fewer rows than needed nothing is said about it."""
        state, why = _state(figure, watch, needed)
        # Thresholds of shares may be in percent; the figure is told in the unit of its threshold.
        scale = 100.0 if watch and watch.unit == "%" and figure.moved else 1.0
        told = state in ("fine", "breached", "told", "estimate") and figure.value is not None
        return Observation(
            metric=metric,
            value=figure.value * scale if told and figure.value is not None else None,
            n=figure.n,
            state=state,
            window_from=window.start if window else None,
            window_to=window.end if window else None,
            observed_at=self.now,
            version=self.version,
            feature=feature,
            threshold=watch.threshold if watch else None,
            alert_on=watch.alert_on if watch else None,
            unit=watch.unit if watch else None,
            chance=figure.moved.chance * scale if figure.moved else None,
            note="; ".join(part for part in (why, figure.note) if part),
            beyond=figure.moved.beyond * scale if figure.moved else None,
            of=figure.of,
            watermark=figure.watermark,
            mark=figure.mark,
        )


def _state(figure: Figure, watch: Watch | None, needed: int) -> tuple[ObservationState, str]:
    value, moved = figure.value, figure.moved
    if figure.state is not None:
        return figure.state, ""
    if not figure.n:
        return "missing", "" if figure.note else "nothing was measured"
    if figure.n < needed:
        return "not_enough", f"{figure.n:,} of at least {needed:,}"
    if value is None or not math.isfinite(value):
        return "not_a_number", "" if figure.note else "cannot be computed from these rows"
    if watch is None:
        return "told", ""
    scaled = value * 100.0 if watch.unit == "%" and moved else value
    beyond = scaled > watch.threshold if watch.alert_on == "above" else scaled < watch.threshold
    if beyond and moved is not None and value <= moved.beyond:
        return "fine", f"chance alone gives up to {moved.beyond:.3f} at this sample size"
    return ("breached" if beyond else "fine"), ""
