"""How a release reaches the traffic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rondo.contract._base import Section
from rondo.contract.units import Duration, Share, UpperLimit

Strategy = Literal["blue_green", "canary", "shadow"]


class Preflight(Section):
    """What a version must show in a server of its own before it gets any traffic."""

    duration: Duration = Field(default="2s", validate_default=True)
    """How long the load test lasts."""
    connections: int = Field(default=8, ge=1, le=256)
    """Requests under way at a time."""


class Shadow(Section):
    """How a version answers mirrored requests, unseen, before its own replies count."""

    hold: Duration = Field(default="10min", validate_default=True)
    min_requests: int = Field(default=1000, ge=1)
    sample: Share = 1.0
    """Which share of the requests is mirrored."""
    min_agreement: Share = 0.9
    """Share of mirrored rows on which both versions decide alike (for numbers: differ by at most 5%)."""


class Canary(Section):
    """The steps of a canary."""

    steps: tuple[Share, ...] = (0.05, 0.25, 0.5, 1.0)
    hold: Duration = Field(default="10min", validate_default=True)
    min_requests: int = Field(default=1000, ge=1)


class Margins(Section):
    """How much worse than the version in production, over the same time, a version in a canary or a shadow phase may
    be. One that is surely further away, at any look, is rejected."""

    error_rate: Share = 0.005
    """So many more answers may fail or be no number."""
    p99_latency: Share = 0.25
    """Answers that take so much longer than the 99th percentile in production (and 1 ms more) are slow; 3% may be."""
    decisions: Share = 0.1
    """The share of each decision may differ by so much: a new model decides otherwise, but not about everybody."""
    score_distance: Share = 0.3
    """The distributions of the scores may be so far apart (Kolmogorov and Smirnov's distance, beyond chance)."""


class Deployment(Section):
    """The deployment section."""

    strategy: Strategy = "blue_green"
    mode: Literal["suggest", "approve", "auto"] = "auto"
    """Whether an accepted model is released by itself (auto), after a person approved it, or only suggested."""
    preflight: Preflight = Preflight()
    shadow: Shadow | None = None
    """With it a shadow phase goes before the strategy's own phases; strategy `shadow` has one anyway."""
    canary: Canary = Canary()
    margins: Margins = Margins()
    rollback_on: dict[str, UpperLimit] = Field(default_factory=dict)
    rollback_window: Duration = Field(default="0s", validate_default=True)
    """For how long after a promotion `rollback_on` is still watched, to go back by itself."""
    max_wait: Duration = Field(default="1d", validate_default=True)
    """How long a phase waits for enough evidence; after that it pauses and says why."""
    max_rollbacks: int = Field(default=3, ge=1)
    """After so many automatic rollbacks in a row nothing is released until a person says so."""
