"""What each version answered in a window, read from the prediction log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from rondo.lifecycle.workshop import Workshop
from rondo.records.prediction import VersionFigures
from rondo.stages.deployment import Side

_COLUMNS = ("prediction_id", "version", "score", "label", "shadow", "mirror_of")


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The rows that were answered since a moment, and the intervals of the servers that began after it."""

    rows: pl.DataFrame
    intervals: tuple[dict[str, VersionFigures], ...]
    seconds: float

    def side(self, version: str, *, shadow: bool = False) -> Side:
        """What that version did; as a shadow only what it answered unseen."""
        seen = [interval[version] for interval in self.intervals if version in interval]
        rows = self.rows.filter((pl.col("version") == version) & (pl.col("shadow") == shadow))
        return side_of(rows, seen, self.seconds)


def side_of(rows: pl.DataFrame, seen: list[VersionFigures], seconds: float = 0.0) -> Side:
    """One side of a comparison, from its rows and its figures."""
    scores = numbers(rows["score"])
    finite = scores[np.isfinite(scores)]
    labels = rows.filter(pl.col("label") != "")["label"].value_counts()
    times = np.concatenate([np.asarray(one.latency_ms, dtype=np.float64) for one in seen] or [np.empty(0)])
    return Side(
        requests=sum(one.requests for one in seen),
        errors=sum(one.errors for one in seen),
        latency_ms=times[np.isfinite(times)],
        rows=rows.height,
        unusable=int(scores.size - finite.size),
        decisions=dict(labels.iter_rows()),
        scores=finite,
        dropped=sum(one.dropped for one in seen),
        seconds=seconds,
    )


def numbers(scores: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The scores, NaN where there is none."""
    return scores.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def answers_since(workshop: Workshop, since: datetime) -> Answers:
    """What was answered since then. An interval that began earlier is left out: it tells of another phase, too."""
    figures = [
        one for one in workshop.log.figures(since=since) if one.at - timedelta(seconds=one.seconds) >= since
    ]
    rows = workshop.log.predictions(answered_since=since, columns=_COLUMNS)
    return Answers(rows, tuple(dict(one.versions) for one in figures), sum(one.seconds for one in figures))
