"""What the server leaves: predictions, and the outcomes that came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answered row. `numerical` and `categorical` are in the order of the version's feature plan."""

    prediction_id: str
    at: datetime  # when it was answered (UTC)
    event_time: datetime  # what moment it is about (UTC): the request's own, or `at`
    version: str
    entity: str | None
    score: float  # probability of the positive class, or the predicted number
    label: str  # the decision; empty for regression
    numerical: tuple[float | None, ...]
    categorical: tuple[str | None, ...]
    latency_ms: float
    shadow: bool = False
    unseen: int = 0  # categories that training did not know
    mirror_of: str | None = None  # shadow only: the prediction id of the reply that the client got


WITHOUT_FEATURES = tuple(name for name in Prediction.__slots__ if name not in ("numerical", "categorical"))
"""What is told of an answered row beside the values that it was answered from."""

WITHDRAWN = ""
"""The value of an outcome that was taken back."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What really happened to a prediction; `value` is the class as text, or the number."""

    prediction_id: str
    value: str
    at: datetime  # when it was received
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """What one version did in one interval; a shadow's own errors and times count here too."""

    requests: int = 0
    errors: int = 0  # answers with a 5xx code, and for a shadow: what it failed to answer
    latency_ms: tuple[float, ...] = ()  # a bounded sample of its answer times
    dropped: int = 0  # shadow only: mirrored requests that were let go because it was busy


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """What one flush interval of one server process saw, for the system figures."""

    at: datetime
    seconds: float
    requests: int
    errors: int  # answers with a 5xx code
    rejected: int  # answers with 429 or 503
    latency_ms: tuple[float, ...]  # a bounded sample of this interval's answer times
    cpu_share: float  # of the machine, whoever uses it
    memory_share: float  # of the machine, whoever uses it
    memory_bytes: int  # of this process
    dropped: int = 0  # predictions that could not be stored
    versions: Mapping[str, VersionFigures] = field(default_factory=dict)
    refused_outcomes: int = 0  # that would have changed more than one client may (`serving.max_corrections`)
