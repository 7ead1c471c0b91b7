"""What is predicted, within which limits, from how much history."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from rondo.contract._base import Filled, Section
from rondo.contract.units import AnyQuantity, Duration, LatencyLimit, SizeLimit, ThroughputLimit

ProblemType = Literal[
    "binary_classification", "multiclass_classification", "regression", "ranking", "forecasting"
]


class Label(Section):
    """How the target is read from later rows of the same entity, where no column holds it.

    At each snapshot (see `data.snapshots`) it looks at [snapshot + ahead, snapshot + ahead + within). The target is
    1 when a row with `event` true lies there, and 0 when none does; `expect: absent` turns it round (churn). With
    `sum` it is the sum of that column over such rows, 0 when there is none (demand).
    """

    event: str = "true"
    """SQL condition on a row, e.g. `purchase_amount > 0`."""
    sum: str | None = None
    """A column or SQL expression of numbers, e.g. `quantity`."""
    within: Duration
    ahead: Duration = Field(default="0s", validate_default=True)
    """How long after the snapshot the window begins, e.g. the time that a delivery takes."""
    expect: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _sum_is_a_number(self) -> Label:
        if self.sum is not None and self.expect == "absent":
            raise ValueError("a sum is neither present nor absent; remove expect, or remove sum")
        return self

    @property
    def reach(self) -> timedelta:
        """How far after a snapshot its target is known."""
        return self.ahead + self.within


class Candidates(Section):
    """Where the items come from that a ranking puts in order: the union of three short lists.

    Only rows with the label's event count, and only those before the moment of asking.
    """

    popular: int = Field(default=100, ge=1, le=1000)
    """Items that most entities had within `window`; all that an unknown entity gets."""
    own: int = Field(default=50, ge=0, le=1000)
    """Items that the entity itself had earlier, those it had most often first."""
    together: int = Field(default=50, ge=0, le=1000)
    """Items that others had at the same moment as the entity's own ones, within `pairs_window`."""
    window: Duration = Field(default="30d", validate_default=True)
    pairs_window: Duration = Field(default="90d", validate_default=True)
    shown: int = Field(default=10, ge=1, le=1000)
    """How many items a reply holds unless the request says `k`."""


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
    item: Filled | None = None
    """The column that names what is ranked for the entity (ranking)."""
    candidates: Candidates = Candidates()
    """Which items are put in order (ranking)."""
    success_metric: Filled = "auc_roc"
    baseline: float | None = None
    """The success metric must be better than this."""
    positive: str | int | bool | None = None
    """The value of the target that counts as 1 (e.g. "Yes"); by default 1 or true."""
    label: Label | None = None
    season: Duration | None = None
    """After which time what is forecast looks alike again, e.g. 7d. The forecast to beat is the value of then."""
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
