"""When a new round starts by itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from rondo.contract._base import Section
from rondo.contract.calendar import Days
from rondo.contract.units import AnyQuantity, Duration


class Bound(Section):
    """Between which values a figure is good enough."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Bound:
        if self.min is None and self.max is None:
            raise ValueError("neither min nor max; a figure is bounded from one side at least; add max: 0.5")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; nothing could be good enough")
        return self


class Retraining(Section):
    """The retraining section: the four triggers, and what holds them back."""

    min_accuracy: float | None = Field(default=None, ge=0, le=1)
    metrics: dict[str, Bound] = Field(default_factory=dict)
    """Further figures of the outcomes, e.g. `wape: {max: 0.5}`; beyond its bound one starts a retrain."""
    max_psi: float | None = Field(default=None, gt=0)
    max_days_without_training: float | None = Field(default=None, gt=0)
    new_data_threshold: int | None = Field(default=None, ge=1)
    cooldown: Duration = Field(default="1d", validate_default=True)
    freeze: tuple[Days, ...] = ()
    """Days on which nothing is retrained and nothing released by itself: {from: 12-15, to: 01-05, reason: sales}."""
    budget: int | None = Field(default=None, ge=1)
    """At most this many retrains in any 30 days."""
    cost: AnyQuantity | None = None
    """What one retrain costs, e.g. $12; the backtest of policies adds it up."""
    max_losses: int = Field(default=3, ge=1)
    """After so many rounds in a row that failed or lost their gates nothing is retrained until a person says so."""
    mode: Literal["suggest", "approve", "auto"] = "auto"
    """Whether a retrain that is due starts by itself (auto), after a person approved it, or is only suggested."""
    tune: bool = False
    """Whether a retrain searches hyperparameters again; by default it keeps those of production."""
