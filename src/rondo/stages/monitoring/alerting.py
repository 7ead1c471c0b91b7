"""Which figures open, keep, fire or close an alert. Pure.

One alert per figure (and feature) at a time. It is pending until its figure was beyond the threshold for as long as the
contract says (`for`), then it fires; a pending one whose figure is fine again was never said. What could not be
measured neither opens nor closes one: a figure that is fine again does, or that nobody looks at any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rondo.contract.monitoring import Monitoring, Watch
from rondo.pages import measure
from rondo.records.monitoring import Alert, Observation
from rondo.stages.monitoring.service_levels import SERVICE_LEVEL


@dataclass(frozen=True, slots=True)
class Alerting:
    """What changed: alerts that fired now, that wait for their time, that go on, and that are over."""

    opened: tuple[Alert, ...]
    pending: tuple[Alert, ...]
    kept: tuple[Alert, ...]
    recovered: tuple[Alert, ...]
    withdrawn: tuple[Alert, ...]  # over before they fired: nobody hears of them

    @property
    def changed(self) -> tuple[Alert, ...]:
        """Every alert to be written down."""
        return (*self.opened, *self.pending, *self.kept, *self.recovered, *self.withdrawn)


def alerts_after(
    watched: Monitoring, open_alerts: Iterable[Alert], observations: Iterable[Observation], *, now: datetime
) -> Alerting:
    """The alerts after these observations (one per figure and feature), given those that are open."""
    before = {alert.key: alert for alert in open_alerts if alert.recovered_at is None}
    opened: list[Alert] = []
    pending: list[Alert] = []
    kept: list[Alert] = []
    recovered: list[Alert] = []
    withdrawn: list[Alert] = []
    looked_at = {key_of(seen): seen for seen in observations}
    for key, alert in before.items():
        if key not in looked_at:
            over = replace(alert, recovered_at=now)
            (withdrawn if alert.fired_at is None else recovered).append(over)
    for key, seen in looked_at.items():
        known = before.get(key)
        if seen.state == "breached" and seen.value is not None and seen.threshold is not None:
            going_on = _seen_again(known, seen, now) if known else _first_seen(watched, key, seen, now)
            if going_on.fired_at is not None:
                kept.append(going_on)
            elif now - going_on.opened_at >= _patience(watched, seen):
                opened.append(replace(going_on, fired_at=now))
            else:
                pending.append(going_on)
        elif seen.state == "fine" and known is not None:
            over = replace(known, recovered_at=now)
            (withdrawn if known.fired_at is None else recovered).append(over)
    return Alerting(tuple(opened), tuple(pending), tuple(kept), tuple(recovered), tuple(withdrawn))


def key_of(seen: Observation) -> str:
    """What an alert about this figure is called."""
    return f"{seen.metric}/{seen.feature}" if seen.feature else seen.metric


def told(seen: Observation) -> str:
    """The figure in a sentence."""
    subject = f"{seen.metric} of {seen.feature}" if seen.feature else seen.metric
    limit = f"{seen.alert_on} {measure(seen.threshold, seen.unit)}"
    return f"{subject} is {measure(seen.value, seen.unit)}, {limit} (n = {seen.n:,})"


def _first_seen(watched: Monitoring, key: str, seen: Observation, now: datetime) -> Alert:
    watch = _watch(watched, seen)
    assert seen.value is not None
    assert seen.threshold is not None
    return Alert(
        key=key,
        metric=seen.metric,
        # A service level that does not hold is a promise broken while people wait.
        severity=watch.severity if watch else "critical" if seen.metric == SERVICE_LEVEL else "warning",
        message=told(seen),
        opened_at=now,
        last_seen_at=now,
        value=seen.value,
        threshold=seen.threshold,
        feature=seen.feature,
    )


def _seen_again(known: Alert, seen: Observation, now: datetime) -> Alert:
    assert seen.value is not None
    return replace(known, last_seen_at=now, value=seen.value, message=told(seen))


def _patience(watched: Monitoring, seen: Observation) -> timedelta:
    watch = _watch(watched, seen)
    return watch.for_ if watch else timedelta(0)


def _watch(watched: Monitoring, seen: Observation) -> Watch | None:
    sections = (watched.model_metrics, watched.drift_metrics, watched.system_metrics)
    return next((section[seen.metric] for section in sections if seen.metric in section), None)
