"""Intervals for rates, means, quantiles, and for what differs between two groups. Pure.

A rate: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
A quantile: by the ranks between which it lies (R. S. Woodruff, Confidence Intervals for Medians and Other Position
Measures, 1952), with Wilson's interval for the share below it.
A difference of two: from the interval of each (R. G. Newcombe, Interval Estimation for the Difference Between
Independent Proportions, 1998; G. Y. Zou and A. Donner, Construction of Confidence Limits about Effect Measures, 2008).
A ratio of two rates: on the log scale (D. Katz and others, Obtaining Confidence Intervals for the Risk Ratio in
Cohort Studies, 1978).

`z` is how many standard errors an interval reaches: 1.96 for one look at 95 %, more where one may look often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Estimate(Protocol):
    """A figure of one group."""

    @property
    def n(self) -> int:
        """How many it was computed from."""

    @property
    def value(self) -> float:
        """The figure; NaN where there is none."""

    def bounds(self, z: float) -> tuple[float, float]:
        """Its interval; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `n`."""

    count: float
    n: int

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.count / self.n if self.n else math.nan

    def bounds(self, z: float) -> tuple[float, float]:
        """Wilson's interval, between 0 and 1."""
        return wilson(self.count, self.n, z)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, or what behaves like one in large samples, with its standard error."""

    value: float
    error: float
    n: int

    def bounds(self, z: float) -> tuple[float, float]:
        """The value and z standard errors; none where every value is the same, because that tells no spread."""
        if not (self.error > 0 and math.isfinite(self.error)):
            return math.nan, math.nan
        return self.value - z * self.error, self.value + z * self.error


@dataclass(frozen=True, slots=True)
class Quantile:
    """The value that a share of the values does not exceed; `values` are sorted."""

    share: float
    values: Sequence[float]

    @property
    def n(self) -> int:
        """How many values."""
        return len(self.values)

    @property
    def value(self) -> float:
        """The quantile; NaN of nothing."""
        return float(np.quantile(self.values, self.share)) if self.n else math.nan

    def bounds(self, z: float) -> tuple[float, float]:
        """The values at the ranks that the quantile may have; infinite above where it may lie beyond them all."""
        if not self.n:
            return math.nan, math.nan
        low, high = wilson(self.share * self.n, self.n, z)
        above = math.ceil(high * self.n)
        below = math.floor(low * self.n) - 1
        return (
            self.values[below] if below >= 0 else -math.inf,
            self.values[above] if above < self.n else math.inf,
        )


def wilson(count: float, n: int, z: float) -> tuple[float, float]:
    """The interval of a share; NaN of nothing."""
    if n <= 0:
        return math.nan, math.nan
    share, square = count / n, z * z / n
    middle = (share + square / 2) / (1 + square)
    reach = z / (1 + square) * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def mean_of(values: NDArray[np.floating]) -> Mean:
    """The mean of the values."""
    n = int(values.size)
    if not n:
        return Mean(math.nan, math.nan, 0)
    error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Mean(float(values.mean()), error, n)


def ratio_of(above: NDArray[np.floating], below: NDArray[np.floating]) -> Mean:
    """The sum of one column over the sum of another, with the standard error of the delta method."""
    n, total = int(below.size), float(below.sum())
    if not total:
        return Mean(math.nan, math.nan, n)
    value = float(above.sum()) / total
    spread = float(np.sqrt(((above - value * below) ** 2).sum())) / abs(total)
    return Mean(value, spread, n)


def difference(one: Estimate, other: Estimate, z: float) -> tuple[float, float, float]:
    """`one` minus `other`, and its interval; NaN where it cannot be told."""
    first, second = one.value, other.value
    (low, high), (other_low, other_high) = one.bounds(z), other.bounds(z)
    gap = first - second
    return (
        gap,
        gap - math.hypot(first - low, other_high - second),
        gap + math.hypot(high - first, second - other_low),
    )


def relative_reduction(rate: Rate, before: Rate, z: float) -> tuple[float, float, float] | None:
    """By which share the rate is lower than `before`, and its interval; None while either is 0 or 1."""
    if min(rate.count, before.count, rate.n - rate.count, before.n - before.count) <= 0:
        return None
    ratio = rate.value / before.value
    spread = math.sqrt((1 - rate.value) / rate.count + (1 - before.value) / before.count)
    return 1 - ratio, 1 - ratio * math.exp(z * spread), 1 - ratio * math.exp(-z * spread)
