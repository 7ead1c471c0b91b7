"""What one version did in a window, against the contract's limits and against the other version. Pure.

Each comparison says one of three things in words: it is surely worse (reject), it is beyond a limit but the sample
does not settle it yet (inconclusive), or nothing at all. Every interval holds at every look, see sequences.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rondo.contract.deployment import Margins
from rondo.contract.metrics import LATENCIES, system_name
from rondo.contract.units import Limit
from rondo.records.verdict import Judgement
from rondo.stages.deployment.sequences import distance_between, distance_by_chance, rate_interval

SLOW_MS, SLOW_SHARE = 1.0, 0.03
"""An answer is slow that is beyond the margin and SLOW_MS more; SLOW_SHARE of the answers may be."""
FEWEST_TIMES = 200
"""Below this a 99th percentile is the slowest few answers and compared with nothing."""
FEWEST_DECISIONS = 20
"""Decisions that are rarer than that on both sides are not compared one by one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What speaks against going on."""

    judgement: Judgement
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """What one version did in the window; `scores` are the finite ones, [rows - unusable]."""

    requests: int = 0
    errors: int = 0
    latency_ms: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    rows: int = 0
    unusable: int = 0  # answered rows whose score is no number
    decisions: Mapping[str, int] = field(default_factory=dict)
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    dropped: int = 0  # shadow only: mirrored requests that were let go
    seconds: float = 0.0  # that were looked at

    def figures(self) -> dict[str, float | int | None]:
        """The figures for people; None where nothing was measured."""
        times = self.latency_ms
        return {
            "requests": self.requests,
            "error_rate": self.errors / self.requests if self.requests else None,
            "p50_latency_ms": float(np.percentile(times, 50)) if times.size else None,
            "p99_latency_ms": float(np.percentile(times, 99)) if times.size else None,
            "rows": self.rows,
            "unusable": self.unusable,
            "mean_score": float(self.scores.mean()) if self.scores.size else None,
            "dropped": self.dropped,
        }


def beyond_limits(
    side: Side, limits: Mapping[str, Limit], *, alpha: float, whole_traffic: bool = False
) -> Iterator[Finding]:
    """What the contract's `rollback_on` says of that version.

    Args:
        side: what it did.
        limits: the bad side of each figure, by name.
        alpha: probability of one false rejection in all of them together.
        whole_traffic: whether all requests reach it; only then it has a throughput of its own.
    """
    for name, limit in limits.items():
        metric, each = system_name(name), alpha / len(limits)
        if metric in LATENCIES:
            yield from _slower(side, name, int(metric[1:3]), limit, each)
        elif metric == "error_rate":
            yield from _more_often(side, name, limit, limit.quantity.value, each)
        elif metric == "availability":
            yield from _more_often(side, name, limit, 1.0 - limit.quantity.value, each)
        elif metric == "throughput" and whole_traffic:
            yield from _thinner(side, name, limit)


def worse_than(candidate: Side, control: Side, margins: Margins, *, alpha: float) -> Iterator[Finding]:
    """In what the candidate is surely worse than the control over the same time, or answers otherwise."""
    each = alpha / 5
    pairs = (
        ("requests failed", (candidate.errors, candidate.requests), (control.errors, control.requests)),
        ("answers are no number", (candidate.unusable, candidate.rows), (control.unusable, control.rows)),
    )
    for words, ours, theirs in pairs:
        low, _ = rate_interval(*ours, each / 2)
        _, high = rate_interval(*theirs, each / 2)
        if low > high + margins.error_rate:
            yield Finding("reject", f"{_share(*ours)} {words}, of the control's {_share(*theirs)}")
    yield from _slower_than(candidate, control, margins, each)
    yield from decides_otherwise(candidate, control, margins, alpha=each)
    yield from scores_otherwise(candidate, control, margins, alpha=each)


def decides_otherwise(candidate: Side, control: Side, margins: Margins, *, alpha: float) -> Iterator[Finding]:
    """Decisions that the candidate surely makes much more or much less often."""
    n, m = sum(candidate.decisions.values()), sum(control.decisions.values())
    known = sorted({*candidate.decisions, *control.decisions})
    common = [
        name
        for name in known
        if max(candidate.decisions.get(name, 0), control.decisions.get(name, 0)) >= FEWEST_DECISIONS
    ]
    for name in common:
        ours, theirs = candidate.decisions.get(name, 0), control.decisions.get(name, 0)
        low, high = rate_interval(ours, n, alpha / (2 * len(known)))
        their_low, their_high = rate_interval(theirs, m, alpha / (2 * len(known)))
        if low > their_high + margins.decisions or high < their_low - margins.decisions:
            words = f"it decides {name!r} for {_share(ours, n)}, the control for {_share(theirs, m)}"
            yield Finding("reject", words)


def scores_otherwise(candidate: Side, control: Side, margins: Margins, *, alpha: float) -> Iterator[Finding]:
    """Whether the scores are surely distributed otherwise."""
    n, m = candidate.scores.size, control.scores.size
    if n and m:
        distance = distance_between(candidate.scores, control.scores)
        chance = distance_by_chance(n, m, alpha)
        if distance > margins.score_distance + chance:
            words = f"its scores are distributed otherwise (distance {distance:.2f}, by chance up to {chance:.2f})"
            yield Finding("reject", words)


def _more_often(side: Side, name: str, limit: Limit, bound: float, alpha: float) -> Iterator[Finding]:
    low, _ = rate_interval(side.errors, side.requests, alpha)
    rate = side.errors / side.requests
    words = f"{name}: {_share(side.errors, side.requests)} failed, the limit is {limit}"
    if low > bound:
        yield Finding("reject", words)
    elif limit.holds(rate if system_name(name) == "error_rate" else 1.0 - rate):
        yield Finding("inconclusive", f"{words}; that few requests do not settle it")


def _slower(side: Side, name: str, percentile: int, limit: Limit, alpha: float) -> Iterator[Finding]:
    times, bound_ms = side.latency_ms, limit.quantity.value * 1e3
    if not times.size:
        yield Finding("inconclusive", f"{name}: no answer time was measured")
        return
    low, _ = rate_interval(int((times > bound_ms).sum()), times.size, alpha)
    value = float(np.percentile(times, percentile))
    words = f"{name}: {value:.3g} ms, the limit is {limit}"
    if low > 1.0 - percentile / 100.0:
        yield Finding("reject", words)
    elif limit.holds(value / 1e3):
        yield Finding("inconclusive", f"{words}; that few answers do not settle it")


def _thinner(side: Side, name: str, limit: Limit) -> Iterator[Finding]:
    rate = side.requests / side.seconds if side.seconds else 0.0
    if limit.holds(rate):
        # Few requests may as well be few clients: a person has to look.
        yield Finding("inconclusive", f"{name}: {rate:.3g} requests/s, the limit is {limit}")


def _slower_than(candidate: Side, control: Side, margins: Margins, alpha: float) -> Iterator[Finding]:
    ours, theirs = candidate.latency_ms, control.latency_ms
    if ours.size and theirs.size >= FEWEST_TIMES:
        usual = float(np.percentile(theirs, 99))
        slow = int((ours > usual * (1.0 + margins.p99_latency) + SLOW_MS).sum())
        if rate_interval(slow, ours.size, alpha)[0] > SLOW_SHARE:
            words = (
                f"p99 latency {np.percentile(ours, 99):.3g} ms, {usual:.3g} ms for the control "
                f"({_share(slow, ours.size)} of the answers are slower than that by {margins.p99_latency:.0%})"
            )
            yield Finding("reject", words)


def _share(count: int, n: int) -> str:
    return f"{count / n:.2%} of {n:,}" if n else "none of 0"
