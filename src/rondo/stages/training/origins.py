"""A forecast tried out at several origins, each time by a model that learned from what was known by then.

The rows before the test are divided evenly; the model of an origin learns from everything before it and is judged
on the time up to the next one (or on `horizon` after it). The last origin is the test itself: its model is the one
that is released. Hyperparameters were chosen on the rows before the test, so the earlier origins say how steady the
forecast is over the year, and the last one alone how good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.contract.project import Project
from rondo.records.candidate import Measured, Origin
from rondo.records.series import Series
from rondo.records.weighted_metrics import Together
from rondo.stages.training.material import Material, gap
from rondo.stages.training.split import Fold, Rows, folds_by_time

Floats = NDArray[np.float64]
Learn = Callable[[Rows, Rows], Floats]
"""Fits on the first rows and gives the scores of the second."""
Judge = Callable[[Floats, Floats, Together | None], Mapping[str, Measured]]
"""Measures scores beside the truth."""
DEFAULT_ORIGINS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Rolled:
    """What the origins came to; `answers` has a row per origin and row of the matrix."""

    origins: tuple[Origin, ...]
    answers: pl.DataFrame


def forecasts(project: Project) -> bool:
    """Whether a forecast is asked for whose order in time is known."""
    return project.ml_problem.type == "forecasting" and project.training.split.by == "time"


def roll(project: Project, material: Material, tested: Floats, learn: Learn, judge: Judge) -> Rolled:
    """Every origin, the test last.

    Args:
        project: the contract.
        material: the rows.
        tested: the released model's scores of the test rows.
        learn: as the released model learned, on other rows.
        judge: measures scores beside the truth.
    """
    split = material.split
    before, test = split.rows("train", "validation"), split.rows("test")
    tried = [(fold, learn(*fold)) for fold in _folds(project, material, before)]
    tried.append(((before, test), tested))
    origins, answers = [], []
    for number, ((learned, rows), score) in enumerate(tried, 1):
        y = material.labels.y[rows]
        together = material.together(rows, learned)
        series = together if isinstance(together, Series) else None
        times = material.matrix[_event_time(material)].gather(rows)
        origins.append(
            Origin(
                at=_moment(times.min()),
                until=_moment(times.max()),
                learned=len(learned),
                model=judge(y, score, together),
                naive=judge(y, series.naive, series) if series else {},
            )
        )
        naive, scale = (series.naive, series.scale) if series else (np.full(len(rows), np.nan),) * 2
        answers.append(
            pl.DataFrame(
                {
                    "origin": np.full(len(rows), number),
                    "row": rows.astype(np.int64),
                    "at": times,
                    "y": y,
                    "score": score,
                    "naive": naive,
                    "scale": scale,
                }
            )
        )
    return Rolled(tuple(origins), pl.concat(answers))


def _folds(project: Project, material: Material, before: Rows) -> list[Fold]:
    """The origins before the test, as rows of the matrix; those without rows on one side are left out."""
    asked = project.training.rolling_origin
    times = material.matrix[_event_time(material)].gather(before)
    found = []
    for learned, rows in folds_by_time(times, asked.origins if asked else DEFAULT_ORIGINS, gap=gap(project)):
        if not len(learned) or not len(rows):
            continue
        if asked and asked.horizon is not None:
            at = times.gather(rows)
            rows = rows[(at < _moment(at.min()) + asked.horizon).to_numpy()]
        found.append((before[learned], before[rows]))
    return found


def _event_time(material: Material) -> str:
    name = material.table.event_time
    assert name is not None, "a split by time has one"
    return name


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise AssertionError("the rows of an origin have moments")
    return value if value.tzinfo else value.replace(tzinfo=UTC)
