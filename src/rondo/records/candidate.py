"""What the training room leaves: the candidates in order of merit, and the best one whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric with its confidence interval; no value means that it could not be computed, `note` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One trained model: `validation` metrics chose it, `test` metrics (best candidate only) judge it once."""

    name: str
    estimator: str
    params: Mapping[str, Any]
    run_id: str
    tuned_score: float | None  # None: refitted without a search
    validation: Mapping[str, Measured]
    test: Mapping[str, Measured] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    threshold: float = 0.5
    trials: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """A forecast tried out at one moment: what the model came to on the rows after it, and the seasonal naive."""

    at: datetime
    until: datetime
    learned: int  # rows; the target of every one was known at the origin
    model: Mapping[str, Measured]
    naive: Mapping[str, Measured] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SplitSizes:
    """Rows per part, and the time borders where the split is by time."""

    train: int
    validation: int
    test: int
    left_out: int = 0  # rows in the gaps before a border
    validation_from: datetime | None = None
    test_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The leaderboard, best first; the best one's estimator lies beside it as the room's own file."""

    leaderboard: tuple[Candidate, ...]
    split: SplitSizes
    classes: tuple[str, ...]  # as strings, in the order of the model's outputs; empty for regression
    success_metric: str
    experiment: str
    study: str
    trained_at: datetime
    seed: int
    features_version: str
    plan_hash: str
    data_version: str
    data_hash: str
    origins: tuple[Origin, ...] = ()  # of a forecast, in time order; the last one is the test

    @property
    def best(self) -> Candidate:
        """The winner."""
        return self.leaderboard[0]
