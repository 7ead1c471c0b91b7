"""How far an interval has to reach so that it holds at every look at once. Pure.

The asymptotic confidence sequence of I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy and A. Ramdas (Time-uniform
Central Limit Theory and Asymptotic Confidence Sequences, 2024; the boundary is that of H. Robbins, 1970): for a mean
of t observations with standard error s, or for anything that behaves like one, the interval

    estimate ± s sqrt((t r² + 1) / (t r²) ln((t r² + 1) / alpha²))

covers the truth at all t together with probability 1 - alpha, in the limit of large samples. `r` decides where it is
tightest: at the smallest sample on which a decision may be made.
"""

from __future__ import annotations

import math


def reach(t: float, alpha: float, *, tightest_at: float) -> float:
    """How many standard errors the interval reaches after t observations; at every t a number above 1.96 at 5%."""
    if t <= 0:
        return math.inf
    scaled = t * _mixture(alpha) / max(tightest_at, 1.0)
    return math.sqrt((scaled + 1) / scaled * math.log((scaled + 1) / alpha**2))


def _mixture(alpha: float) -> float:
    """t r² where the interval is tightest: the solution x of x = ln(1 + x) - 2 ln alpha."""
    x = 1.0 - 2.0 * math.log(alpha)
    for _ in range(50):
        x = math.log1p(x) - 2.0 * math.log(alpha)
    return x
