"""Tells a rollout in sentences for people: what its phases are, where it stands, what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rondo.pages import duration
from rondo.records.rollout import Evidence, Phase, Rollout
from rondo.stages.deployment.step import in_words

_STANDS: Mapping[str, str] = {
    "waiting": "waits for a person's approval",
    "running": "is under way",
    "paused": "is paused; its shares stay as they are",
    "promoted": "brought {candidate} into production",
    "rolled_back": "was rolled back",
    "aborted": "was aborted",
    "held": "ended without a change",
    "frozen": "was rolled back, and nothing is released by itself until a person does",
}


@dataclass(frozen=True, slots=True)
class PhaseStanding:
    """A line about one phase."""

    phase: str
    asked: str
    stands: str
    seen: str


def explain_phase(phase: Phase) -> str:
    """What the phase does and asks for."""
    match phase.kind:
        case "preflight":
            does = "bundle, golden rows and a load test, before any request"
        case "shadow":
            does = f"{phase.shadow} answers mirrored requests unseen"
        case "canary" | "experiment":
            does = ", ".join(f"{version} {share * 100:.4g}%" for version, share in phase.weights.items())
        case "promote":
            does = "all requests at once"
        case "watch":
            does = "limits of `rollback_on` still bring the version before back"
    asks = [f"for {duration(phase.hold_s)}"] if phase.hold_s else []
    asks += [f"{phase.min_requests:,} requests"] if phase.min_requests > 1 else []
    return f"{does}; {' and '.join(asks)}" if asks else does


def tell_rollout(rollout: Rollout) -> str:
    """Where it stands, in a sentence or two."""
    head = f"Rollout {rollout.number} of {rollout.candidate} ({rollout.strategy.replace('_', '/')})"
    stands = _STANDS[rollout.state].format(candidate=rollout.candidate)
    if rollout.state in ("running", "paused"):
        stands = f"{stands}, in {rollout.phase.kind} ({rollout.place + 1} of {len(rollout.phases)})"
    return f"{head} {stands}." + (f" {_sentence(rollout.said)}" if rollout.said else "")


def tell_phases(rollout: Rollout, now: datetime) -> tuple[PhaseStanding, ...]:
    """A line per phase: what it asks, where it stands, what its judge saw."""
    return tuple(_lines(rollout, now))


def tell_evidence(evidence: Evidence | None) -> str:
    """What the judge said, with its reasons."""
    return f"{evidence.judgement}: {in_words(evidence.reasons)}" if evidence else ""


def tell_figures(evidence: Evidence | None) -> Iterator[tuple[str, str]]:
    """The figures of the evidence, name and value, those of sides after one another."""
    yield from _flat(evidence.figures if evidence else {}, "")


def _lines(rollout: Rollout, now: datetime) -> Iterator[PhaseStanding]:
    judged = iter(rollout.history)
    for place, phase in enumerate(rollout.phases):
        over = place < rollout.place or (place == rollout.place and rollout.ended)
        evidence = next(judged, None) if over and phase.kind != "promote" else None
        stands = "" if rollout.ended else "to come"
        if place < rollout.place or (over and rollout.state == "promoted"):
            stands = "done" if phase.kind == "promote" else "passed"
        elif place == rollout.place:
            evidence = evidence or rollout.evidence
            stands = rollout.state.replace("_", " ")
            if rollout.phase_since is not None and not rollout.ended:
                stands = f"{stands} since {duration(max((now - rollout.phase_since).total_seconds(), 0))}"
        yield PhaseStanding(phase.kind, explain_phase(phase), stands, tell_evidence(evidence))


def _flat(figures: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name} ")
        elif value is not None:
            yield f"{above}{name}", f"{value:.4g}" if isinstance(value, float) else str(value)


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."
