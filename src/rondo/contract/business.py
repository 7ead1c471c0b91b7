"""The online metrics that outcomes can tell, by name.

churn_rate_reduction       by which share the rate of positive outcomes is lower than it would be otherwise
false_positive_cost        what decisions that should not have been made cost; false_negative_cost likewise
conversion_rate            the share of positive outcomes; any name of an offline metric
"""

from __future__ import annotations

from rondo.contract.metrics import find_metric
from rondo.contract.problem import Criterion
from rondo.contract.units import Quantity

REDUCTION = "_rate_reduction"
COSTS = {"false_positive_cost": "false_positive", "false_negative_cost": "false_negative"}
RATES = ("conversion_rate", "churn_rate")


def is_told_by_outcomes(name: str) -> bool:
    """Whether outcomes tell the figure."""
    return name.endswith(REDUCTION) or name in COSTS or name in RATES or find_metric(name) is not None


def more_is_wanted(name: str) -> bool:
    """Which way the figure should go, where the criterion only has a target."""
    known = find_metric(name)
    if known is not None:
        return known.bigger_is_better
    return name not in COSTS and name != "churn_rate"


def bound_of(name: str, criterion: Criterion) -> tuple[Quantity, bool] | None:
    """What the figure has to reach, and whether from below (at least); a target counts where nothing else is asked."""
    if criterion.min is not None:
        return criterion.min, True
    if criterion.max is not None:
        return criterion.max, False
    if criterion.target is not None:
        return criterion.target, more_is_wanted(name)
    return None
