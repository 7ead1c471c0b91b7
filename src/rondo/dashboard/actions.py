"""What the buttons do: the same calls as the commands, by a person whose name and reason are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rondo.errors import Conflict, UsageError
from rondo.lifecycle import releasing, retraining, rollouts
from rondo.lifecycle.acknowledging import acknowledge
from rondo.lifecycle.workshop import Workshop
from rondo.records.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button that was pressed: the form's fields, who and why."""

    form: Mapping[str, str]
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Action:
    """What is done, told in words, and the page that shows it."""

    do: Callable[[Workshop, Pressed], str]
    back: str


def _pause(workshop: Workshop, pressed: Pressed) -> str:
    _same_rollout(workshop, pressed)
    return rollouts.pause(workshop, by=pressed.by, reason=pressed.reason).said


def _resume(workshop: Workshop, pressed: Pressed) -> str:
    _same_rollout(workshop, pressed)
    return _under_way(rollouts.resume(workshop, by=pressed.by, reason=pressed.reason))


def _abort(workshop: Workshop, pressed: Pressed) -> str:
    _same_rollout(workshop, pressed)
    ended = rollouts.abort(workshop, by=pressed.by, reason=pressed.reason)
    return ended.said if ended else ""


def _approve(workshop: Workshop, pressed: Pressed) -> str:
    _same_rollout(workshop, pressed)
    return _under_way(rollouts.approve(workshop, by=pressed.by, reason=pressed.reason))


def _deploy(workshop: Workshop, pressed: Pressed) -> str:
    reason = pressed.reason or "asked for on the dashboard"
    begun = rollouts.begin(
        workshop, pressed.form.get("version", ""), by=pressed.by, reason=reason, by_hand=True
    )
    return _under_way(begun)


def _rollback(workshop: Workshop, pressed: Pressed) -> str:
    return releasing.rollback(workshop, by=pressed.by, reason=pressed.reason)


def _approve_retrain(workshop: Workshop, pressed: Pressed) -> str:
    if not pressed.reason:
        raise UsageError("an approval needs a reason", rule="It is kept with who and why")
    approved = retraining.approve(workshop, by=pressed.by, reason=pressed.reason)
    return f"a retrain is approved by {approved.approved_by}; it begins by itself"


def _acknowledge(workshop: Workshop, pressed: Pressed) -> str:
    noted = acknowledge(workshop, pressed.form.get("key", ""), by=pressed.by, note=pressed.reason)
    return f"acknowledged: {noted.message}"


def _under_way(rollout: Rollout) -> str:
    """How the rollout stands after the button."""
    if rollout.state == "waiting":
        return f"the rollout of {rollout.candidate} waits for an approval"
    return f"the rollout of {rollout.candidate} is {rollout.state}, in {rollout.phase.kind}"


def _same_rollout(workshop: Workshop, pressed: Pressed) -> None:
    """Nothing, when the rollout of now is the one that the person saw."""
    rollout = workshop.state.rollout()
    if rollout is None or str(rollout.number) != pressed.form.get("number"):
        raise Conflict("another rollout has begun since this page was made", mend="Look at the page again.")


ACTIONS: Mapping[str, Action] = {
    "pause-rollout": Action(_pause, "/releases"),
    "resume-rollout": Action(_resume, "/releases"),
    "abort-rollout": Action(_abort, "/releases"),
    "approve-rollout": Action(_approve, "/releases"),
    "deploy": Action(_deploy, "/releases"),
    "rollback": Action(_rollback, "/releases"),
    "approve-retrain": Action(_approve_retrain, "/retraining"),
    "acknowledge": Action(_acknowledge, "/alerts"),
}
