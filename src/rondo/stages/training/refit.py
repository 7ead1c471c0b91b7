"""What a training at an earlier moment would have made of the same history: production's candidate, fitted again.

Nothing is searched, tracked or published. The parts are divided as for a training on the rows that were known then,
so the newest of them are held out for the judgement, as they are in production.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from rondo.contract.project import Project
from rondo.errors import DataError
from rondo.records.candidate import Candidate, Measured
from rondo.records.metrics import measure_all
from rondo.stages.training import estimators
from rondo.stages.training.encoding import ENCODING, ESTIMATOR, encoder
from rondo.stages.training.labels import Labels
from rondo.stages.training.material import Material, divide, gap, read_material
from rondo.stages.training.split import Rows

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The feature matrix in the order of time, to be looked at as of earlier moments."""

    project: Project
    material: Material
    times: pl.Series

    def between(self, start: datetime, end: datetime) -> Rows:
        """The rows of that time, its end not included."""
        return np.flatnonzero(((self.times >= start) & (self.times < end)).to_numpy())

    def known_by(self, rows: Rows, moment: datetime) -> Rows:
        """Those of the rows whose target was known at the moment."""
        label = self.project.ml_problem.label
        late = self.times.gather(rows) + (gap(self.project) if label is None else label.reach)
        kept: Rows = rows[(late <= moment).to_numpy()]
        return kept

    def measure(
        self, metrics: tuple[str, ...], rows: Rows, scores: Floats, threshold: float
    ) -> dict[str, Measured]:
        """The metrics on these rows; scaled errors take their scale from all rows known before the first of them."""
        learned = self.known_by(np.arange(len(self.times)), _moment(self.times.gather(rows).min()))
        labels = self.material.labels
        return measure_all(
            metrics, labels.y[rows], scores, threshold,
            task=labels.task, resamples=0, groups=self.material.together(rows, learned),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Refitted:
    """The model of an earlier moment, the rows that it would have been judged on, and its answers to them."""

    pipeline: Pipeline
    judged: Rows
    judged_scores: Floats
    learned: int

    def scores(self, history: History, rows: Rows) -> Floats:
        """Its answers to rows of the history."""
        return estimators.scores(
            self.pipeline, history.material.frame.iloc[rows], history.material.labels.task
        )


def read_history(project: Project, features: Path) -> History:
    """The features room's matrix with its times.

    Raises:
        NotAvailable: it is not there.
        DataError: its rows have no time.
    """
    material = read_material(project, features)
    name = material.table.event_time
    if name is None or project.training.split.by != "time":
        raise DataError(
            "the rows have no order in time",
            where="training.split.by",
            rule="A replay goes forward in time",
            mend="Declare ml_problem.event_time, and split by time.",
        )
    return History(project, material, material.matrix[name])


def refit(history: History, candidate: Candidate, moment: datetime) -> Refitted:
    """The candidate as a training at that moment would have made it.

    Raises:
        DataError: too little was known then to learn from.
    """
    material = history.material
    known = history.known_by(np.flatnonzero((history.times < moment).to_numpy()), moment)
    part = _only(material, known)
    if not len(known):
        raise DataError(f"nothing was known by {moment:%Y-%m-%d}", where="policy backtest")
    part = replace(part, split=divide(history.project, part.table, part.matrix, part.labels))
    x, y = part.lessons("train", "validation")
    judged = known[part.split.rows("test")]
    if not len(x) or not len(judged) or (part.labels.classification and len(np.unique(y)) < 2):
        raise DataError(
            f"too little was known by {moment:%Y-%m-%d} to learn from: {len(x):,} rows",
            where="policy backtest",
            mend="Ask for fewer periods, or take more history.",
        )
    project = history.project
    estimator = estimators.make(
        candidate.estimator, candidate.params,
        task=part.labels.task, seed=project.training.seed, size=x.size,
    )  # fmt: skip
    pipeline = Pipeline([(ENCODING, encoder(x, project.features)), (ESTIMATOR, estimator)])
    estimators.fit(pipeline, x, y, classification=part.labels.classification)
    judged_scores = estimators.scores(pipeline, material.frame.iloc[judged], part.labels.task)
    return Refitted(pipeline, judged, judged_scores, len(x))


def _only(material: Material, rows: Rows) -> Material:
    labels = material.labels
    return Material(
        material.table,
        material.matrix[rows],
        material.frame.iloc[rows],
        Labels(labels.y[rows], labels.classes, labels.task),
        material.split,
    )


def _moment(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value
