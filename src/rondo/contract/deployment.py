"""How a release reaches the traffic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rondo.contract._base import Section
from rondo.contract.units import Duration, Share, UpperLimit


class Canary(Section):
    """The steps of a canary."""

    steps: tuple[Share, ...] = (0.05, 0.25, 0.5, 1.0)
    hold: Duration = Field(default="10min", validate_default=True)
    min_requests: int = Field(default=1000, ge=1)


class Deployment(Section):
    """The deployment section."""

    strategy: Literal["blue_green", "canary", "shadow"] = "blue_green"
    mode: Literal["suggest", "approve", "auto"] = "auto"
    """Whether an accepted model is released by itself."""
    canary: Canary = Canary()
    rollback_on: dict[str, UpperLimit] = Field(default_factory=dict)
