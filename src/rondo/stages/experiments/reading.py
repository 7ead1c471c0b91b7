"""One look at an experiment: everything that is known of it now, and the verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from rondo.contract.ab_test import of_requests
from rondo.records.experiment import (
    ExperimentPlan,
    ExperimentVariant,
    Power,
    Reading,
    SequencePoint,
    VariantFigures,
)
from rondo.records.intervals import Estimate
from rondo.records.prediction import RequestFigures
from rondo.stages.experiments.balance import balance_of
from rondo.stages.experiments.comparing import effect_of, guard, sequence_of, tightest_at
from rondo.stages.experiments.estimates import Group, estimate, requests_of
from rondo.stages.experiments.exposure import Exposed, arrivals_per_day, days_of, expose
from rondo.stages.experiments.judging import Found, judge
from rondo.stages.experiments.power import ENOUGH_FOR_A_BASELINE, power_of
from rondo.stages.experiments.sequence import reach

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Logged:
    """What was served since the start: predictions and outcomes as frames (see PredictionLog), and the figures."""

    predictions: pl.DataFrame
    outcomes: pl.DataFrame
    figures: Sequence[RequestFigures] = ()


def read(
    plan: ExperimentPlan,
    logged: Logged,
    *,
    started_at: datetime,
    now: datetime,
    told_before: Power | None = None,
    pictured: bool = True,
) -> Reading:
    """The experiment as it stands.

    Args:
        plan: as it was fixed at the start.
        logged: may hold more than the experiment; what lies before its start or after its end is left out.
        started_at: when the first request could be exposed.
        told_before: what was said of the needed sample at the start, shown until control's own value is known.
        pictured: also the course of the interval, which takes longer.
    """
    ends_at = started_at + timedelta(seconds=plan.duration_s)
    exposed = expose(plan, logged.predictions, logged.outcomes, start=started_at, end=ends_at)
    groups = _groups(plan, exposed, logged.figures)
    control = groups[plan.control.name]
    counts_outcomes = not of_requests(plan.primary)
    found = Found(
        variants=tuple(_figures(plan, variant, exposed, groups[variant.name]) for variant in plan.variants),
        effects=tuple(
            effect_of(plan, plan.primary, one.name, control, groups[one.name]) for one in plan.treatments
        ),
        balance=balance_of(plan, exposed.entities["variant"].to_list()),
        guardrails=tuple(
            guard(plan, guardrail, one.name, control, groups[one.name])
            for one in plan.treatments
            for guardrail in plan.guardrails
        ),
        counts_outcomes=counts_outcomes,
        over=now >= ends_at,
    )
    judgement, reasons = judge(plan, found)
    return Reading(
        plan,
        started_at,
        now,
        found.over,
        judgement,
        reasons,
        tuple(found.variants),
        tuple(found.effects),
        found.balance,
        tuple(found.guardrails),
        _power(plan, groups, exposed, (min(now, ends_at) - started_at).total_seconds(), told_before),
        _sequences(plan, groups) if pictured and counts_outcomes else {},
        days_of(exposed, plan),
        _left_out(exposed),
    )


def before_the_test(
    plan: ExperimentPlan,
    predictions: pl.DataFrame,
    outcomes: pl.DataFrame,
    figures: Sequence[RequestFigures],
    *,
    since: datetime,
    now: datetime,
) -> tuple[Estimate | None, float | None]:
    """Control's value of the primary metric since then, and how many entities (or requests) come in a day."""
    own = predictions.filter(pl.col("version") == plan.control.version)
    control = _groups(plan, expose(plan, own, outcomes, start=since), figures)[plan.control.name]
    baseline = estimate(plan.primary, control, plan.truth)
    if not of_requests(plan.primary):
        lasting = timedelta(seconds=plan.duration_s)
        return baseline, arrivals_per_day(predictions, until=now, within=lasting)
    if not figures:
        return baseline, None
    days = max((now - min(one.at for one in figures)).total_seconds() / _DAY_S, 1.0)
    return baseline, sum(one.requests for one in figures) / days


def _groups(plan: ExperimentPlan, exposed: Exposed, figures: Sequence[RequestFigures]) -> Mapping[str, Group]:
    labelled = exposed.labelled
    return {
        variant.name: Group(
            labelled.filter(pl.col("variant") == variant.name),
            requests_of(figures, variant.version, exposed.entities.filter(pl.col("variant") == variant.name)),
        )
        for variant in plan.variants
    }


def _figures(
    plan: ExperimentPlan, variant: ExperimentVariant, exposed: Exposed, group: Group
) -> VariantFigures:
    own = estimate(plan.primary, group, plan.truth)
    # Alone, a group has half of the sample for which the difference is tightest.
    z = reach(own.n, plan.alpha, tightest_at=tightest_at(plan) / 2)
    low, high = own.bounds(z) if own.n else (float("nan"),) * 2
    return VariantFigures(
        variant,
        exposed.counts(plan)[variant.name],
        group.labelled.height,
        own.n,
        _number(own.value),
        _number(low),
        _number(high),
        "" if own.n else "nothing is known yet",
    )


def _sequences(plan: ExperimentPlan, groups: Mapping[str, Group]) -> Mapping[str, tuple[SequencePoint, ...]]:
    control = groups[plan.control.name].labelled
    return {one.name: sequence_of(plan, control, groups[one.name].labelled) for one in plan.treatments}


def _power(
    plan: ExperimentPlan,
    groups: Mapping[str, Group],
    exposed: Exposed,
    lasted_s: float,
    told_before: Power | None,
) -> Power:
    """What the test needs by control's own value, once that is known."""
    own = estimate(plan.primary, groups[plan.control.name], plan.truth)
    if told_before is not None and (told_before.sample is not None or own.n < ENOUGH_FOR_A_BASELINE):
        return told_before
    counted = (
        sum(group.requests.requests for group in groups.values())
        if of_requests(plan.primary)
        else exposed.entities.height
    )
    days = lasted_s / _DAY_S
    return power_of(plan, own, per_day=counted / max(days, 1.0) if counted else None)


def _left_out(exposed: Exposed) -> tuple[str, ...]:
    notes = []
    if exposed.crossed:
        notes.append(f"{exposed.crossed:,} entities were answered by two variants and are left out")
    if exposed.nameless:
        notes.append(f"{exposed.nameless:,} answers name no entity and are left out")
    return tuple(notes)


def _number(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None
