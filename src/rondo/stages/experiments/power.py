"""How large an experiment has to be, and how long that takes at the traffic of now. Pure.

For one look at the end: n = (z(1 - alpha/2) + z(power))² sigma² (1/s1 + 1/s2) / effect² entities together, of which
the sides get the shares s1 and s2. A test that may be looked at any time reaches further (see sequence.py) and
needs more; that it may also end long before is not counted in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from rondo.contract.ab_test import of_requests
from rondo.contract.metrics import LATENCIES, system_name
from rondo.records.experiment import ExperimentPlan, Power
from rondo.records.intervals import Estimate
from rondo.stages.experiments.sequence import reach

ENOUGH_FOR_A_BASELINE = 50
_MOST = 1e12
_DAY_S = 86_400.0


def power_of(plan: ExperimentPlan, baseline: Estimate | None, *, per_day: float | None) -> Power:
    """What the plan needs, given control's value so far.

    Args:
        baseline: control's value of the primary metric.
        per_day: entities (for a metric of requests: requests) that arrive in a day.
    """
    smallest = min(variant.share for variant in plan.variants)
    to_minimum = plan.min_sample_size / smallest / per_day if per_day else None
    value, sigma, why = _known(plan, baseline)
    notes = [why] if why else []
    fixed = sample = effect = None
    if value is not None and sigma is not None:
        effect = plan.minimum_effect * abs(value)
        fixed = _smallest_group(plan, _once(plan, sigma, effect))
        sample = _smallest_group(plan, _always(plan, sigma, effect))
    if per_day is None:
        notes.append("nobody was answered lately: how long it takes is not known")
    to_sample = max(sample, plan.min_sample_size) / smallest / per_day if sample and per_day else None
    detectable = None
    if value and sigma is not None and per_day:
        together = per_day * plan.duration_s / _DAY_S
        detectable = _found_with(plan, sigma, together) / abs(value)
    made = Power(
        value,
        baseline.n if baseline else 0,
        effect,
        fixed,
        sample,
        per_day,
        to_sample,
        to_minimum,
        detectable,
    )
    return _with_notes(plan, made, notes)


def _known(plan: ExperimentPlan, baseline: Estimate | None) -> tuple[float | None, float | None, str]:
    """Control's value, the spread of one observation, and what keeps them from being known."""
    if system_name(plan.primary) in LATENCIES:
        return None, None, f"for the percentile {plan.primary} no needed sample is computed"
    if baseline is None or baseline.n < ENOUGH_FOR_A_BASELINE or not math.isfinite(baseline.value):
        n = baseline.n if baseline else 0
        return (
            None,
            None,
            (
                f"{plan.primary} of control is not known yet ({n:,} of at least {ENOUGH_FOR_A_BASELINE} outcomes): "
                "the needed sample will be told when it is"
            ),
        )
    low, high = baseline.bounds(1.0)
    sigma = (high - low) / 2 * math.sqrt(baseline.n)
    if not (math.isfinite(sigma) and sigma > 0 and baseline.value != 0):
        return (
            baseline.value,
            None,
            f"{plan.primary} of control is {baseline.value:g} throughout: nothing to size by",
        )
    return baseline.value, sigma, ""


def _with_notes(plan: ExperimentPlan, power: Power, notes: list[str]) -> Power:
    days = plan.duration_s / _DAY_S
    if power.sample is not None and plan.min_sample_size < power.sample:
        notes.append(
            f"a min_sample_size of {plan.min_sample_size:,} is less than the {power.sample:,} of each variant that "
            f"find a change of {plan.minimum_effect:.1%} of control with a chance of {plan.power:.0%}"
        )
    if power.days_to_minimum is not None and power.days_to_minimum > days:
        notes.append(
            f"at {power.per_day:,.0f} {_what(plan)} a day min_sample_size takes {power.days_to_minimum:,.1f} days, "
            f"longer than duration_days {days:g}: the test would end without a decision"
        )
    elif power.days_to_sample is not None and power.days_to_sample > days:
        notes.append(
            f"at {power.per_day:,.0f} {_what(plan)} a day the needed sample takes {power.days_to_sample:,.1f} days, "
            f"longer than duration_days {days:g}"
        )
    return Power(
        power.baseline, power.baseline_n, power.effect, power.fixed_sample, power.sample, power.per_day,
        power.days_to_sample, power.days_to_minimum, power.detectable, tuple(notes),
    )  # fmt: skip


def _what(plan: ExperimentPlan) -> str:
    return "requests" if of_requests(plan.primary) else "entities"


def _once(plan: ExperimentPlan, sigma: float, effect: float) -> float:
    z = NormalDist().inv_cdf(1 - plan.alpha / 2) + NormalDist().inv_cdf(plan.power)
    return (z * sigma / effect) ** 2 * _spread(plan)


def _always(plan: ExperimentPlan, sigma: float, effect: float) -> float:
    """The least sample of all together at which the sequence finds the effect with the planned power."""
    return _crossing(lambda together: _found_with(plan, sigma, together) <= effect)


def _found_with(plan: ExperimentPlan, sigma: float, together: float) -> float:
    """The least change that so many entities of all variants find with the planned power."""
    control, treatment = plan.control.share, plan.treatments[0].share
    compared = together * (control + treatment)
    tightest_at = plan.min_sample_size / min(control, treatment) * (control + treatment)
    z = reach(compared, plan.alpha, tightest_at=tightest_at) + NormalDist().inv_cdf(plan.power)
    return z * sigma * math.sqrt(_spread(plan) / together)


def _spread(plan: ExperimentPlan) -> float:
    return 1 / plan.control.share + 1 / plan.treatments[0].share


def _smallest_group(plan: ExperimentPlan, together: float) -> int | None:
    if not math.isfinite(together):
        return None
    return math.ceil(together * min(variant.share for variant in plan.variants))


def _crossing(enough: Callable[[float], bool]) -> float:
    high = 2.0
    while not enough(high):
        high *= 2
        if high > _MOST:
            return math.inf
    low = high / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
