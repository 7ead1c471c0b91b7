"""Whether the groups have the planned sizes: a mismatch means that something else than chance chose the variant. Pure.

The test that stops a verdict may be looked at any time: the counts against a mixture of Dirichlet alternatives
around the planned shares give a Bayes factor, a martingale when the shares are as planned, so that it ever exceeds
1 / alpha with probability alpha at most (M. Lindon and A. Malek, Anytime-Valid Inference for Multinomial Count Data,
2022). Why such experiments cannot be trusted: A. Fabijan and others, Diagnosing Sample Ratio Mismatch in Online
Controlled Experiments, 2019. Pearson's chi-square is given beside it; it is right for one look only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from rondo.records.experiment import Balance, ExperimentPlan

ALPHA = 0.001
_CONCENTRATIONS = (10.0, 100.0, 1_000.0, 10_000.0)
"""How near to the planned shares the alternatives lie: from large mismatches, found early, to small ones."""


def balance_of(plan: ExperimentPlan, order: Sequence[str], *, alpha: float = ALPHA) -> Balance:
    """The sizes of the groups against the planned shares.

    Args:
        order: the variant of each entity, in the order of the exposures.
    """
    names = [variant.name for variant in plan.variants]
    shares = {variant.name: variant.share for variant in plan.variants}
    counts = dict.fromkeys(names, 0)
    for name in order:
        counts[name] += 1
    expected = {name: share * len(order) for name, share in shares.items()}
    if not order:
        return Balance(counts, expected, None, None, mismatch=False)
    chance = always_valid(order, shares)
    return Balance(counts, expected, chi_square(counts, expected), chance, mismatch=chance < alpha)


def always_valid(order: Sequence[str], shares: Mapping[str, float]) -> float:
    """The p-value of the planned shares that holds at every look at once: the least one so far."""
    places = {name: place for place, name in enumerate(shares)}
    codes = np.array([places[name] for name in order])
    planned = np.array(list(shares.values()))
    seen_before = np.empty(len(codes))
    for place in range(len(planned)):
        own = codes == place
        seen_before[own] = np.arange(own.sum())
    step = np.arange(len(codes))
    under_plan = np.log(planned[codes])
    factors = np.stack(
        [
            np.cumsum(np.log((size * planned[codes] + seen_before) / (size + step)) - under_plan)
            for size in _CONCENTRATIONS
        ]
    )
    top = factors.max(axis=0)
    mixed = top + np.log(np.exp(factors - top).mean(axis=0))
    return float(min(1.0, math.exp(-max(mixed.max(), 0.0))))


def chi_square(counts: Mapping[str, int], expected: Mapping[str, float]) -> float:
    """Pearson's p-value of counts against what is expected."""
    value = sum((counts[name] - wanted) ** 2 / wanted for name, wanted in expected.items() if wanted)
    return chi_square_tail(value, len(expected) - 1)


def same_share(counts: Mapping[str, tuple[int, int]]) -> float | None:
    """Pearson's p-value of the groups' shares being one; per group how many of how many. None where nothing differs."""
    marked, rows = sum(one for one, _ in counts.values()), sum(n for _, n in counts.values())
    if not 0 < marked < rows or any(n == 0 for _, n in counts.values()):
        return None
    share = marked / rows
    value = sum((one - share * n) ** 2 / (share * (1 - share) * n) for one, n in counts.values())
    return chi_square_tail(value, len(counts) - 1)


def chi_square_tail(value: float, degrees: int) -> float:
    """How probably a chi-square variable of that many degrees of freedom exceeds the value."""
    if degrees < 1:
        return 1.0
    half = value / 2
    if degrees % 2:
        tail, term = math.erfc(math.sqrt(half)), math.sqrt(half / math.pi) * 2
        for odd in range(3, degrees + 1, 2):
            tail += term * math.exp(-half)
            term *= value / odd
        return min(1.0, tail)
    term = total = 1.0
    for even in range(2, degrees, 2):
        term *= value / even
        total += term
    return min(1.0, total * math.exp(-half))
