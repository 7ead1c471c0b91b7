"""The judge before any traffic: the bundle, its golden rows, and a load test in a server of its own. Pure.

reject         the bundle is not as it was written, answers otherwise, or a limit of the contract is missed
inconclusive   the load test gave no figures, or too few for the percentile that is asked
ship           everything that could be asked held; what was not measured is named, and never counts as passed
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from rondo.contract import Project
from rondo.contract.metrics import system_name
from rondo.contract.units import Limit, Quantity
from rondo.pages import moment, number, render, share
from rondo.records.rollout import Evidence
from rondo.records.verdict import Gate, GateStatus, Judgement

PERCENTILES = {"p50_latency": 0.50, "p95_latency": 0.95, "p99_latency": 0.99}
MEASURED = frozenset({*PERCENTILES, "throughput", "error_rate", "availability"})
_BINS = 40
HEADLINES: Mapping[Judgement, str] = {
    "ship": "It may get traffic",
    "reject": "It gets no traffic",
    "inconclusive": "The evidence does not suffice",
    "hold": "A person decides",
}


@dataclass(frozen=True, slots=True)
class Load:
    """What a load test measured, seen from the client, on the machine that also ran the server."""

    seconds: float
    connections: int
    cores: int
    asked_by: str  # which rows were asked, for people
    requests: int  # answered or failed
    errors: int
    latency_ms: tuple[float, ...]  # of every answer
    error_examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found about one version; a figure that could not be had is None, with its reason."""

    version: str
    bundle_id: str
    broken: str = ""  # why the bundle is not as it was written, or answers otherwise
    golden_rows: int = 0
    largest_difference: float | None = None
    size_bytes: int | None = None
    load: Load | None = None
    why_no_load: str = ""
    wanted: bool = True  # whether a load test was asked for at all


def judge(project: Project, looked: Looked, *, now: datetime) -> Evidence:
    """What the contract asks of a version before traffic, against what was found."""
    gates = [*_integrity(looked), *_limits(project, looked)]
    judgement = _judgement(gates, looked)
    return Evidence(
        judgement=judgement,
        reasons=tuple(_reasons(gates, looked)),
        at=now,
        window_from=now,
        window_to=now,
        requests=looked.load.requests if looked.load else 0,
        needed=_needed(gates, looked),
        figures={"checks": [asdict(gate) for gate in gates], **figures_of(looked)},
    )


def figures_of(looked: Looked) -> dict[str, Any]:
    """The figures without the single latencies, for the event and for people."""
    load = looked.load
    told: dict[str, Any] = {
        "bundle": {
            "version": looked.version,
            "bundle_id": looked.bundle_id,
            "golden_rows": looked.golden_rows,
            "largest_difference": looked.largest_difference,
            "size_bytes": looked.size_bytes,
        }
    }
    if load is not None:
        told["load"] = {
            **{f"{name}_ms": _percentile(load, part) for name, part in PERCENTILES.items()},
            "throughput": _throughput(load),
            "requests": load.requests,
            "errors": load.errors,
            "seconds": load.seconds,
            "connections": load.connections,
            "cores": load.cores,
            "asked_by": load.asked_by,
        }
    return told


def histogram(load: Load) -> tuple[list[int], list[float]]:
    """Answers per bin of equal width (ms) up to the 99.5th percentile, and the edges; the rest falls in the last."""
    ordered = sorted(load.latency_ms)
    if not ordered:
        return [], []
    top = ordered[min(len(ordered) - 1, math.ceil(0.995 * len(ordered)) - 1)] or 1.0
    counts = [0] * _BINS
    for latency in ordered:
        counts[min(_BINS - 1, int(latency / top * _BINS))] += 1
    return counts, [top * edge / _BINS for edge in range(_BINS + 1)]


def page(project: str, looked: Looked, evidence: Evidence) -> str:
    """reports/preflight_<version>.html"""
    load = looked.load
    facts = [
        ("Version", looked.version),
        ("Bundle", looked.bundle_id[:12]),
        ("Looked at", moment(evidence.at)),
    ]
    if load is not None:
        facts += [
            ("Requests", f"{load.requests:,} in {load.seconds:.1f} s, {load.errors:,} failed"),
            ("Throughput", f"{number(_throughput(load))} req/s"),
            ("Connections", f"{load.connections} on {load.cores} cores, which server and client share"),
            ("Asked", load.asked_by),
        ]
    return render(
        "rondo.stages.deployment/preflight.html",
        title="Pre-flight",
        above=project,
        subtitle=f"Version {looked.version}, before it gets any traffic",
        verdict=evidence.judgement,
        verdict_text=HEADLINES[evidence.judgement],
        verdict_reason=" ".join(evidence.reasons),
        facts=facts,
        gates=[Gate(**gate) for gate in evidence.figures["checks"]],
        found=found_text,
        histogram=histogram(load) if load else ([], []),
        percentiles=[
            (name.partition("_")[0], number(_percentile(load, part))) for name, part in PERCENTILES.items()
        ]
        if load
        else [],
        errors=load.error_examples if load else (),
    )


def found_text(gate: Gate) -> str:
    """The figure of a gate in the unit that people read."""
    name, value = gate.name.rpartition(".")[2], gate.found
    if value is None:
        return "not measured"
    if name == "latency" or name.endswith("_latency"):
        return f"{value * 1e3:.2f} ms"
    if name == "model_size":
        return f"{value / 1e6:.2f} MB"
    if name == "throughput":
        return f"{number(value)} req/s"
    return share(value, 2) if name in ("error_rate", "availability", "errors") else number(value)


def _integrity(looked: Looked) -> Iterator[Gate]:
    if looked.broken:
        yield Gate("bundle", "integrity", "every byte as it was written", None, "failed", looked.broken)
        return
    yield Gate("bundle", "integrity", "every byte as it was written", 1.0, "passed", looked.bundle_id[:12])
    difference = looked.largest_difference
    asked = "the recorded answers"
    status: GateStatus = "missing" if difference is None else "passed"
    yield Gate("golden_rows", "integrity", asked, difference, status, f"{looked.golden_rows} rows replayed")


def _limits(project: Project, looked: Looked) -> Iterator[Gate]:
    limits, load = project.constraints, looked.load
    if limits.model_size is not None:
        size = None if looked.size_bytes is None else float(looked.size_bytes)
        yield _gate("constraints.model_size", limits.model_size, size, "every file of the bundle", None)
    if limits.latency is not None:
        yield _measured("constraints.latency", "p99_latency", limits.latency, looked)
    if limits.throughput is not None:
        yield _measured("constraints.throughput", "throughput", limits.throughput, looked)
    for name, criterion in project.success_criteria.system_metrics.items():
        figure = system_name(name)
        if figure not in MEASURED:
            continue  # the monitor's: a short test says nothing of it
        bounds: tuple[tuple[Literal[">=", "<="], Quantity | None], ...] = (
            (">=", criterion.min),
            ("<=", criterion.max),
        )
        for op, bound in bounds:
            if bound is not None:
                yield _measured(f"system_metrics.{name}", figure, Limit(op, bound), looked)
    if load is not None:
        failed = load.errors / load.requests if load.requests else None
        told = f"{load.errors:,} of {load.requests:,} requests; {'; '.join(load.error_examples)}".rstrip("; ")
        status: GateStatus = "missing" if failed is None else "failed" if failed else "passed"
        yield Gate("errors", "integrity", "none while it is alone", failed, status, told, n=load.requests)


def _measured(name: str, figure: str, limit: Limit, looked: Looked) -> Gate:
    load = looked.load
    if load is None:
        why = looked.why_no_load or "there was no load test"
        return Gate(name, "constraint", str(limit), None, "missing", why)
    where = f"{load.connections} connections, {load.seconds:.1f} s, server and client on the same {load.cores} cores"
    value = _figure(figure, load)
    if figure in PERCENTILES:
        few = math.ceil(1.0 / (1.0 - PERCENTILES[figure]))
        median = _percentile(load, 0.5)
        if len(load.latency_ms) < few and (median is None or limit.holds(median / 1e3)):
            told = f"{len(load.latency_ms)} answers, at least {few} are needed; {where}"
            return Gate(name, "constraint", str(limit), value, "inconclusive", told, n=len(load.latency_ms))
        where = f"{figure.partition('_')[0]} seen by the client; {where}"
    return _gate(name, limit, value, where, load.requests)


def _figure(figure: str, load: Load) -> float | None:
    """The figure in its base unit (s, 1/s, share); None where nothing tells it."""
    if figure in PERCENTILES:
        found = _percentile(load, PERCENTILES[figure])
        return None if found is None else found / 1e3
    if figure == "throughput":
        return _throughput(load)
    if not load.requests:
        return None
    lost = load.errors / load.requests
    return lost if figure == "error_rate" else 1.0 - lost


def _gate(name: str, limit: Limit, value: float | None, evidence: str, n: int | None) -> Gate:
    if value is None:
        return Gate(name, "constraint", str(limit), None, "missing", evidence, n=n)
    if not math.isfinite(value):
        return Gate(name, "constraint", str(limit), None, "not_a_number", evidence, n=n)
    status: GateStatus = "passed" if limit.holds(value) else "failed"
    return Gate(name, "constraint", str(limit), value, status, evidence, n=n)


def _percentile(load: Load, part: float) -> float | None:
    """The latency (ms) that this share of the answers did not exceed; None without answers."""
    ordered = sorted(load.latency_ms)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else None


def _throughput(load: Load) -> float | None:
    return (load.requests - load.errors) / load.seconds if load.seconds > 0 and load.requests else None


def _judgement(gates: Sequence[Gate], looked: Looked) -> Judgement:
    if any(gate.status in ("failed", "not_a_number") for gate in gates):
        return "reject"
    if looked.wanted and (looked.load is None or not looked.load.latency_ms):
        return "inconclusive"
    if any(gate.status == "inconclusive" for gate in gates):
        return "inconclusive"
    # Without a load test what it would have told is missing by the contract's own choice, and is named.
    open_ = [gate for gate in gates if gate.status == "missing"]
    return (
        "inconclusive" if open_ and (looked.wanted or any(g.kind == "integrity" for g in open_)) else "ship"
    )


def _reasons(gates: Sequence[Gate], looked: Looked) -> Iterator[str]:
    words = {"failed": "is missed", "missing": "was not measured", "inconclusive": "is unclear"}
    untested = [gate for gate in gates if gate.status == "missing" and gate.kind == "constraint"]
    untested = untested if looked.load is None else []
    for gate in gates:
        if gate.status == "passed" or gate in untested:
            continue
        name = gate.name.replace("_", " ") if gate.kind == "integrity" else gate.name
        found = f"{found_text(gate)}, " if gate.found is not None else ""
        yield f"{name} {words.get(gate.status, 'is not a number')}: {found}asked {gate.asked} ({gate.evidence})."
    if looked.load is None and (untested or looked.wanted):
        yield _untested(untested, looked)
    passed = sum(gate.status == "passed" for gate in gates)
    yield f"{passed} of {len(gates)} checks passed."


def _untested(gates: Sequence[Gate], looked: Looked) -> str:
    """One sentence for all that only a load test tells: it has one reason."""
    names = ", ".join(dict.fromkeys(gate.name.rpartition(".")[2] for gate in gates))
    why = looked.why_no_load or ("the bundle is not whole" if looked.broken else "there was none")
    return f"Load not tested ({why.rstrip('.')}){f': {names} not measured' if names else ''}."


def _needed(gates: Sequence[Gate], looked: Looked) -> int | None:
    unclear = any(gate.status == "inconclusive" for gate in gates)
    return math.ceil(1.0 / (1.0 - max(PERCENTILES.values()))) if unclear else None
