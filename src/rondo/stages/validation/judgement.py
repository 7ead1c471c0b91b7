"""From gates to a judgement. Pure.

reject         a gate failed
inconclusive   none failed, and one could not be judged: missing, not a number, too few rows; or no gates
hold           all pass that could be judged, but production cannot be compared: a person decides
ship           every gate passed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rondo.contract import Project
from rondo.records.verdict import Gate, Judgement

QUALITY = frozenset({"criterion", "baseline", "comparison"})


def decide(gates: Sequence[Gate]) -> tuple[Judgement, tuple[str, ...]]:
    """The judgement, and a sentence for each gate that stands in the way (or one that all passed)."""
    if not any(gate.kind in QUALITY for gate in gates):
        return "inconclusive", (
            "No gate asks anything of the model's quality: "
            "set success_criteria.offline_metrics or ml_problem.baseline.",
            *_told(gate for gate in gates if gate.status != "passed"),
        )
    failed = [gate for gate in gates if gate.status == "failed"]
    if failed:
        return "reject", _told(
            [*failed, *(gate for gate in gates if gate.status not in {"failed", "passed"})]
        )
    open_ = [gate for gate in gates if gate.status != "passed"]
    if not open_:
        return "ship", (_all_passed(gates),)
    if all(gate.kind == "comparison" and gate.status == "missing" for gate in open_):
        return "hold", _told(open_)
    return "inconclusive", _told(open_)


def not_judged(project: Project) -> str:
    """A sentence that names what the project file asks and this room does not measure; empty when nothing."""
    asked: list[str] = []
    limits = project.constraints
    if limits.throughput is not None:
        asked.append(f"constraints.throughput ({limits.throughput})")
    criteria = project.success_criteria
    asked += [f"online_metrics.{name}" for name in criteria.online_metrics]
    asked += [f"system_metrics.{name}" for name in criteria.system_metrics]
    asked += [
        f"offline_metrics.{name} (a target without min or max)"
        for name, criterion in criteria.offline_metrics.items()
        if criterion.min is None and criterion.max is None
    ]
    return f"Not judged here: {', '.join(asked)}." if asked else ""


def _told(gates: Iterable[Gate]) -> tuple[str, ...]:
    return tuple(sentence(gate) for gate in gates)


def sentence(gate: Gate) -> str:
    """What a gate says, for people."""
    name = gate.name.replace("_", " ") if gate.kind == "integrity" else gate.name
    more = f" ({gate.evidence})" if gate.evidence else ""
    match gate.status:
        case "passed":
            return f"{name}: {_found(gate)}, asked {gate.asked}{more}."
        case "failed":
            return f"{name} failed: {_found(gate)}, asked {gate.asked}{more}."
        case "missing":
            return f"{name} is missing, asked {gate.asked}{more}."
        case "not_a_number":
            return f"{name} is not a number, asked {gate.asked}{more}."
        case "inconclusive":
            return f"{name} is unclear: {_found(gate)}, asked {gate.asked}{more}."


def _found(gate: Gate) -> str:
    if gate.found is None:
        return "no figure"
    text = f"{gate.found:.4g}"
    if gate.low is not None and gate.high is not None:
        text += f" [{gate.low:.4g}, {gate.high:.4g}]"
    return text


def _all_passed(gates: Sequence[Gate]) -> str:
    return "The only gate passed." if len(gates) == 1 else f"All {len(gates)} gates passed."
