"""A forecast beside the seasonal naive one: on the test rows, and at every origin. Pure, but for reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from rondo.errors import CorruptArtifact, NotAvailable
from rondo.records.candidate import Measured, Origin, TrainingResult
from rondo.records.features import NAIVE, FeatureTable
from rondo.records.metrics import difference
from rondo.records.series import Series, series_of
from rondo.stages.validation.answers import Answers, Resampling
from rondo.stages.validation.gates import Beaten

METRIC = "mase"


@dataclass(frozen=True, slots=True)
class Day:
    """All series of a moment together."""

    at: datetime
    true: float
    forecast: float
    naive: float


@dataclass(frozen=True, slots=True)
class Origins:
    """What training came to at every origin, and all of them together (each row once)."""

    each: tuple[Origin, ...]
    model: dict[str, float]
    naive: dict[str, float]
    days: tuple[Day, ...]
    rows: int


def test_series(features: Path, training: Path, table: FeatureTable) -> Series | None:
    """What belongs to the test rows of a forecast; the scale is that of the rows before the test."""
    if NAIVE not in table.companions or table.entity is None or table.event_time is None:
        return None
    matrix = pl.read_parquet(
        features / "matrix.parquet", columns=[table.entity, table.event_time, table.target, NAIVE]
    )
    part = pl.read_parquet(training / "split.parquet")["part"]
    learned = part.is_in(["train", "validation"]).to_numpy()
    y = matrix[table.target].cast(pl.Float64).to_numpy()
    found = series_of(matrix[table.entity], matrix[table.event_time], y, matrix[NAIVE], learned)
    return found.rows((part == "test").to_numpy())


def against_naive(answers: Answers, resampling: Resampling) -> Beaten | None:
    """The model against the seasonal naive forecast by MASE, days resampled; None where there is none."""
    series = answers.groups
    if not isinstance(series, Series):
        return None
    both = difference(
        METRIC, answers.y, answers.score, series.naive, task="regression",
        resamples=resampling.for_rows(len(answers.y)), confidence=resampling.confidence,
        seed=resampling.seed, groups=series,
    )  # fmt: skip
    return Beaten(
        _scaled(answers.y, answers.score, series.scale),
        _scaled(answers.y, series.naive, series.scale),
        both,
        len(np.unique(series.moments)),
        int((~np.isfinite(series.scale)).sum()),
    )


def read_origins(training: Path, result: TrainingResult) -> Origins | None:
    """The origins that training left; None where it left none.

    Raises:
        CorruptArtifact: the answers are not there, or not those of the result.
    """
    if not result.origins:
        return None
    path = training / "origins.parquet"
    try:
        answers = pl.read_parquet(path)
    except FileNotFoundError as error:
        raise NotAvailable("the answers at the origins are not there", where=str(path)) from error
    except pl.exceptions.PolarsError as error:
        raise CorruptArtifact("not a Parquet file", where=str(path)) from error
    if answers["origin"].n_unique() != len(result.origins):
        raise CorruptArtifact(
            f"it holds {answers['origin'].n_unique()} origins, the result {len(result.origins)}",
            where=str(path),
        )
    return Origins(
        result.origins,
        _together(answers, "score"),
        _together(answers, "naive") if answers["naive"].is_finite().any() else {},
        tuple(_days(answers)),
        answers.height,
    )


def _days(answers: pl.DataFrame) -> list[Day]:
    columns = {"true": "y", "forecast": "score", "naive": "naive"}
    sums = (
        answers.group_by("at").agg([pl.col(old).sum().alias(new) for new, old in columns.items()]).sort("at")
    )
    return [
        Day(row["at"].replace(tzinfo=row["at"].tzinfo or UTC), row["true"], row["forecast"], row["naive"])
        for row in sums.iter_rows(named=True)
    ]


def _together(answers: pl.DataFrame, column: str) -> dict[str, float]:
    y, said, scale = (answers[name].to_numpy() for name in ("y", column, "scale"))
    errors = np.abs(y - said)
    figures = {"wape": errors.sum() / np.abs(y).sum() if np.abs(y).sum() else np.nan, "mae": errors.mean()}
    scaled = _scaled(y, said, scale).value
    return {**({} if scaled is None else {METRIC: scaled}), **{name: float(f) for name, f in figures.items()}}


def _scaled(y: np.ndarray, said: np.ndarray, scale: np.ndarray) -> Measured:
    there = np.isfinite(scale)
    if not there.any():
        return Measured(None, n=0, note="no series has a scale")
    return Measured(float((np.abs(y - said)[there] / scale[there]).mean()), n=int(there.sum()))
