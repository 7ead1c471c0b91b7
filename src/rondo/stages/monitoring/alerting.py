"""Which figures open, keep or close an alert. Pure.

One alert per figure (and feature) at a time. What could not be measured neither opens nor closes one: only a
figure that is fine again does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from rondo.contract.monitoring import Monitoring
from rondo.records.monitoring import Alert, Observation


@dataclass(frozen=True, slots=True)
class Alerting:
    """What changed: alerts that are new, that go on, and that are over."""

    opened: tuple[Alert, ...]
    kept: tuple[Alert, ...]
    recovered: tuple[Alert, ...]

    @property
    def changed(self) -> tuple[Alert, ...]:
        """Every alert to be written down."""
        return (*self.opened, *self.kept, *self.recovered)


def alerts_after(
    watched: Monitoring, open_alerts: Iterable[Alert], observations: Iterable[Observation], *, now: datetime
) -> Alerting:
    """The alerts after these observations, given those that are open."""
    before = {alert.key: alert for alert in open_alerts if alert.recovered_at is None}
    opened: list[Alert] = []
    kept: list[Alert] = []
    recovered: list[Alert] = []
    for seen in observations:
        key = f"{seen.metric}/{seen.feature}" if seen.feature else seen.metric
        known = before.get(key)
        if seen.state == "breached" and seen.value is not None:
            if known is None:
                opened.append(_opened(watched, key, seen, now))
            else:
                kept.append(replace(known, last_seen_at=now, value=seen.value, message=told(seen)))
        elif seen.state == "fine" and known is not None:
            recovered.append(replace(known, recovered_at=now))
    return Alerting(tuple(opened), tuple(kept), tuple(recovered))


def told(seen: Observation) -> str:
    """The figure in a sentence."""
    unit = seen.unit or ""
    subject = f"{seen.metric} of {seen.feature}" if seen.feature else seen.metric
    return f"{subject} is {seen.value:.4g}{unit}, {seen.alert_on} {seen.threshold:g}{unit} (n = {seen.n:,})"


def _opened(watched: Monitoring, key: str, seen: Observation, now: datetime) -> Alert:
    sections = (watched.model_metrics, watched.drift_metrics, watched.system_metrics)
    watch = next(section[seen.metric] for section in sections if seen.metric in section)
    return Alert(
        key=key,
        metric=seen.metric,
        severity=watch.severity,
        message=told(seen),
        opened_at=now,
        last_seen_at=now,
        value=seen.value if seen.value is not None else float("nan"),
        threshold=watch.threshold,
        feature=seen.feature,
    )
