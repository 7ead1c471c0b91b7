"""experiment: start, show, stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rondo.cli.output import progress, say, say_json, table
from rondo.errors import UsageError

if TYPE_CHECKING:
    from rondo.lifecycle.experimenting import Standing
    from rondo.records.experiment import ExperimentPlan, Power


ACTIONS = ("start", "show", "stop")


def experiment(folder: Path, action: str, reason: str, as_json: bool) -> None:
    """The experiment of the project file, started, shown or stopped."""
    match action:
        case "start":
            start(folder, reason, as_json)
        case "show":
            show(folder, as_json)
        case "stop":
            stop(folder, reason, as_json)
        case _:
            raise UsageError(
                f"{action!r} is nothing that can be done to an experiment",
                mend=f"Known: {', '.join(ACTIONS)}.",
            )


def start(folder: Path, reason: str, as_json: bool) -> None:
    """What it needs, told first; then the rollout."""
    from rondo.assembly import open_project
    from rondo.lifecycle.experimenting import planned
    from rondo.lifecycle.experimenting import start as do

    workshop = open_project(folder, progress=progress())
    if not as_json:
        told = planned(workshop)
        _tell_plan(told.plan, told.power)
    begun = do(workshop, by="rondo experiment", reason=reason)
    if as_json:
        say_json(begun)
        return
    say(f"Rollout {begun.rollout.number} has begun: a pre-flight, then the shares above.")
    say("`rondo up` moves it on; `rondo experiment show` tells how it stands.")


def show(folder: Path, as_json: bool) -> None:
    """The verdict so far."""
    from rondo.assembly import open_project
    from rondo.lifecycle.experimenting import show as do

    standing = do(open_project(folder, progress=progress()))
    say_json(standing) if as_json else _tell(standing)


def stop(folder: Path, reason: str, as_json: bool) -> None:
    """Back to control, whatever was found."""
    from rondo.assembly import open_project
    from rondo.lifecycle.experimenting import stop as do

    standing = do(open_project(folder, progress=progress()), by="rondo experiment", reason=reason)
    say_json(standing) if as_json else _tell(standing)


def _tell(standing: Standing) -> None:
    from rondo.stages.experiments import amount, told_effect, told_guardrail

    rollout, plan, reading = standing.rollout, standing.plan, standing.reading
    if reading is None:
        _tell_plan(plan, standing.power)
        said = rollout.said or f"in {rollout.phase.kind}"
        say(f"Rollout {rollout.number} is {rollout.state}: {said}. Nobody was exposed yet.")
        return
    say(f"{plan.name}: {reading.judgement}, rollout {rollout.number} is {rollout.state}")
    for reason in reading.reasons:
        say(f"  {reason}")
    table(
        ("variant", "version", "planned", "exposed", "outcomes", "counted", plan.primary),
        [
            (
                one.variant.name,
                one.variant.version,
                f"{one.variant.share:.0%}",
                f"{one.exposed:,}",
                f"{one.known:,}",
                f"{one.n:,}",
                amount(plan.primary, one.value),
            )
            for one in reading.variants
        ],
    )
    for effect in () if reading.balance.mismatch else reading.effects:
        say(f"{effect.treatment} minus control: {told_effect(effect)}")
    for guardrail in reading.guardrails:
        say(f"guardrail {guardrail.state}: {told_guardrail(guardrail)}")
    for note in (*reading.notes, *reading.power.notes):
        say(f"note: {note}")
    if standing.page is not None:
        say(f"The page: {standing.page}")


def _tell_plan(plan: ExperimentPlan, power: Power) -> None:
    from rondo.stages.experiments import amount

    for variant in plan.variants:
        say(f"{variant.name}: version {variant.version}, {variant.share:.0%} of the entities")
    guards = ", ".join(one.metric for one in plan.guardrails) or "nothing"
    say(f"{plan.primary} decides; {guards} must not get worse.")
    if plan.truth.conversion and plan.primary == "conversion_rate":
        say(f"A conversion is the outcome {plan.truth.conversion!r}.")
    if power.sample is not None and power.effect is not None:
        say(
            f"A change of {amount(plan.primary, power.effect, signed=True)} is found with a chance of "
            f"{plan.power:.0%} with {power.sample:,} of each variant at the least share."
        )
    days = power.days_to_sample if power.days_to_sample is not None else power.days_to_minimum
    if days is not None:
        say(
            f"At the traffic of now that takes {days:,.1f} days; the test ends after {plan.duration_s / 86_400:g}."
        )
    for note in power.notes:
        say(f"note: {note}")
