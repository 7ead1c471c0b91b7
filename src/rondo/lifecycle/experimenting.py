"""An experiment from its start to its end: what it needs is told first, then it is a rollout like any other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rondo.bundle.manifest import Manifest
from rondo.errors import Conflict, NotAvailable
from rondo.lifecycle import rollouts
from rondo.lifecycle.evidence.experiment import (
    as_settings,
    keep,
    logged_since,
    page_of,
    read_now,
    record_of,
    settings,
)
from rondo.records.experiment import ExperimentPlan, Power, Reading
from rondo.records.files import read_record
from rondo.records.rollout import Rollout

if TYPE_CHECKING:
    from rondo.lifecycle.workshop import Workshop
    from rondo.records.intervals import Estimate
    from rondo.stages.deployment import Means

STRATEGY = "ab_test"
_HISTORY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Planned:
    """What an experiment would be: its plan, and how large and long it has to be."""

    plan: ExperimentPlan
    power: Power


@dataclass(frozen=True, slots=True)
class Standing:
    """An experiment as it stands. Without a reading it has not exposed anybody yet; `page` is its report."""

    rollout: Rollout
    plan: ExperimentPlan
    power: Power
    reading: Reading | None
    page: Path | None


def planned(workshop: Workshop) -> Planned:
    """The experiment of the project file, sized by what was served lately; nothing is changed.

    Raises:
        NotAvailable: none is described, nothing is in production, or a version is not registered.
        Conflict: control is not the version in production.
        ContractError: a metric cannot be compared.
        UsageError: it has more than one treatment.
    """
    from rondo.stages.experiments import plan_of, power_of

    state, now = workshop.state, workshop.wall_clock()
    release = state.production()
    if release is None:
        raise NotAvailable(
            "nothing is in production yet", mend="`rondo run` makes and releases a first version."
        )
    manifest = read_record(workshop.layout.root / release.bundle / "manifest.json", Manifest)
    plan = plan_of(
        workshop.project,
        classes=manifest.classes,
        positive=manifest.positive,
        registered={one.version for one in state.releases()},
        production=release.version,
    )
    baseline, per_day = _lately(workshop, plan, now)
    return Planned(plan, power_of(plan, baseline, per_day=per_day))


def start(workshop: Workshop, *, by: str, reason: str, means: Means | None = None) -> Standing:
    """The experiment of the project file, begun as a rollout: pre-flight, then the shares of its variants.

    Raises:
        Conflict: another rollout is under way, or as `planned`.
        GateSaidNo: the gates did not say `ship` of the treatment.
        ContractError, NotAvailable, UsageError: as `planned`.
    """
    from rondo.stages.deployment import experiment_phases

    told = planned(workshop)
    plan, (treatment,) = told.plan, told.plan.treatments
    phases = experiment_phases(
        {variant.version: variant.share for variant in plan.variants},
        candidate=treatment.version,
        duration=timedelta(seconds=plan.duration_s),
        max_wait=workshop.project.deployment.max_wait,
    )
    rollout = rollouts.begin(
        workshop,
        treatment.version,
        by=by,
        reason=reason or f"experiment {plan.name}",
        by_hand=True,
        phases=phases,
        experiment=as_settings(plan, told.power),
        means=means,
    )
    return Standing(rollout, plan, told.power, None, None)


def show(workshop: Workshop) -> Standing:
    """The newest experiment as it stands, and its page written anew while it is under way.

    Raises:
        NotAvailable: there was none.
    """
    rollout = newest(workshop)
    plan, power = settings(rollout)
    power = power or _unknown()
    if (kept := _kept(workshop, rollout, plan)) is not None:
        return Standing(rollout, plan, power, kept, page_of(workshop, plan))
    started_at = exposed_since(rollout)
    if started_at is None:
        return Standing(rollout, plan, power, None, None)
    reading = read_now(workshop, rollout, started_at, rollout.ended_at or workshop.wall_clock())
    return Standing(rollout, plan, power, reading, keep(workshop, rollout, reading))


def stop(workshop: Workshop, *, by: str, reason: str, means: Means | None = None) -> Standing:
    """The experiment, ended without a change: control answers everything again, and its page says what was seen.

    Raises:
        NotAvailable: none is under way.
    """
    rollout = newest(workshop)
    if rollout.ended:
        raise Conflict(
            f"the experiment of rollout {rollout.number} has ended: it is {rollout.state}",
            mend="`rondo experiment show` tells what it found.",
        )
    # Read before the traffic is taken away: what comes later is no exposure.
    before = show(workshop)
    ended = rollouts.abort(workshop, by=by, reason=reason or "the experiment was stopped", means=means)
    return Standing(ended or rollout, before.plan, before.power, before.reading, before.page)


def newest(workshop: Workshop) -> Rollout:
    """The newest rollout that is an experiment.

    Raises:
        NotAvailable: there was none.
    """
    for rollout in reversed(workshop.state.rollouts()):
        if rollout.strategy == STRATEGY:
            return rollout
    raise NotAvailable(
        "there was no experiment yet", mend="`rondo experiment start` begins the one of the file."
    )


def exposed_since(rollout: Rollout) -> datetime | None:
    """When its first request could be answered by the treatment; None before that. Pure."""
    place = next((at for at, phase in enumerate(rollout.phases) if phase.kind == "experiment"), None)
    if place is None or rollout.place < place:
        return None
    if rollout.place == place:
        return rollout.phase_since
    return rollout.history[place].window_from if place < len(rollout.history) else None


def _kept(workshop: Workshop, rollout: Rollout, plan: ExperimentPlan) -> Reading | None:
    """What was read last, where the experiment has ended: later requests are none of its exposures."""
    if not rollout.ended:
        return None
    try:
        return read_record(record_of(workshop, rollout, plan), Reading)
    except NotAvailable:
        return None


def _lately(workshop: Workshop, plan: ExperimentPlan, now: datetime) -> tuple[Estimate | None, float | None]:
    """Control's value of the primary metric before the test, and how many entities or requests come in a day."""
    from rondo.stages.experiments import before_the_test

    since = now - max(_HISTORY, timedelta(seconds=plan.duration_s))
    logged = logged_since(workshop, since)
    return before_the_test(plan, logged.predictions, logged.outcomes, logged.figures, since=since, now=now)


def _unknown() -> Power:
    return Power(None, 0, None, None, None, None, None, None, None)
