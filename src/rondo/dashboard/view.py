"""What the material means: the boxes of the round, shares, series for pictures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rondo.dashboard.material import Material
from rondo.records.monitoring import WITH_VALUE, Observation
from rondo.records.release import Event
from rondo.records.rollout import Rollout

Tone = Literal["ok", "warn", "bad", "none"]
ROUND = ("problem", "data", "features", "training", "validation", "deployment", "monitoring", "retraining")
_STAGES = {
    "data": ("extract", "data"),
    "features": ("features",),
    "training": ("training", "packaging"),
    "validation": ("validation",),
}
_VERDICTS: Mapping[str, Tone] = {"ship": "ok", "reject": "bad", "hold": "warn", "inconclusive": "warn"}
_ROLLOUTS: Mapping[str, Tone] = {
    "promoted": "ok",
    "running": "ok",
    "waiting": "warn",
    "paused": "warn",
    "held": "none",
    "rolled_back": "bad",
    "aborted": "warn",
    "frozen": "bad",
}


@dataclass(frozen=True, slots=True)
class Box:
    """One stage of the round: how it is, in one sentence, and since when. `said` is a key of the words, or data."""

    key: str
    tone: Tone
    said: str
    at: datetime | None
    page: str
    busy: bool = False


@dataclass(frozen=True, slots=True)
class TrafficShare:
    """What a version is given of the requests, and what it answered lately."""

    version: str
    role: Literal["production", "candidate", "shadow"]
    planned: float
    answered: int
    answered_share: float | None


def round_of(material: Material) -> tuple[Box, ...]:
    """The boxes of the round in their order."""
    newest = _newest_by_stage(material.events)
    stages = tuple(_stage_box(key, newest, material) for key in ("data", "features", "training"))
    return (
        Box("problem", "ok", "contract.sound", None, "/#contract"),
        *stages,
        _validation_box(newest, material),
        _deployment_box(material),
        _monitoring_box(material),
        _retraining_box(material),
    )


def _newest_by_stage(events: Sequence[Event]) -> dict[str, Event]:
    kinds = ("stage.started", "stage.finished", "stage.failed")
    return {event.subject: event for event in events if event.kind in kinds}


def _stage_box(key: str, newest: Mapping[str, Event], material: Material) -> Box:
    found = [newest[name] for name in _STAGES[key] if name in newest]
    if not found:
        return Box(key, "none", "stage.never", None, "/events")
    last = max(found, key=lambda event: event.sequence)
    if last.kind == "stage.started":
        busy = material.round_under_way
        return Box(key, "none" if busy else "bad", "stage.running" if busy else "stage.ended_early",
                   last.at, "/events", busy=busy)  # fmt: skip
    if last.kind == "stage.failed":
        return Box(key, "bad", last.reason, last.at, "/events")
    return Box(key, "ok", str(last.details.get("result", "")), last.at, "/events")


def _validation_box(newest: Mapping[str, Event], material: Material) -> Box:
    last = newest.get("validation")
    if last is not None and last.kind == "stage.started" and material.round_under_way:
        return Box("validation", "none", "stage.running", last.at, "/events", busy=True)
    verdict = material.verdict
    if verdict is None:
        return Box("validation", "none", "stage.never", None, "/reports/evaluation.html")
    passed = sum(gate.status == "passed" for gate in verdict.gates)
    said = f"{verdict.version}: {verdict.judgement}, {passed}/{len(verdict.gates)}"
    tone = _VERDICTS.get(verdict.judgement, "none")
    return Box("validation", tone, said, verdict.judged_at, "/reports/evaluation.html")


def _deployment_box(material: Material) -> Box:
    rollout, production = material.rollout, material.production
    if rollout is not None and not rollout.ended:
        said = f"{rollout.candidate}: {rollout.phase.kind} ({rollout.state})"
        return Box("deployment", _ROLLOUTS[rollout.state], said, rollout.phase_since, "/releases",
                   busy=rollout.state == "running")  # fmt: skip
    if rollout is not None and rollout.state in ("rolled_back", "frozen"):
        return Box(
            "deployment", "bad", f"{rollout.candidate}: {rollout.state}", rollout.ended_at, "/releases"
        )
    if production is None:
        return Box("deployment", "none", "production.none", None, "/releases")
    return Box("deployment", "ok", f"{production.version}", production.registered_at, "/releases")


def _monitoring_box(material: Material) -> Box:
    beat = material.heartbeat
    if beat.last_look is None:
        return Box("monitoring", "none", "monitor.never", None, "/performance")
    if beat.late:
        return Box("monitoring", "bad", "monitor.late", beat.last_look, "/performance")
    firing = [alert for alert in material.alerts if alert.fired_at and not alert.recovered_at]
    if not firing:
        return Box("monitoring", "ok", "alerts.none", beat.last_look, "/alerts")
    tone: Tone = "bad" if any(alert.severity == "critical" for alert in firing) else "warn"
    return Box("monitoring", tone, firing[-1].message, firing[-1].opened_at, "/alerts")


def _retraining_box(material: Material) -> Box:
    if not material.decisions:
        return Box("retraining", "none", "decision.never", None, "/retraining")
    last = material.decisions[-1]
    if last.should_retrain:
        return Box("retraining", "warn", ", ".join(last.reasons), last.decided_at, "/retraining")
    said = last.held_back or "decision.not_due"
    return Box("retraining", "ok", said, last.decided_at, "/retraining")


def traffic_of(material: Material) -> tuple[TrafficShare, ...]:
    """Who gets which share, production first; without a release none."""
    production = material.history[-1] if material.history else None
    total = sum(material.answered.get(version, 0) for version in material.routes.weights)
    shares = [
        TrafficShare(
            version,
            "production" if version == production else "candidate",
            weight,
            material.answered.get(version, 0),
            material.answered.get(version, 0) / total if total else None,
        )
        for version, weight in material.routes.weights.items()
    ]
    if material.routes.shadow:
        seen = material.answered.get(material.routes.shadow, 0)
        shares.append(TrafficShare(material.routes.shadow, "shadow", 0.0, seen, None))
    return tuple(sorted(shares, key=lambda share: (share.role != "production", share.version)))


def rollout_tone(rollout: Rollout) -> Tone:
    """The colour of a rollout's state."""
    return _ROLLOUTS[rollout.state]


def buttons_of(rollout: Rollout | None) -> tuple[str, ...]:
    """What a person may ask of the rollout now."""
    if rollout is None or rollout.ended:
        return ()
    if rollout.state == "waiting":
        return ("approve", "abort")
    return ("resume" if rollout.state == "paused" else "pause", "abort")


def series_of(
    observations: Sequence[Observation], metric: str
) -> dict[str, list[tuple[datetime, float | None]]]:
    """Per feature (or version) the values of that metric in time; a figure without a value leaves a gap."""
    found: dict[str, dict[datetime, float | None]] = {}
    for seen in observations:
        if seen.metric != metric or seen.window_to is None:
            continue
        name = seen.feature or seen.version or metric
        value = seen.value if seen.state in WITH_VALUE else None
        found.setdefault(name, {})[seen.window_to] = value
    return {name: sorted(points.items()) for name, points in found.items()}


def newest_of(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """The newest observation of every figure, in the order in which the figures were first seen."""
    found: dict[tuple[str, str | None], Observation] = {}
    for seen in observations:
        key = (seen.metric, seen.feature)
        if key not in found or found[key].observed_at <= seen.observed_at:
            found[key] = seen
    return tuple(found.values())


def metrics_in(observations: Sequence[Observation], *, with_feature: bool) -> tuple[str, ...]:
    """Names of the metrics that were observed per feature, or as a whole, in the order of appearance."""
    return tuple(dict.fromkeys(_names(observations, with_feature)))


def _names(observations: Sequence[Observation], with_feature: bool) -> Iterator[str]:
    for seen in observations:
        if (seen.feature is not None) == with_feature:
            yield seen.metric


def worst_first(
    series: Mapping[str, Sequence[tuple[datetime, float | None]]], most: int
) -> dict[str, Sequence[tuple[datetime, float | None]]]:
    """The series with the greatest newest values, at most so many."""

    def newest(points: Sequence[tuple[datetime, float | None]]) -> float:
        return next((value for _, value in reversed(points) if value is not None), -1.0)

    ranked = sorted(series, key=lambda name: newest(series[name]), reverse=True)
    return {name: series[name] for name in ranked[:most]}
