"""An experiment between versions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from rondo.contract._base import FileName, Filled, Section
from rondo.contract.metrics import LATENCIES, find_metric, system_name
from rondo.contract.problem import ProblemType
from rondo.contract.units import AnyQuantity, Share

Scale = Literal["share", "time", "number"]

_CLASSES = ("accuracy",)
_BINARY = (
    *_CLASSES, "precision", "recall", "specificity", "f1", "balanced_accuracy", "auc_roc", "brier", "log_loss",
)  # fmt: skip
_NUMBERS = ("mae", "rmse", "mape", "wape")
_OUTCOMES: dict[ProblemType, tuple[str, ...]] = {
    "binary_classification": ("conversion_rate", "churn_rate", "false_positive_rate", *_BINARY),
    "multiclass_classification": _CLASSES,
    "regression": ("outcome_mean", *_NUMBERS),
    "forecasting": ("outcome_mean", *_NUMBERS),
    "ranking": ("conversion_rate",),
}
_REQUESTS = ("error_rate", *LATENCIES)
_LESS_IS_BETTER = frozenset({"churn_rate", "false_positive_rate", *_REQUESTS})


def experiment_metrics(kind: ProblemType) -> tuple[str, ...]:
    """The metrics that an experiment can compare between versions of such a model."""
    return (*_OUTCOMES[kind], *_REQUESTS)


def compared_name(name: str) -> str:
    """The one name of a metric of an experiment (`latency_p99` -> `p99_latency`, `roc_auc` -> `auc_roc`)."""
    known = find_metric(name)
    return known.name if known is not None else system_name(name)


def more_is_better(name: str) -> bool:
    """Which way an experiment's metric gets better."""
    name = compared_name(name)
    known = find_metric(name)
    return known.bigger_is_better if known is not None else name not in _LESS_IS_BETTER


def of_requests(name: str) -> bool:
    """Whether the metric counts requests; the others count entities whose outcome is known."""
    return compared_name(name) in _REQUESTS


def scale_of(name: str) -> Scale:
    """What its values are: shares, seconds, or plain numbers."""
    name = compared_name(name)
    if name in LATENCIES:
        return "time"
    known = find_metric(name)
    bounded = known is not None and known.high == 1.0
    return "share" if bounded or name.endswith("_rate") else "number"


class Variant(Section):
    """One side of the experiment."""

    model_version: Filled
    traffic_percentage: float = Field(ge=0, le=100)


class ExperimentMetrics(Section):
    """What decides, and what must not get worse."""

    primary: Filled
    secondary: tuple[Filled, ...] = ()
    margins: dict[str, AnyQuantity] = Field(default_factory=dict)
    """How much worse a secondary metric may be, e.g. `latency_p99: 10ms`. By default a rate 1 percentage point (the
    error rate half of one), a latency a tenth of the contract's limit or else of control, others 5% of control."""
    conversion: str | int | bool | None = None
    """The outcome that counts as a conversion; by default the positive one, but where the contract asks to reduce its
    rate (`churn_rate_reduction`) the other one."""


class AbTest(Section):
    """The ab_test section."""

    experiment_name: Filled
    variants: dict[FileName, Variant] = Field(min_length=2)
    metrics: ExperimentMetrics
    duration_days: float = Field(gt=0)
    min_sample_size: int = Field(ge=1)
    """Of each variant: nothing is decided before every one has so many entities that the primary metric counts."""
    minimum_effect: Share = Field(default=0.1, gt=0)
    """The smallest change of the primary metric worth finding, as a share of control's value; it sizes the test."""
    confidence: Share = Field(default=0.95, ge=0.5, lt=1)
    """Of the intervals, at all looks together."""
    power: Share = Field(default=0.8, ge=0.5, lt=1)
    """The chance of finding a change of `minimum_effect`, where there is one."""

    @model_validator(mode="after")
    def _whole(self) -> AbTest:
        total = sum(variant.traffic_percentage for variant in self.variants.values())
        if abs(total - 100.0) > 1e-6:
            raise ValueError(
                f"the traffic percentages sum to {total:g}; they sum to 100; change the variants"
            )
        return self
