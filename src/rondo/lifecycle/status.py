"""Where the project stands: each criterion with what enforces it and what was last measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rondo.contract import Project
from rondo.lifecycle.rooms import last_verdict
from rondo.lifecycle.workshop import Workshop
from rondo.records.monitoring import Observation
from rondo.records.verdict import Gate, Verdict

GAP = "gap"


@dataclass(frozen=True, slots=True)
class CriterionStanding:
    """A line of the contract. The verdict is `gap` where nothing enforces it or nothing was measured."""

    name: str
    asked: str
    enforcer: str
    value: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ProjectStanding:
    """The whole contract, and what serves."""

    project: str
    serving: str
    criteria: tuple[CriterionStanding, ...]


def standing(workshop: Workshop) -> ProjectStanding:
    """The contract line by line, from the newest verdict and the newest observations."""
    release = workshop.state.production()
    serving = f"{release.version} is in production" if release else "nothing is in production yet"
    newest = {seen.metric: seen for seen in workshop.state.observations() if seen.feature is None}
    criteria = _lines(workshop.project, last_verdict(workshop), newest)
    return ProjectStanding(workshop.project.project, serving, tuple(criteria))


def _lines(
    project: Project, verdict: Verdict | None, newest: dict[str, Observation]
) -> Iterator[CriterionStanding]:
    for gate in verdict.gates if verdict else ():
        yield CriterionStanding(gate.name, gate.asked, "gate", _found(gate), gate.status)
    if verdict is None:
        for name in project.success_criteria.offline_metrics:
            yield CriterionStanding(
                name, _asked(project, "offline_metrics", name), "gate", "not measured", GAP
            )
    for name in project.success_criteria.system_metrics:
        yield _observed(
            name, _asked(project, "system_metrics", name), newest.get(name) or newest.get(_turned(name))
        )
    for name in project.success_criteria.online_metrics:
        yield CriterionStanding(
            name, _asked(project, "online_metrics", name), "nothing yet", "not measured", GAP
        )
    for section in (project.monitoring.model_metrics, project.monitoring.system_metrics):
        for name, watch in section.items():
            yield _observed(
                name, f"alert {watch.alert_on} {watch.threshold:g}{watch.unit or ''}", newest.get(name)
            )


def _asked(project: Project, section: str, name: str) -> str:
    criterion = getattr(project.success_criteria, section)[name]
    bounds = (("at least", criterion.min), ("at most", criterion.max), ("target", criterion.target))
    return ", ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)


def _observed(name: str, asked: str, seen: Observation | None) -> CriterionStanding:
    if seen is None or seen.value is None:
        why = f"{seen.state}: {seen.note}" if seen else "not measured"
        return CriterionStanding(name, asked, "monitoring" if seen else "nothing yet", why, GAP)
    value = f"{seen.value:.4g}{seen.unit or ''} (n = {seen.n:,})"
    return CriterionStanding(name, asked, "monitoring", value, seen.state)


def _turned(name: str) -> str:
    """`p99_latency` and `latency_p99` are one figure."""
    first, _, rest = name.partition("_")
    return f"{rest}_{first}"


def _found(gate: Gate) -> str:
    if gate.found is None:
        return "not measured"
    interval = f" [{gate.low:.4g}, {gate.high:.4g}]" if gate.low is not None and gate.high is not None else ""
    return f"{gate.found:.4g}{interval}"
