"""What is predicted, within which limits, from how much history."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rondo.contract._base import Filled, Section
from rondo.contract.units import AnyQuantity, Duration, LatencyLimit, SizeLimit, ThroughputLimit

ProblemType = Literal[
    "binary_classification", "multiclass_classification", "regression", "ranking", "forecasting"
]


class Label(Section):
    """How the target is read from later rows of the same entity, where no column holds it.

    At each snapshot (see `data.snapshots`) the target is 1 when a row with `event` true lies within
    [snapshot, snapshot + within), and 0 when none does; `expect: absent` turns it round (churn).
    """

    event: str = "true"
    """SQL condition on a row, e.g. `purchase_amount > 0`."""
    within: Duration
    expect: Literal["present", "absent"] = "present"


class Costs(Section):
    """What a wrong decision costs, for the business figures (`false_positive_cost`)."""

    false_positive: AnyQuantity | None = None
    """Money per case, e.g. $20."""
    false_negative: AnyQuantity | None = None


class Problem(Section):
    """The ML problem."""

    type: ProblemType = "binary_classification"
    target: Filled
    entity: Filled | None = None
    """The column that names whom a prediction is about; needed for rolling features and serving by key."""
    event_time: Filled | None = None
    """The column that says when a row was true; needed for rolling features and for a split by time."""
    success_metric: Filled = "auc_roc"
    baseline: float | None = None
    """The success metric must be better than this."""
    positive: str | int | bool | None = None
    """The value of the target that counts as 1 (e.g. "Yes"); by default 1 or true."""
    label: Label | None = None
    costs: Costs = Costs()


class Constraints(Section):
    """Limits that the released model has to respect."""

    latency: LatencyLimit | None = None
    throughput: ThroughputLimit | None = None
    model_size: SizeLimit | None = None
    interpretability: Literal["low", "medium", "high"] | None = None


class DataRequirements(Section):
    """How much history the problem needs."""

    historical_period: Duration | None = None
    minimum_samples: int | None = Field(default=None, ge=1)
    features: tuple[str, ...] = ()
    """Groups of features that must be present, named as the project names them."""


class Criterion(Section):
    """A line of the success criteria: at least, at most, and what is hoped for."""

    min: AnyQuantity | None = None
    max: AnyQuantity | None = None
    target: AnyQuantity | None = None


class SuccessCriteria(Section):
    """What success means: of the model, for the business, of the running system."""

    offline_metrics: dict[str, Criterion] = Field(default_factory=dict)
    online_metrics: dict[str, Criterion] = Field(default_factory=dict)
    system_metrics: dict[str, Criterion] = Field(default_factory=dict)
