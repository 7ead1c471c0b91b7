"""What the server leaves: predictions, and the outcomes that came back."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What really happened to a prediction; `value` is the class as text, or the number."""

    prediction_id: str
    value: str
    at: datetime  # when it was received
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """What one flush interval of one server process saw, for the system figures."""

    at: datetime
    seconds: float
    requests: int
    errors: int  # answers with a 5xx code
    rejected: int  # answers with 429 or 503
    latency_ms: tuple[float, ...]  # a bounded sample of this interval's answer times
    cpu_share: float
    memory_share: float
    memory_bytes: int
    dropped: int = 0  # predictions that could not be stored
