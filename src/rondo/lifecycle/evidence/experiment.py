"""The judge of an A/B test: everything that was served and told since it began, read anew at every look.

When the test is decided it writes `reports/experiment_<name>.html`, and the reading beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rondo.errors import CorruptArtifact
from rondo.records.experiment import ExperimentPlan, Power, Reading
from rondo.records.files import write_bytes, write_record
from rondo.records.prediction import WITHOUT_FEATURES
from rondo.records.rollout import Evidence, Rollout

if TYPE_CHECKING:
    from rondo.lifecycle.workshop import Workshop
    from rondo.stages.experiments import Logged

LONGEST_REST = timedelta(minutes=1)
_EARLY = timedelta(days=1)
"""An outcome may come so long before the answer is written down that it belongs to."""
_LOOKS = 1000  # during a test; between two the evidence of before stands


def gather(workshop: Workshop, rollout: Rollout, now: datetime) -> Evidence:
    """What the test says now.

    Raises:
        CorruptArtifact: the rollout does not hold an experiment's plan.
    """
    plan, _ = settings(rollout)
    rest = min(timedelta(seconds=plan.duration_s / _LOOKS), LONGEST_REST)
    before = rollout.evidence
    # A clock that stands still, as in a simulation, is no reason not to look.
    if before is not None and timedelta(0) < now - before.at < rest and before.figures:
        return before
    reading = read_now(workshop, rollout, rollout.phase_since or now, now, pictured=False)
    if reading.judgement != "inconclusive":
        keep(workshop, rollout, read_now(workshop, rollout, reading.started_at, now))
    return evidence_of(reading)


def read_now(
    workshop: Workshop, rollout: Rollout, started_at: datetime, now: datetime, *, pictured: bool = True
) -> Reading:
    """The experiment of that rollout as the log tells it now."""
    from rondo.stages.experiments import read

    plan, told_before = settings(rollout)
    logged = logged_since(workshop, started_at)
    return read(plan, logged, started_at=started_at, now=now, told_before=told_before, pictured=pictured)


def logged_since(workshop: Workshop, since: datetime) -> Logged:
    """What was answered since then, and what became of it."""
    from rondo.stages.experiments import Logged

    log = workshop.log
    return Logged(
        log.predictions(answered_since=since, columns=WITHOUT_FEATURES),
        log.outcomes(received_since=since - _EARLY),
        log.figures(since=since),
    )


def evidence_of(reading: Reading) -> Evidence:
    """What a rollout is moved by. Pure."""
    treatment = reading.variants[1]
    return Evidence(
        reading.judgement,
        reading.reasons,
        at=reading.read_at,
        window_from=reading.started_at,
        window_to=reading.read_at,
        requests=treatment.exposed,
        needed=reading.plan.min_sample_size,
        figures=_figures(reading),
    )


def settings(rollout: Rollout) -> tuple[ExperimentPlan, Power | None]:
    """The plan that the rollout keeps, and what was told of the needed sample when it began.

    Raises:
        CorruptArtifact: it holds something else.
    """
    try:
        return (
            msgspec.convert(rollout.experiment["plan"], ExperimentPlan),
            msgspec.convert(rollout.experiment.get("power"), Power | None),
        )
    except (KeyError, msgspec.ValidationError) as error:
        raise CorruptArtifact(
            f"rollout {rollout.number} holds no plan of an experiment: {error}",
            mend="Stop it, and start the experiment again with `rondo experiment start`.",
        ) from error


def as_settings(plan: ExperimentPlan, power: Power) -> Mapping[str, Any]:
    """What a rollout keeps of its experiment."""
    return {"plan": msgspec.to_builtins(plan), "power": msgspec.to_builtins(power)}


def keep(workshop: Workshop, rollout: Rollout, reading: Reading) -> Path:
    """Where the page of that reading was written; the reading lies beside it."""
    from rondo.stages.experiments import experiment_page

    page = page_of(workshop, reading.plan)
    write_bytes(page, experiment_page(reading).encode())
    write_record(record_of(workshop, rollout, reading.plan), reading)
    return page


def page_of(workshop: Workshop, plan: ExperimentPlan) -> Path:
    """reports/experiment_<name>.html, or aside when a script of the user writes that."""
    from rondo.lifecycle.rooms import reports_folder

    file = f"experiment_{re.sub(r'[^A-Za-z0-9._-]+', '_', plan.name)}.html"
    return reports_folder(workshop, f"reports/{file}") / file


def record_of(workshop: Workshop, rollout: Rollout, plan: ExperimentPlan) -> Path:
    """The last reading of that rollout's experiment."""
    page = page_of(workshop, plan)
    return page.with_name(f"{page.stem}_{rollout.number}.json")


def _figures(reading: Reading) -> Mapping[str, Any]:
    figures: dict[str, Any] = {
        one.variant.name: {
            "version": one.variant.version,
            "exposed": one.exposed,
            "counted": one.n,
            reading.plan.primary: one.value,
        }
        for one in reading.variants
    }
    for effect in reading.effects:
        figures[f"{effect.treatment} minus control"] = {
            "difference": effect.difference,
            "low": effect.low,
            "high": effect.high,
        }
    figures["sample ratio"] = {"p": reading.balance.always_valid, "mismatch": reading.balance.mismatch}
    for one in reading.guardrails:
        figures[one.guardrail.metric] = {
            "control": one.control, one.treatment: one.value, "margin": one.margin, "state": one.state,
        }  # fmt: skip
    return figures
