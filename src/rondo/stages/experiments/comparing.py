"""Treatment against control: the effect on the primary metric, and the guardrails. Pure.

Every interval holds at all looks together (see sequence.py). That takes the observations for independent: several
requests of one entity are not quite, so intervals of request metrics are somewhat too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from rondo.contract.ab_test import more_is_better
from rondo.records.experiment import (
    Effect,
    ExperimentPlan,
    Guardrail,
    GuardrailFinding,
    GuardrailState,
    SequencePoint,
    Truth,
)
from rondo.records.intervals import Estimate, difference
from rondo.stages.experiments.estimates import Group, estimate, of_outcomes
from rondo.stages.experiments.sequence import reach

SHOWN_POINTS = 60


def effect_of(
    plan: ExperimentPlan, metric: str, treatment: str, control_group: Group, treatment_group: Group
) -> Effect:
    """Treatment minus control."""
    ours = estimate(metric, treatment_group, plan.truth)
    theirs = estimate(metric, control_group, plan.truth)
    if why := _untold(ours, theirs):
        return Effect(metric, treatment, ours.n + theirs.n, None, None, None, note=why)
    gap, low, high = difference(ours, theirs, reach_of(plan, ours, theirs))
    relative = gap / abs(theirs.value) if theirs.value else None
    if not math.isfinite(low) and not math.isfinite(high):
        return Effect(
            metric, treatment, ours.n + theirs.n, gap, None, None, relative, "too few for an interval"
        )
    return Effect(metric, treatment, ours.n + theirs.n, gap, low, high, relative)


def reach_of(plan: ExperimentPlan, ours: Estimate, theirs: Estimate) -> float:
    """How many standard errors the interval of that difference reaches."""
    return reach(ours.n + theirs.n, plan.alpha, tightest_at=tightest_at(plan))


def tightest_at(plan: ExperimentPlan) -> float:
    """The sample of both sides together at which a decision may first be made."""
    shares = plan.control.share, plan.treatments[0].share
    return plan.min_sample_size * sum(shares) / min(shares)


def guard(
    plan: ExperimentPlan, guardrail: Guardrail, treatment: str, control_group: Group, treatment_group: Group
) -> GuardrailFinding:
    """Whether the metric got worse by more than its margin: fine, worse, or not to be told yet."""
    metric = guardrail.metric
    ours = estimate(metric, treatment_group, plan.truth)
    theirs = estimate(metric, control_group, plan.truth)
    n = min(ours.n, theirs.n)
    if why := _untold(ours, theirs):
        return GuardrailFinding(
            guardrail, treatment, "missing", _finite(theirs.value), _finite(ours.value),
            None, None, None, None, n, why,
        )  # fmt: skip
    margin = guardrail.margin * abs(theirs.value) if guardrail.relative else guardrail.margin
    gap, low, high = difference(ours, theirs, reach_of(plan, ours, theirs))
    if more_is_better(metric):
        gap, low, high = -gap, -high, -low
    state: GuardrailState = "worse" if low > margin else "fine" if high < margin else "unclear"
    return GuardrailFinding(
        guardrail, treatment, state, theirs.value, ours.value, gap, _finite(low), _finite(high), margin, n
    )


def sequence_of(
    plan: ExperimentPlan, control_rows: pl.DataFrame, treatment_rows: pl.DataFrame
) -> tuple[SequencePoint, ...]:
    """The effect on a metric of outcomes as the labelled entities came in, in the order of their exposure."""
    moments = pl.concat([control_rows["exposed_at"], treatment_rows["exposed_at"]]).sort()
    if not moments.len():
        return ()
    points: list[SequencePoint] = []
    for place in _places(moments.len()):
        at = moments[place]
        ours = _until(plan.primary, treatment_rows, at, plan.truth)
        theirs = _until(plan.primary, control_rows, at, plan.truth)
        if _untold(ours, theirs):
            continue
        gap, low, high = difference(ours, theirs, reach_of(plan, ours, theirs))
        if math.isfinite(low) and math.isfinite(high):
            points.append(SequencePoint(at, ours.n + theirs.n, gap, low, high))
    return tuple(points)


def _until(metric: str, rows: pl.DataFrame, at: datetime, truth: Truth) -> Estimate:
    return of_outcomes(metric, rows.filter(pl.col("exposed_at") <= at), truth)


def _places(count: int) -> Sequence[int]:
    """At most so many places of the rows as are drawn, spread evenly; the first intervals would hide the others."""
    first = min(max(count // 12, 19), count - 1)
    return sorted({int(place) for place in np.linspace(first, count - 1, SHOWN_POINTS)})


def _untold(ours: Estimate, theirs: Estimate) -> str:
    empty = [name for name, one in (("control", theirs), ("the treatment", ours)) if not one.n]
    if empty:
        return f"nothing is known of {' and '.join(empty)}"
    broken = [
        name for name, one in (("control", theirs), ("the treatment", ours)) if not math.isfinite(one.value)
    ]
    return f"it has no value on the rows of {' and '.join(broken)}" if broken else ""


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
