"""A version that may serve, who gets it, and everything that ever happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

RegistryStage = Literal["None", "Staging", "Production", "Archived"]


@dataclass(frozen=True, slots=True)
class Release:
    """A registered version. `bundle` is the folder of the verified bundle, relative to the project."""

    version: str
    bundle_id: str
    bundle: str
    registered_at: datetime
    registry_version: str = ""  # the model registry's own number
    run_id: str = ""
    version_reason: str = ""
    stage: RegistryStage = "None"
    lineage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Routes:
    """Which share of requests each version answers; shares sum to 1 (or there are none). `generation` only grows."""

    generation: int
    weights: Mapping[str, float]
    shadow: str | None = None

    def __post_init__(self) -> None:
        if self.weights and abs(sum(self.weights.values()) - 1.0) > 1e-9:
            raise ValueError(f"the shares sum to {sum(self.weights.values()):g}, not 1")


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log that is only ever appended to; `hash` covers the line and the hash before it."""

    sequence: int
    at: datetime
    kind: str  # e.g. model.registered, model.promoted, model.rolled_back, drift.detected, retrain.decided
    subject: str  # e.g. the version
    by: str
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)
    hash: str = ""
