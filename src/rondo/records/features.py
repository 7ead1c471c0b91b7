"""What the features room leaves: the feature matrix, and the proof that batch and online agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

NAIVE = "_seasonal_naive"
"""Companion column of a forecast: the target one season earlier."""
PROPOSED, OWN, POPULAR = "_proposed", "_own", "_popular"
"""Companion columns of a ranking: whether a candidate source proposed the item, and how strongly which did."""
COMPANIONS = (NAIVE, PROPOSED, OWN, POPULAR)


@dataclass(frozen=True, slots=True)
class Parity:
    """Rows that went through the batch and through the online path, and how far apart they were."""

    rows: int
    values: int
    mismatches: int
    largest_difference: float


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """The matrix: one row per example, in time order where there is time.

    `matrix.parquet` holds the entity and event time (where declared), the target, and every feature: numerical
    ones as float32, categorical ones as strings (missing = null), in the order of `features`. Between target and
    features lie the `companions`: what a figure needs beside truth and answer, and no model takes.
    """

    version: str
    version_reason: str
    plan_hash: str
    data_version: str
    data_hash: str
    rows: int
    numerical: tuple[str, ...]
    categorical: tuple[str, ...]
    target: str
    entity: str | None
    event_time: str | None
    as_of: datetime | None  # the online values are those that a request at this moment should see
    parity: Parity | None
    companions: tuple[str, ...] = ()
    item: str | None = None  # ranking: the column, among the companions, of what is ranked

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature in the order in which the model takes them: numerical first."""
        return self.numerical + self.categorical
