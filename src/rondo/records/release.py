"""A version that may serve, who gets it, and everything that ever happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rondo.records.verdict import Judgement

RegistryStage = Literal["None", "Staging", "Production", "Archived"]

REGISTERED = "model.registered"
JUDGED = "model.judged"
PROMOTED = "model.promoted"
ROLLED_BACK = "model.rolled_back"
ROLLOUT_ABORTED = "rollout.aborted"
ROUTES_SHIFTED = "routes.shifted"  # shares moved between versions, production stayed


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
    judgement: Judgement = "inconclusive"  # of the gates; only `ship` may be promoted
    judgement_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routes:
    """Which share of requests each version answers; shares sum to 1 (or there are none).

    `generation` grows with every change.
    """

    generation: int
    weights: Mapping[str, float]
    shadow: str | None = None

    def __post_init__(self) -> None:
        if self.weights and abs(sum(self.weights.values()) - 1.0) > 1e-9:
            raise ValueError(f"the shares sum to {sum(self.weights.values()):g}, not 1")


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of what serves, all of it or none: who is in production, who before, and the new shares.

    With the kind `model.rolled_back` the history is cut back to `production`; any other kind pushes it when
    it is not in production yet. `previous` is the one below `production` in the history that results.
    `fence` is the lease (name, token) under which the decision was made.
    """

    production: str
    previous: str | None
    weights: Mapping[str, float]
    shadow: str | None
    kind: str  # of the event that tells it
    by: str
    reason: str
    expected_generation: int  # of the routes that the decision was made on
    fence: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class RolesToMirror:
    """What the model registry has not been told yet: aliases (role -> version), stages (version -> word)."""

    number: int
    roles: Mapping[str, str | None]
    stages: Mapping[str, RegistryStage]


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


@dataclass(frozen=True, slots=True)
class WarmRequest:
    """The version that servers are asked to hold ready before traffic moves to it; None asks for nothing.

    `number` grows with every request: an answer to an earlier request is never taken for one to this.
    """

    number: int
    version: str | None


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What one server process last said of itself. A server that has not been seen for a while is gone.

    A server holds ready (warm) every version of the routes and the one of the warm request, and should keep
    the version that was in production before, so that a rollback is a switch in memory.
    """

    server_id: str  # unique per process start, e.g. host/pid/start time
    pid: int
    address: str  # host:port
    warm: tuple[str, ...]  # versions loaded, verified and ready to answer
    failed: Mapping[str, str]  # version -> one sentence why it could not be loaded
    generation: int  # of the routes that it answers by now
    seen_at: datetime
    answered: int = 0  # number of the newest WarmRequest that `warm` and `failed` take into account
