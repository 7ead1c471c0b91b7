"""Follows a rollout to its end and tells each of its phases with what its judge saw."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rondo.assembly import Assembly
from rondo.lifecycle.rollouts import drive
from rondo.records.rollout import Evidence, Phase, Rollout
from rondo.shop.story.telling import Chapter, Story, wrapped
from rondo.stages.deployment import explain_phase

PATIENCE_S = 120.0


def follow(
    story: Story,
    project: Assembly,
    chapter: Chapter,
    *,
    until: Callable[[Rollout], bool] = lambda _: False,
    told: Rollout | None = None,
) -> Rollout:
    """The rollout under way at its end, or where `until` is true; its phases are told.

    Args:
        story: is told when a phase begins.
        project: whose rollout it is.
        chapter: gets what the judge of each phase saw.
        until: where to stop before the end.
        told: the rollout as it stood when the chapter last heard of it.

    Raises:
        StoryBroken: it was paused: its judge did not get what it asked for.
    """
    said, give_up = told.place if told else -1, time.monotonic() + story.pace.test_s + PATIENCE_S

    def seen(rollout: Rollout) -> bool:
        nonlocal said
        story.check(rollout.ended or time.monotonic() < give_up, f"the rollout should go on: {rollout.said}")
        if rollout.place != said and not rollout.ended:
            said = rollout.place
            story.say(wrapped(f"· {rollout.phase.kind}: {explain_phase(rollout.phase)}", indent=3, further=5))
        return until(rollout)

    rollout = drive(project, seen, wait=time.sleep)
    story.check(rollout.state != "paused", f"the rollout should go on: {rollout.said}")
    known = len(told.history) if told else 0
    for phase, evidence in list(zip(rollout.phases, rollout.history, strict=False))[known:]:
        chapter.tell(_name(phase, rollout.candidate), in_figures(phase, evidence))
    if rollout.ended:
        # Why is what the judge of the last phase said; the progress has told it, the page has it still to tell.
        chapter.tell(f"{rollout.candidate} is {rollout.state.replace('_', ' ')}", rollout.said, said=True)
    return rollout


def in_figures(phase: Phase, evidence: Evidence) -> str:
    """What the judge of a phase saw, in a sentence."""
    ours, theirs = evidence.figures.get("candidate"), evidence.figures.get("control")
    if phase.kind == "shadow" and isinstance(ours, Mapping):
        agreement = evidence.figures.get("agreement")
        agreed = "nothing to compare" if agreement is None else f"{agreement:.1%} decided alike"
        return f"{evidence.requests:,} mirrored requests, {agreed}, 99% answered within {_ms(ours)}"
    if phase.kind == "canary" and isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        distance = (evidence.figures.get("difference") or {}).get("score_distance")
        apart = "" if distance is None else f", scores {distance:.2f} apart"
        return (
            f"{evidence.requests:,} requests, {ours['error_rate'] or 0:.1%} failed, 99% within {_ms(ours)}, "
            f"control {_ms(theirs)}{apart}"
        )
    return evidence.reasons[0].removesuffix(".") if evidence.reasons else evidence.judgement


def _ms(side: Mapping[str, Any]) -> str:
    value = side.get("p99_latency_ms")
    return "an unknown time" if value is None else f"{value:.1f} ms"


def _name(phase: Phase, candidate: str) -> str:
    share = phase.weights.get(candidate)
    return f"{phase.kind} at {share:.0%}" if phase.kind == "canary" and share else phase.kind
