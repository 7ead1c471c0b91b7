"""Each line of the contract beside what enforces it and what was last measured. Pure.

A line is a gap where nothing enforces it, where nothing was measured, or where what was measured says nothing; a gap
never counts as passed, and its value says in words what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rondo.contract import Project
from rondo.contract.metrics import system_name
from rondo.contract.monitoring import Watch
from rondo.contract.problem import Criterion
from rondo.pages import measure, number
from rondo.records.dataset import Check
from rondo.records.metrics import canonical
from rondo.records.monitoring import Observation
from rondo.records.verdict import Gate
from rondo.stages.monitoring import SERVICE_LEVEL

GAP = "gap"
MET, MISSED = frozenset({"passed", "fine"}), frozenset({"failed", "breached"})
"""Verdicts that say something; every other says nothing yet."""
_WORST_FIRST = ("failed", "breached", "not_a_number", "inconclusive", "missing", "passed", "fine")


@dataclass(frozen=True, slots=True)
class CriterionStanding:
    """A line of the contract. The verdict is `gap` where nothing enforces it or nothing was measured."""

    name: str
    asked: str
    enforcer: str
    value: str
    verdict: str
    section: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the project: the newest of each kind of evidence."""

    gates: Sequence[Gate] = ()
    preflight: Sequence[Gate] = ()
    checks: Sequence[Check] = ()
    groups: Mapping[str, str] | None = None
    """Per required group of features what it is; empty text: it is not there; None: no features yet."""
    observations: Sequence[Observation] = ()


def lines(project: Project, facts: Facts) -> Iterator[CriterionStanding]:
    """Every line of problem definition, success criteria and monitoring, in the order of the project file."""
    yield from _problem(project, facts)
    yield from _constraints(project, facts)
    yield from _data(project, facts)
    for name, criterion in project.success_criteria.offline_metrics.items():
        yield _offline(name, criterion, facts)
    for name, criterion in project.success_criteria.online_metrics.items():
        yield _online(name, criterion, facts)
    for name, criterion in project.success_criteria.system_metrics.items():
        yield _system(name, criterion, facts)
    yield from _monitoring(project, facts)
    for gate in facts.gates:
        if gate.kind in ("comparison", "integrity"):
            yield _of_gates("gate", (gate,), name=gate.name, asked=gate.asked, section="release")


def _problem(project: Project, facts: Facts) -> Iterator[CriterionStanding]:
    problem = project.ml_problem
    if project.business_objective:
        online = [_online(name, one, facts) for name, one in project.success_criteria.online_metrics.items()]
        measured = [line for line in online if line.verdict != GAP]
        value = (
            f"{len(measured)} of {len(online)} online metrics are measured" if online else "no online metric"
        )
        whole = _worst([line.verdict for line in online]) if online and len(measured) == len(online) else GAP
        yield CriterionStanding(
            "business_objective", project.business_objective, "online metrics", value, whole, "problem"
        )
    name = problem.success_metric
    if problem.baseline is None:
        yield CriterionStanding(name, "success metric", "nothing", "no baseline is given", GAP, "problem")
        return
    found = [gate for gate in facts.gates if gate.kind == "baseline"]
    yield _of_gates("gate", found, name=name, asked=f"better than {problem.baseline:g}", section="problem")


def _constraints(project: Project, facts: Facts) -> Iterator[CriterionStanding]:
    for name in ("latency", "throughput", "model_size", "interpretability"):
        limit = getattr(project.constraints, name)
        if limit is None:
            continue
        asked = str(limit)
        gated = [gate for gate in facts.gates if gate.kind == "constraint" and gate.name == name]
        tried = [gate for gate in facts.preflight if gate.name == f"constraints.{name}"]
        # A load test in the real server says more about time than the runtime alone.
        first = ("pre-flight", tried) if name in ("latency", "throughput") else ("gate", gated)
        second = ("gate", gated) if first[0] == "pre-flight" else ("pre-flight", tried)
        told = first[1] and any(gate.status != "missing" for gate in first[1])
        enforcer, gates = first if told or not second[1] else second
        yield _of_gates(enforcer, gates, name=name, asked=asked, section="constraints")


def _data(project: Project, facts: Facts) -> Iterator[CriterionStanding]:
    needs = project.data_requirements
    for name, asked in (
        ("historical_period", f"{needs.historical_period.days:,} days" if needs.historical_period else ""),
        ("minimum_samples", f"{needs.minimum_samples:,} rows" if needs.minimum_samples else ""),
    ):
        if not asked:
            continue
        check = next((one for one in facts.checks if one.name == name), None)
        value, verdict = (check.found, check.status) if check else ("not measured yet", GAP)
        verdict = GAP if verdict == "not_computable" else verdict
        yield CriterionStanding(name, asked, "data check", value, verdict, "data")
    if needs.features:
        yield _groups(needs.features, facts)


def _groups(asked: Sequence[str], facts: Facts) -> CriterionStanding:
    names = ", ".join(asked)
    if facts.groups is None:
        return CriterionStanding("features", names, "features", "no features were made yet", GAP, "data")
    absent = [name for name in asked if not facts.groups.get(name)]
    value = "; ".join(f"{name}: {facts.groups.get(name) or 'not there'}" for name in asked)
    return CriterionStanding("features", names, "features", value, "failed" if absent else "passed", "data")


def _offline(name: str, criterion: Criterion, facts: Facts) -> CriterionStanding:
    asked = asked_of(criterion)
    if criterion.min is None and criterion.max is None:
        return CriterionStanding(
            name, asked, "nothing", "a target alone asks nothing: add min or max", GAP, "offline"
        )
    found = [
        gate for gate in facts.gates if gate.kind == "criterion" and canonical(gate.name) == canonical(name)
    ]
    return _of_gates("gate", found, name=name, asked=asked, section="offline")


def _online(name: str, criterion: Criterion, facts: Facts) -> CriterionStanding:
    seen = _newest(facts, name)
    return _observed(name, asked_of(criterion), seen, "outcomes", "online")


def _system(name: str, criterion: Criterion, facts: Facts) -> CriterionStanding:
    """The newest service level; where production says nothing, what the pre-flight measured."""
    asked, known = asked_of(criterion), system_name(name)
    level = next((o for o in facts.observations if o.metric == SERVICE_LEVEL and o.feature == known), None)
    if level is not None and level.state in ("fine", "breached"):
        return _observed(name, asked, level, "service level", "system")
    if (watched := _newest(facts, name)) is not None and watched.state in ("fine", "breached"):
        return _observed(name, asked, watched, "monitoring", "system")
    tried = [gate for gate in facts.preflight if gate.name == f"system_metrics.{name}"]
    if any(gate.status != "missing" for gate in tried):
        return _of_gates("pre-flight", tried, name=name, asked=asked, section="system")
    return _observed(name, asked, level, "service level", "system")


def _monitoring(project: Project, facts: Facts) -> Iterator[CriterionStanding]:
    watched = project.monitoring
    for section in (watched.model_metrics, watched.system_metrics):
        for name, watch in section.items():
            yield _observed(name, _alarm(watch), _newest(facts, name), "monitoring", "monitoring")
    for name, watch in watched.drift_metrics.items():
        yield _drift(name, watch, [o for o in facts.observations if o.metric == name and o.feature])


def _drift(name: str, watch: Watch, seen: Sequence[Observation]) -> CriterionStanding:
    measured = [o for o in seen if o.value is not None]
    asked = f"{_alarm(watch)}, per feature"
    if not measured:
        why = f"{seen[0].state}: {seen[0].note}" if seen else "not measured"
        return CriterionStanding(name, asked, "monitoring", why, GAP, "monitoring")
    worst = max(measured, key=lambda o: (o.state == "breached", o.value or 0.0))
    beyond = sum(o.state == "breached" for o in measured)
    value = f"{beyond} of {len(seen)} beyond; {worst.feature} {worst.value:.3g} (n = {worst.n:,})"
    if silent := len(seen) - len(measured):
        value = f"{value}; {silent} not measured"
    return CriterionStanding(name, asked, "monitoring", value, worst.state, "monitoring")


def asked_of(criterion: Criterion) -> str:
    """What the criterion asks, in words."""
    bounds = (("at least", criterion.min), ("at most", criterion.max), ("target", criterion.target))
    return ", ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)


def _alarm(watch: Watch) -> str:
    return f"alert {watch.alert_on} {measure(watch.threshold, watch.unit)}"


def _newest(facts: Facts, name: str) -> Observation | None:
    """What speaks now of a figure that has no feature, under either order of its words."""
    known = system_name(name)
    return next((o for o in facts.observations if o.feature is None and system_name(o.metric) == known), None)


def _observed(
    name: str, asked: str, seen: Observation | None, enforcer: str, section: str
) -> CriterionStanding:
    if seen is None:
        return CriterionStanding(name, asked, enforcer, "nothing was measured yet", GAP, section)
    if seen.value is None:
        why = f"{seen.state.replace('_', ' ')}: {seen.note}"
        return CriterionStanding(name, asked, enforcer, why, GAP, section)
    value = f"{_measured(name, seen)} (n = {seen.n:,})"
    if seen.note:
        value = f"{value}; {seen.note}"
    judged = seen.state in ("fine", "breached")
    return CriterionStanding(name, asked, enforcer, value, seen.state if judged else GAP, section)


def _of_gates(
    enforcer: str, gates: Iterable[Gate], *, name: str, asked: str, section: str
) -> CriterionStanding:
    """The line of a criterion that gates judge: of several the worst speaks."""
    known = sorted(gates, key=lambda gate: _rank(gate.status))
    if not known:
        return CriterionStanding(name, asked, enforcer, "not measured yet", GAP, section)
    gate = known[0]
    verdict = GAP if gate.status == "missing" else gate.status
    if gate.found is None:
        return CriterionStanding(name, asked, enforcer, f"not measured: {gate.evidence}", verdict, section)
    interval = f" [{gate.low:.4g}, {gate.high:.4g}]" if gate.low is not None and gate.high is not None else ""
    value = f"{_in_its_unit(name, gate.found)}{interval}"
    if name == "interpretability" and gate.evidence:
        value = gate.evidence
    return CriterionStanding(name, asked, enforcer, value, verdict, section)


def _worst(verdicts: Sequence[str]) -> str:
    return min(verdicts, key=_rank)


def _rank(verdict: str) -> int:
    return _WORST_FIRST.index(verdict) if verdict in _WORST_FIRST else 0


def _in_its_unit(name: str, value: float) -> str:
    """A figure of a gate, which is in its base unit, as people read it."""
    if system_name(name).endswith("latency"):
        return f"{value * 1e3:.3g} ms"
    if name == "model_size":
        return f"{value / 1e6:.3g} MB"
    if name == "throughput":
        return f"{value:,.0f} req/s"
    if system_name(name) == "availability":
        return _availability(value)
    return number(value)


def _measured(name: str, seen: Observation) -> str:
    """What was observed, in the unit in which it is asked for."""
    if seen.value is not None and not seen.unit and system_name(name) == "availability":
        return _availability(seen.value)
    return measure(seen.value, seen.unit)


def _availability(share: float) -> str:
    """What is not whole never reads as whole: 99.9999%, not 100%."""
    return f"{min(share, 0.999999):.4%}" if 0.9999 < share < 1 else f"{share * 100:.5g}%"
