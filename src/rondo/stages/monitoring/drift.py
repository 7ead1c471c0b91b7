"""How far a distribution has moved from the reference, and how far chance alone would move it. Pure.

PSI (population stability index) of shares a (now) and e (reference) over bins: sum of (a - e) ln(a / e)
(N. Siddiqi, Credit Risk Scorecards, 2006). When nothing moved, PSI is not 0: for n rows now and m in the reference
it is distributed like (1/n + 1/m) times chi-square with bins - 1 degrees of freedom (B. Yurdakul, Statistical
Properties of Population Stability Index, 2018), so about (bins - 1)(1/n + 1/m) on average.

KS (Kolmogorov-Smirnov) is the greatest distance between the two distribution functions; chance alone exceeds
sqrt(-ln(alpha / 2) / 2) sqrt(1/n + 1/m) with probability alpha at most.

A rate (of missing values, of categories that training did not know) is compared on the scale 2 arcsin(sqrt(p)), on
which the difference of two samples of one population is about normal with variance 1/n + 1/m, also near 0
(F. J. Anscombe, The transformation of Poisson, binomial and negative-binomial data, 1948).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.reference import (
    CategoricalReference,
    NumericalReference,
    count_in_bins,
    describe_categories,
)

FALSE_ALARMS = 0.001
"""Probability that chance alone makes any of the features compared together look moved."""
_HALF = 0.5  # added to every count, so that an empty bin is rare and not impossible


@dataclass(frozen=True, slots=True)
class Moved:
    """A distance, what chance gives on average, and what chance hardly ever exceeds."""

    value: float
    chance: float
    beyond: float
    n: int


def psi_of_numbers(
    values: NDArray[np.floating], reference: NumericalReference, *, compared: int = 1
) -> Moved | None:
    """PSI over the reference's bins and one for missing values; None when either side has no rows.

    Args:
        values: [n], missing = NaN.
        compared: how many features are looked at together, to share the false alarms among them.
    """
    numbers = np.asarray(values, dtype=np.float64)
    now = [*count_in_bins(numbers, reference.edges), int((~np.isfinite(numbers)).sum())]
    return _psi(now, [*reference.counts, reference.missing], compared)


def psi_of_categories(
    values: Sequence[str | None], reference: CategoricalReference, *, compared: int = 1
) -> Moved | None:
    """PSI over the reference's categories, one bin for those it does not know, and one for missing values."""
    found = describe_categories(values)
    known = list(reference.counts)
    unknown = sum(count for name, count in found.counts.items() if name not in reference.counts)
    now = [*(found.counts.get(name, 0) for name in known), unknown, found.missing]
    return _psi(now, [*reference.counts.values(), 0, reference.missing], compared)


def ks_of_numbers(
    values: NDArray[np.floating], reference: NumericalReference, *, compared: int = 1
) -> Moved | None:
    """KS distance from the reference's quantile sketch (exact to 0.001); None when either side has no values."""
    numbers = np.asarray(values, dtype=np.float64)
    now = np.sort(numbers[np.isfinite(numbers)])
    sketch = np.asarray(reference.quantiles)
    if not now.size or not sketch.size:
        return None
    points = np.union1d(now, sketch)
    distance = np.abs(
        np.searchsorted(now, points, side="right") / now.size
        - np.searchsorted(sketch, points, side="right") / sketch.size
    ).max()
    scale = math.sqrt(1 / now.size + 1 / reference.n)
    # The mean of the Kolmogorov distribution is sqrt(pi / 2) ln 2.
    average = math.sqrt(math.pi / 2) * math.log(2) * scale
    beyond = math.sqrt(-math.log(FALSE_ALARMS / compared / 2) / 2) * scale
    return Moved(float(distance), average, beyond, int(now.size))


def rate_against(count: int, rows: int, before: int, rows_before: int, *, compared: int = 1) -> Moved | None:
    """The share `count` of `rows`, where `before` of `rows_before` are usual; None when either side has no rows.

    `chance` is the usual share; what chance hardly ever exceeds lies above it.
    """
    if not rows or not rows_before:
        return None
    usual = 2 * math.asin(math.sqrt((before + 0.375) / (rows_before + 0.75)))
    z = NormalDist().inv_cdf(1 - FALSE_ALARMS / compared)
    highest = min(usual + z * math.sqrt(1 / rows + 1 / rows_before), math.pi)
    return Moved(count / rows, before / rows_before, math.sin(highest / 2) ** 2, rows)


def _psi(now: Sequence[int], reference: Sequence[int], compared: int) -> Moved | None:
    n, m = sum(now), sum(reference)
    if not n or not m:
        return None
    used = [(a, e) for a, e in zip(now, reference, strict=True) if a or e]
    bins = len(used)
    if bins < 2:
        return Moved(0.0, 0.0, 0.0, n)
    a = (np.array([pair[0] for pair in used]) + _HALF) / (n + _HALF * bins)
    e = (np.array([pair[1] for pair in used]) + _HALF) / (m + _HALF * bins)
    value = float(((a - e) * np.log(a / e)).sum())
    scale = 1 / n + 1 / m
    return Moved(value, (bins - 1) * scale, _chi_square_beyond(bins - 1, FALSE_ALARMS / compared) * scale, n)


def _chi_square_beyond(degrees: int, probability: float) -> float:
    """What a chi-square variable exceeds with that probability (Wilson and Hilferty, 1931)."""
    z = NormalDist().inv_cdf(1 - probability)
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + z * math.sqrt(spread)) ** 3
