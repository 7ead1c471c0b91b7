"""Gates: each asks one thing of one figure. Pure; only `passed` passes, and what is missing is named.

A criterion, the baseline and the constraints look at the figure itself (its interval is shown as evidence).
The comparison with production looks at the interval of the difference on the same rows:

    passed         the whole interval lies above -margin: not worse by more than the tolerance
    failed         the whole interval lies below -margin; or below 0, with the figure itself below -margin
    inconclusive   anything else: these rows cannot tell, and the evidence says how many could
    missing        production cannot answer these rows, and its own recorded figure does not settle it
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rondo.contract.problem import Criterion
from rondo.contract.units import Limit, Quantity
from rondo.records.candidate import Measured
from rondo.records.metrics import bigger_is_better
from rondo.records.verdict import Gate, GateStatus
from rondo.stages.validation.lists import POPULAR_ORDER, Orders

EXACT = 1e-12  # sums of equal numbers in another order differ by this much
MOST_ROWS = 10_000_000  # beyond it "more rows" is no advice

Kind = Literal["criterion", "baseline", "constraint", "comparison", "integrity"]
Holds = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The candidate beside production on the success metric.

    `difference` is candidate minus production in the metric's own sign, over the same rows; None where
    production could not answer them: then `note` says why, and `production` is what its manifest recorded on
    rows of its own.
    """

    metric: str
    version: str
    candidate: Measured
    production: Measured
    difference: Measured | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Beaten:
    """The model beside the seasonal naive forecast on the same rows; `difference` is model minus naive."""

    model: Measured
    naive: Measured
    difference: Measured
    moments: int
    without_scale: int  # rows of series that are too short or never change: no scaled error


def criterion_gates(criteria: Mapping[str, Criterion], measured: Mapping[str, Measured]) -> tuple[Gate, ...]:
    """One gate per bound of success_criteria.offline_metrics: `min` from below, `max` from above.

    A criterion that only names a `target` asks nothing; it is no gate.
    """
    gates = []
    for name, criterion in criteria.items():
        figure = measured.get(name)
        for bound, sign in ((criterion.min, 1), (criterion.max, -1)):
            if bound is not None:
                gates.append(_bound_gate(name, bound, sign, figure, _hoped(criterion.target, figure, name)))
    return tuple(gates)


def baseline_gate(metric: str, baseline: float, measured: Mapping[str, Measured]) -> Gate:
    """The success metric must be better than ml_problem.baseline, equal is not better."""
    upwards = bigger_is_better(metric)
    figure = measured.get(metric)
    asked = f"{'>' if upwards else '<'} {baseline:g}"

    def better(value: float) -> bool:
        return value > baseline if upwards else value < baseline

    return _gate(metric, "baseline", asked, figure, better, _doubt(figure, baseline, 1 if upwards else -1))


def naive_gate(metric: str, beaten: Beaten) -> Gate:
    """The seasonal naive forecast is beaten on the same rows; found, low and high are the gain.

    passed when the whole interval lies above 0, failed when the figure does not, else inconclusive.
    """
    name, asked = f"{metric} against seasonal naive", "gain > 0"
    told = (
        f"model {_figure(beaten.model)}, naive {_figure(beaten.naive)} on the same {beaten.model.n:,} rows "
        f"of {beaten.moments:,} moments, which the interval resamples"
    )
    if beaten.without_scale:
        told += f"; {beaten.without_scale:,} rows belong to series without a scale"
    if beaten.difference.value is None or not math.isfinite(beaten.difference.value):
        return Gate(name, "baseline", asked, None, "not_a_number", beaten.difference.note, n=beaten.model.n)
    gain, low, high = _gain(metric, beaten.difference)
    status: GateStatus = "failed" if gain <= 0 else "inconclusive" if low is None or low <= 0 else "passed"
    if status == "inconclusive":
        told += "; these rows cannot tell"
    return Gate(name, "baseline", asked, gain, status, told, low, high, beaten.model.n)


def order_gate(orders: Orders, uplift: float | None) -> Gate:
    """The popular items are beaten on the same lists, by the share that is asked for; found is the relative gain.

    passed when the gain is large enough and its whole interval above 0, failed when it is not, else inconclusive.
    """
    name = f"{orders.metric} against {POPULAR_ORDER}"
    asked = f"gain >= {uplift:.0%}" if uplift is not None else "gain > 0"
    told = (
        f"popular items {_figure(orders.popular)} on the same {orders.lists:,} lists of {orders.owners:,} owners, "
        f"whom the interval resamples"
    )
    base = orders.popular.value
    if orders.gain.value is None or not base:
        return Gate(name, "baseline", asked, None, "not_a_number", orders.gain.note or told, n=orders.lists)
    gain = orders.gain.value / base
    low, high = (None if end is None else end / base for end in (orders.gain.low, orders.gain.high))
    enough = gain > 0 if uplift is None else gain >= uplift
    status: GateStatus = (
        "failed" if not enough else "passed" if low is not None and low > 0 else "inconclusive"
    )
    return Gate(name, "baseline", asked, gain, status, told, low, high, orders.lists)


def size_gate(limit: Limit, size_bytes: int | None) -> Gate:
    """The bundle's size in bytes against constraints.model_size."""
    figure = None if size_bytes is None else Measured(float(size_bytes))
    return _gate("model_size", "constraint", str(limit), figure, limit.holds, "every file of the bundle")


def latency_gate(limit: Limit, times_s: Sequence[float]) -> Gate:
    """The 99th percentile of one-row answers, in seconds, against constraints.latency."""
    if not times_s:
        return _gate("latency", "constraint", str(limit), None, limit.holds, "")
    ordered = sorted(times_s)
    p99 = ordered[min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)]
    evidence = "p99 of one row through the model runtime alone, in process; a server adds its own time"
    return _gate("latency", "constraint", str(limit), Measured(p99, n=len(ordered)), limit.holds, evidence)


def exact_gate(name: str, asked: str, found: float | None, holds: bool, evidence: str, n: int) -> Gate:
    """An integrity gate from a figure and whether it is as it must be; no figure is `missing`."""
    figure = None if found is None else Measured(found, n=n)
    return _gate(name, "integrity", asked, figure, lambda _: holds, evidence)


def comparison_gate(comparison: Comparison, tolerance: float) -> Gate:
    """Non-inferiority to production within `tolerance` (relative to production's figure).

    Found, low and high are the gain: the difference turned so that more is better.
    """
    metric = comparison.metric
    name = f"{metric} against {comparison.version}"
    reference = comparison.production.value
    asked = f"not worse by more than {tolerance:.3g} of production"
    if reference is None or not math.isfinite(reference):
        status: GateStatus = "missing" if comparison.difference is None else "not_a_number"
        why = comparison.note or comparison.production.note or "production has no such figure"
        return Gate(name, "comparison", asked, None, status, why)
    margin = tolerance * abs(reference)
    asked = f"gain >= -{margin:.4g} ({tolerance * 100:g}% of {reference:.4g})"
    if comparison.difference is None:
        return _against_record(name, asked, comparison, reference, margin)
    return _against_same_rows(name, asked, comparison, comparison.difference, margin)


def rows_needed(n: int, gain: float, low: float, margin: float) -> int | None:
    """Rows that would lift the interval above -margin if the gain stays; None when no number within reason would."""
    room, half = gain + margin, gain - low
    if room <= 0 or half <= 0 or n <= 0 or half > room * math.sqrt(MOST_ROWS / n):
        return None
    return math.ceil(n * (half / room) ** 2)


def _against_same_rows(
    name: str, asked: str, comparison: Comparison, difference: Measured, margin: float
) -> Gate:
    if difference.value is None or not math.isfinite(difference.value):
        return Gate(name, "comparison", asked, None, "not_a_number", difference.note, n=difference.n)
    gain, low, high = _gain(comparison.metric, difference)
    told = (
        f"candidate {_figure(comparison.candidate)}, production {_figure(comparison.production)} "
        f"on the same {difference.n:,} rows"
    )

    def gate(status: GateStatus, evidence: str) -> Gate:
        return Gate(name, "comparison", asked, gain, status, evidence, low, high, difference.n)

    if low is None or high is None:
        return gate("inconclusive", f"{told}; {difference.note or 'there is no interval'}")
    if low >= -margin - EXACT:
        return gate("passed", told)
    if high < -margin or (high < 0 and gain < -margin):
        return gate("failed", f"{told}; worse than chance explains")
    needed = rows_needed(difference.n, gain, low, margin)
    if needed is None:
        return gate(
            "inconclusive", f"{told}; these rows cannot tell, and more rows of this kind would not help"
        )
    return gate("inconclusive", f"{told}; these rows cannot tell, about {needed:,} could")


def _against_record(name: str, asked: str, comparison: Comparison, reference: float, margin: float) -> Gate:
    """Other rows: a figure that is not clearly as good proves nothing, it is `missing` and never `failed`."""
    told = f"{comparison.note}; its recorded {comparison.metric} is {reference:.4g}, on rows of its own"
    candidate = comparison.candidate
    if candidate.value is None or candidate.low is None or candidate.high is None:
        return Gate(name, "comparison", asked, None, "missing", f"{told}; the candidate has no interval")
    up = bigger_is_better(comparison.metric)
    worst, best = (candidate.low, candidate.high) if up else (candidate.high, candidate.low)
    gain, low, high = ((value - reference) * (1 if up else -1) for value in (candidate.value, worst, best))
    status: GateStatus = "passed" if low >= -margin - EXACT else "missing"
    return Gate(name, "comparison", asked, gain, status, told, low, high, candidate.n)


def _gain(metric: str, difference: Measured) -> tuple[float, float | None, float | None]:
    assert difference.value is not None
    if bigger_is_better(metric):
        return difference.value, difference.low, difference.high
    low = None if difference.high is None else -difference.high
    high = None if difference.low is None else -difference.low
    return -difference.value + 0.0, low, high


def _bound_gate(name: str, bound: Quantity, sign: int, figure: Measured | None, hoped: str) -> Gate:
    asked = f"{'>=' if sign > 0 else '<='} {bound}"

    def holds(value: float) -> bool:
        return value >= bound.value if sign > 0 else value <= bound.value

    evidence = "; ".join(part for part in (_doubt(figure, bound.value, sign), hoped) if part)
    return _gate(name, "criterion", asked, figure, holds, evidence)


def _gate(name: str, kind: Kind, asked: str, figure: Measured | None, holds: Holds, evidence: str) -> Gate:
    if figure is None:
        return Gate(name, kind, asked, None, "missing", "no such figure was measured")
    value = figure.value
    if value is None or not math.isfinite(value):
        return Gate(name, kind, asked, None, "not_a_number", figure.note or "it has no value", n=figure.n)
    status: GateStatus = "passed" if holds(value) else "failed"
    return Gate(name, kind, asked, value, status, evidence, figure.low, figure.high, figure.n or None)


def _doubt(figure: Measured | None, bound: float, sign: int) -> str:
    """A word when the figure holds the bound and its interval does not."""
    if figure is None or figure.value is None or figure.low is None or figure.high is None:
        return ""
    edge = figure.low if sign > 0 else figure.high
    holds, surely = sign * (figure.value - bound) >= 0, sign * (edge - bound) >= 0
    return f"the interval reaches {edge:.4g}" if holds and not surely else ""


def _hoped(target: Quantity | None, figure: Measured | None, metric: str) -> str:
    if target is None or figure is None or figure.value is None:
        return ""
    gap = (figure.value - target.value) * (1 if bigger_is_better(metric) else -1)
    return f"the target {target} is {'reached' if gap >= 0 else 'not reached'}"


def _figure(measured: Measured) -> str:
    return "without a value" if measured.value is None else f"{measured.value:.4f}"
