"""Intervals that hold at every look at once, so that looking often does not make false alarms. Pure.

A rate: the mixture of likelihood ratios over a Beta(1/2, 1/2) prior is a martingale under the true rate, so by
Ville's inequality it ever exceeds 1 / alpha with probability alpha at most; the rates at which it has not are
an interval for all sample sizes together (H. Robbins, Statistical Methods Related to the Law of the Iterated
Logarithm, 1970; S. Howard et al., Time-uniform, Nonparametric, Nonasymptotic Confidence Sequences, 2021).

A distribution function: by P. Massart's bound (The Tight Constant in the Dvoretzky-Kiefer-Wolfowitz Inequality, 1990)
n values are further than r from their distribution with probability 2 exp(-2 n r^2) at most. Spending alpha
6 / (pi n)^2 on the sample size n, which sums to alpha over all n, gives a distance that holds at every n.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_HALVINGS = 50


def rate_interval(count: int, n: int, alpha: float) -> tuple[float, float]:
    """The rates that `count` of `n` do not rule out, at any look, but with probability alpha."""
    if n <= 0:
        return 0.0, 1.0
    rest, bound = n - count, -math.log(alpha)
    mixture = _log_beta(count + 0.5, rest + 0.5) - _log_beta(0.5, 0.5)

    def excess(rate: float) -> float:
        return mixture - _times_log(count, rate) - _times_log(rest, 1.0 - rate) - bound

    seen = count / n
    low = _crossing(excess, 0.0, seen) if count else 0.0
    high = _crossing(excess, 1.0, seen) if rest else 1.0
    return low, high


def distance_by_chance(n: int, m: int, alpha: float) -> float:
    """What the distance of two samples of one distribution exceeds, at any look, with probability alpha at most."""
    return _distance_from_truth(n, alpha / 2) + _distance_from_truth(m, alpha / 2)


def distance_between(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The greatest distance between the distribution functions of two samples (Kolmogorov and Smirnov)."""
    first, second = np.sort(one), np.sort(other)
    points = np.concatenate([first, second])
    return float(
        np.abs(
            np.searchsorted(first, points, side="right") / first.size
            - np.searchsorted(second, points, side="right") / second.size
        ).max()
    )


def _distance_from_truth(n: int, alpha: float) -> float:
    return math.sqrt(math.log(2.0 * (math.pi * n) ** 2 / (6.0 * alpha)) / (2.0 * n)) if n > 0 else 1.0


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _times_log(count: int, rate: float) -> float:
    return count * math.log(rate) if count else 0.0


def _crossing(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """Where the excess, below 0 inside, becomes 0 on the way outside."""
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        if excess(middle) > 0:
            outside = middle
        else:
            inside = middle
    return outside
