"""What the material means: the project in one line, the boxes of the round, shares, decisions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rondo.dashboard.material import Material
from rondo.lifecycle.criteria import MET, MISSED
from rondo.lifecycle.status import CriterionStanding
from rondo.records.monitoring import Alert, Decision
from rondo.records.release import Event
from rondo.records.rollout import Phase, Rollout

Tone = Literal["ok", "warn", "bad", "none"]
Passage = Literal["done", "here", "ahead", "stopped", "unreached"]
REPORTS = (
    "project",
    "data_validation",
    "evaluation",
    "model_card",
    "monitoring",
    "policy_backtest",
    "story",
)
REPORTS_ABOUT = ("preflight", "experiment")  # each is followed by a version or a name
_STAGES = {
    "data": ("extract", "data"),
    "features": ("features",),
    "training": ("training", "packaging"),
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
    """One stage of the round: how it is, in one sentence, and since when.

    `said` is a key of the words, to be filled with the values (keys as well, or data), or a recorded sentence.
    """

    key: str
    tone: Tone
    said: str
    at: datetime | None
    page: str
    busy: bool = False
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the owner has to know first: a tone, and keys of the words with their values."""

    tone: Tone
    said: tuple[tuple[str, Mapping[str, object]], ...]


@dataclass(frozen=True, slots=True)
class TrafficShare:
    """What a version is given of the requests, and what it answered lately."""

    version: str
    role: Literal["production", "candidate", "shadow"]
    planned: float
    answered: int
    answered_share: float | None


def summary_of(material: Material) -> Summary:
    """The project in one line. It is in order only when something serves, somebody looks, and nothing is missed."""
    production, rollout = material.production, material.rollout
    firing = _firing(material)
    met = sum(one.verdict in MET for one in material.criteria)
    missed = sum(one.verdict in MISSED for one in material.criteria)
    gaps = len(material.criteria) - met - missed
    said: list[tuple[str, Mapping[str, object]]] = [
        ("summary.production", {"version": production.version})
        if production
        else ("summary.no_production", {})
    ]
    if rollout is not None and (not rollout.ended or rollout.state == "frozen"):
        said.append(("summary.rollout", {"version": rollout.candidate, "state": f"state.{rollout.state}"}))
    if material.proposal is not None and not material.proposal.approved:
        said.append(("summary.proposal", {}))
    unwatched = material.heartbeat.late and production is not None
    if unwatched:
        said.append(("summary.unwatched", {}))
    said.append(("summary.alerts", {"n": len(firing)}) if firing else ("summary.no_alerts", {}))
    said.append(("summary.criteria", {"met": met, "missed": missed, "gaps": gaps}))
    return Summary(_tone_of(material, firing, unwatched=unwatched, missed=missed, gaps=gaps), tuple(said))


def _tone_of(material: Material, firing: Sequence[Alert], *, unwatched: bool, missed: int, gaps: int) -> Tone:
    rollout = material.rollout
    frozen = rollout is not None and rollout.state == "frozen"
    if frozen or unwatched or any(alert.severity == "critical" for alert in firing):
        return "bad"
    waits = rollout is not None and rollout.state in ("waiting", "paused")
    asked = material.proposal is not None and not material.proposal.approved
    if firing or missed or gaps or waits or asked:
        return "warn" if material.production or firing else "none"
    return "ok" if material.production else "none"


def worst_first_criteria(criteria: Iterable[CriterionStanding]) -> tuple[CriterionStanding, ...]:
    """What is missed, then what has no verdict, then what is met; each in the order of the project file."""
    return tuple(
        sorted(criteria, key=lambda one: 0 if one.verdict in MISSED else 2 if one.verdict in MET else 1)
    )


def reports_of(names: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    """Per report the key of its title ("": unknown), what it is about, and its file; those of the project first."""
    return tuple(
        sorted((_report(name) for name in names), key=lambda one: (bool(one[1]), one[0] == "", one[2]))
    )


def _report(name: str) -> tuple[str, str, str]:
    stem = name.removesuffix(".html")
    if stem in REPORTS:
        return f"report.{stem}", "", name
    kind, _, about = stem.partition("_")
    return (f"report.{kind}", about.replace("_", " "), name) if kind in REPORTS_ABOUT else ("", "", name)


def ended_badly(rollouts: Iterable[Rollout]) -> Mapping[str, Rollout]:
    """The versions whose newest rollout ended badly."""
    newest = {one.candidate: one for one in rollouts}
    return {
        version: one for version, one in newest.items() if one.state in ("rolled_back", "aborted", "frozen")
    }


def phases_of(rollout: Rollout | None) -> tuple[tuple[Phase, Passage], ...]:
    """How far the rollout came: where it ended is not passed, and what lies behind that was never reached."""
    if rollout is None:
        return ()
    return tuple((phase, _passage(rollout, at)) for at, phase in enumerate(rollout.phases))


def _passage(rollout: Rollout, at: int) -> Passage:
    if rollout.state == "promoted" or at < rollout.place:
        return "done"
    if rollout.ended:
        return "stopped" if at == rollout.place else "unreached"
    if rollout.state == "waiting":
        return "ahead"
    return "here" if at == rollout.place else "ahead"


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
        return Box("validation", "none", "stage.never", None, "/events")
    passed = sum(gate.status == "passed" for gate in verdict.gates)
    tone = _VERDICTS.get(verdict.judgement, "none")
    values = {
        "version": verdict.version,
        "judgement": f"state.{verdict.judgement}",
        "passed": passed,
        "n": len(verdict.gates),
    }
    return Box(
        "validation", tone, "validation.said", verdict.judged_at, "/reports/evaluation.html", values=values
    )


def _deployment_box(material: Material) -> Box:
    rollout, production = material.rollout, material.production
    if rollout is not None and not rollout.ended:
        values = {
            "version": rollout.candidate,
            "phase": f"phase.{rollout.phase.kind}",
            "state": f"state.{rollout.state}",
        }
        return Box("deployment", _ROLLOUTS[rollout.state], "deployment.under_way", rollout.phase_since, "/releases",
                   busy=rollout.state == "running", values=values)  # fmt: skip
    if rollout is not None and rollout.state in ("rolled_back", "frozen"):
        values = {"version": rollout.candidate, "state": f"state.{rollout.state}"}
        return Box("deployment", "bad", "deployment.ended", rollout.ended_at, "/releases", values=values)
    if production is None:
        return Box("deployment", "none", "production.none", None, "/releases")
    values = {"version": production.version}
    since = rollout.ended_at if rollout is not None and rollout.candidate == production.version else None
    return Box("deployment", "ok", "deployment.production", since or production.registered_at, "/releases",
               values=values)  # fmt: skip


def _monitoring_box(material: Material) -> Box:
    beat = material.heartbeat
    if beat.last_look is None:
        return Box("monitoring", "none", "monitor.never", None, "/performance")
    if beat.late:
        return Box("monitoring", "bad", "monitor.late", beat.last_look, "/performance")
    firing = _firing(material)
    if not firing:
        return Box("monitoring", "ok", "alerts.none", beat.last_look, "/alerts")
    tone: Tone = "bad" if any(alert.severity == "critical" for alert in firing) else "warn"
    return Box("monitoring", tone, firing[-1].message, firing[-1].opened_at, "/alerts")


def _firing(material: Material) -> list[Alert]:
    return [alert for alert in material.alerts if alert.fired_at and not alert.recovered_at]


def _retraining_box(material: Material) -> Box:
    if not material.decisions:
        return Box("retraining", "none", "decision.never", None, "/retraining")
    last = material.decisions[-1]
    if last.should_retrain:
        values = {"reasons": [f"reason.{reason}" for reason in last.reasons]}
        return Box("retraining", "warn", "decision.due", last.decided_at, "/retraining", values=values)
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


@dataclass(frozen=True, slots=True)
class Decided:
    """The newest of decisions in a row that say the same, how many there were, and when the first was made."""

    newest: Decision
    times: int
    since: datetime


def decided(decisions: Iterable[Decision]) -> tuple[Decided, ...]:
    """The decisions, newest first; what was decided again and again for the same reasons is told once."""
    found: list[Decided] = []
    for one in decisions:
        last = found[-1].newest if found else None
        if last is not None and _alike(last, one):
            found[-1] = Decided(one, found[-1].times + 1, found[-1].since)
        else:
            found.append(Decided(one, 1, one.decided_at))
    return tuple(reversed(found))


def _alike(one: Decision, other: Decision) -> bool:
    said = [(each.should_retrain, each.reasons, each.held_back) for each in (one, other)]
    return said[0] == said[1] and not one.should_retrain
