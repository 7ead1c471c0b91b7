"""What the server said and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from rondo.records.prediction import Outcome, Prediction, RequestFigures

if TYPE_CHECKING:
    import polars as pl


class PredictionWriter(Protocol):
    """Takes records from the answering thread without waiting for the disk; bounded, counts what it must drop."""

    def prediction(self, prediction: Prediction) -> None:
        """Takes one prediction."""

    def outcome(self, outcome: Outcome) -> None:
        """Takes one outcome."""

    def figures(self, figures: RequestFigures) -> None:
        """Takes one interval's figures."""

    @property
    def dropped(self) -> int:
        """Records that could not be stored since the start."""

    def close(self) -> None:
        """Writes what is left and stops."""


class OutcomeFollower(Protocol):
    """Tells outcomes as they are written, whatever process writes them. One caller at a time."""

    def newer(self) -> Sequence[Outcome]:
        """What was written since the last call (at first everything), in no particular order.

        An outcome may come twice. Costs what was written since, not what there is.
        """


class PredictionLog(Protocol):
    """Reads what was written, whole records only: a torn tail is left out and never an error."""

    def predictions(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        answered_since: datetime | None = None,
    ) -> pl.DataFrame:
        """Columns as the fields of Prediction; by event time, `since` included, `until` not.

        With `answered_since` those that were answered at that moment or later, whatever they are about.
        """

    def outcomes(self) -> pl.DataFrame:
        """One row per prediction id: the newest outcome of it, unless that was withdrawn."""

    def follow(self) -> OutcomeFollower:
        """Tells outcomes as they are written."""

    def figures(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[RequestFigures]:
        """Intervals by their time."""
