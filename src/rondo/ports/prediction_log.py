"""What the server said and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
        ids: Collection[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """The rows that all conditions hold for; the fields of Prediction are their columns.

        Args:
            since: what they are about happened then or later.
            until: ... or earlier than that.
            answered_since: they were answered then or later, whatever they are about.
            ids: only these predictions.
            columns: only these, in this order. Values of features are most of a log: leave them out where they
                are not looked at (`WITHOUT_FEATURES`).
        """

    def outcomes(
        self, *, received_since: datetime | None = None, ids: Collection[str] | None = None
    ) -> pl.DataFrame:
        """One row per prediction id: the newest outcome of it, unless that was withdrawn.

        Args:
            received_since: only what was received then or later.
            ids: only of these predictions.
        """

    def follow(self) -> OutcomeFollower:
        """Tells outcomes as they are written."""

    def figures(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[RequestFigures]:
        """Intervals by their time."""
