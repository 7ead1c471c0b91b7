"""What the room works on: the feature matrix with its labels, divided into parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from rondo.contract.project import Project
from rondo.errors import ContractError, CorruptArtifact, NotAvailable
from rondo.records.features import NAIVE, PROPOSED, FeatureTable
from rondo.records.files import read_record
from rondo.records.ranking import groups_of
from rondo.records.series import series_of
from rondo.records.weighted_metrics import Together
from rondo.stages.training.encoding import model_frame
from rondo.stages.training.labels import Labels, read_labels
from rondo.stages.training.split import (
    Fold,
    Part,
    Rows,
    Split,
    check_parts,
    folds_at_random,
    folds_by_entity,
    folds_by_time,
    split_at_random,
    split_by_entity,
    split_by_time,
    usable,
)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """The rows, in the order of the matrix."""

    table: FeatureTable
    matrix: pl.DataFrame
    frame: pd.DataFrame
    labels: Labels
    split: Split

    def rows(self, *parts: Part) -> tuple[pd.DataFrame, NDArray[np.float64]]:
        """The rows of these parts and their labels."""
        places = self.split.rows(*parts)
        return self.frame.iloc[places], self.labels.y[places]

    def lessons(self, *parts: Part) -> tuple[pd.DataFrame, NDArray[np.float64]]:
        """The rows of these parts that a model learns from, and their labels: of a ranking, the candidates."""
        places = self.learnable(self.split.rows(*parts))
        return self.frame.iloc[places], self.labels.y[places]

    def learnable(self, rows: Rows) -> Rows:
        """Those of the rows that a model learns from; a wanted item that nobody proposed is none of them."""
        if PROPOSED not in self.table.companions:
            return rows
        kept: Rows = rows[self.matrix[PROPOSED].to_numpy()[rows]]
        return kept

    def together(self, rows: Rows, learned: Rows) -> Together | None:
        """What belongs to those rows beside truth and answer, for a model that learned from the others."""
        table, matrix = self.table, self.matrix
        if PROPOSED in table.companions and table.entity is not None:
            whose = (matrix[table.entity].gather(rows), matrix[str(table.event_time)].gather(rows))
            return groups_of(*whose, matrix[PROPOSED].gather(rows))
        if NAIVE not in table.companions or table.entity is None or table.event_time is None:
            return None
        knows = np.zeros(matrix.height, dtype=np.bool_)
        knows[learned] = True
        columns = (matrix[table.entity], matrix[table.event_time])
        return series_of(*columns, self.labels.y, matrix[NAIVE], knows).rows(rows)

    def digest(self, *parts: Part) -> str:
        """Equal for equal data, features and rows."""
        content = hashlib.sha256(f"{self.table.data_hash} {self.table.plan_hash} ".encode())
        content.update(self.split.rows(*parts).astype("<i8").tobytes())
        return content.hexdigest()[:32]


def read_material(project: Project, features: Path) -> Material:
    """The features room's matrix, divided.

    Raises:
        NotAvailable: it is not there.
        CorruptArtifact: it is not what the features room writes.
        DataError: its rows cannot be learned from, or a part of them.
        ContractError: the split needs a column that is not declared.
    """
    table = read_record(features / "table.json", FeatureTable)
    path = features / "matrix.parquet"
    try:
        matrix = pl.read_parquet(path)
    except FileNotFoundError as error:
        raise NotAvailable(
            "there is no feature matrix", where=str(path), mend="Run: rondo run features"
        ) from error
    except pl.exceptions.PolarsError as error:
        raise CorruptArtifact("not a Parquet file", where=str(path)) from error
    if missing := [name for name in (*table.features, table.target) if name not in matrix.columns]:
        raise CorruptArtifact(f"the feature matrix lacks {', '.join(missing[:5])}", where=str(path))
    labels = read_labels(matrix[table.target], project.ml_problem)
    frame = model_frame(matrix, table.numerical, table.categorical)
    split = divide(project, table, matrix, labels)
    check_parts(split, labels.y, labels.classes)
    return Material(table, matrix, frame, labels, split)


def divide(project: Project, table: FeatureTable, matrix: pl.DataFrame, labels: Labels) -> Split:
    """The parts as the contract asks for them."""
    how, seed = project.training.split, project.training.seed
    match how.by:
        case "time":
            times = _column(matrix, table.event_time, "event_time", "time")
            return split_by_time(times, validation=how.validation, test=how.test, gap=gap(project))
        case "entity":
            entities = _column(matrix, table.entity, "entity", "entity")
            return split_by_entity(entities, validation=how.validation, test=how.test, seed=seed)
        case "random":
            return split_at_random(
                labels.strata, matrix.height, validation=how.validation, test=how.test, seed=seed
            )


def folds(project: Project, material: Material) -> list[Fold]:
    """Folds of the training rows, divided as the parts are; indices into the training rows.

    Where the training rows span too little time for folds with a gap, the folds are by entity: they look at
    training rows only, so validation and test stay untouched, and no entity is on both sides.

    Raises:
        DataError: none of them can be scored.
    """
    rows = material.split.rows("train")
    count, seed = project.training.tuning.cv, project.training.seed
    y, labels = material.labels.y[rows], material.labels
    match project.training.split.by:
        case "time":
            times = _column(material.matrix, material.table.event_time, "event_time", "time")
            found = folds_by_time(times.gather(rows), count, gap=gap(project))
            entity = material.table.entity
            if entity is not None and not any(len(fit) and len(scored) for fit, scored in found):
                found = folds_by_entity(material.matrix[entity].gather(rows), count, seed=seed)
        case "entity":
            entities = _column(material.matrix, material.table.entity, "entity", "entity")
            found = folds_by_entity(entities.gather(rows), count, seed=seed)
        case "random":
            strata = None if labels.strata is None else labels.strata[rows]
            found = folds_at_random(strata, len(rows), count, seed=seed)
    learned = [
        (np.flatnonzero(np.isin(rows, material.learnable(rows[fit]))), scored) for fit, scored in found
    ]
    return usable(learned, y, classification=labels.classification)


def gap(project: Project) -> timedelta:
    """How long before a border rows are left out: as asked, else as far as a label looks ahead."""
    if project.training.split.gap is not None:
        return project.training.split.gap
    label = project.ml_problem.label
    return label.reach if label else timedelta(0)


def _column(matrix: pl.DataFrame, name: str | None, key: str, by: str) -> pl.Series:
    if name is None or name not in matrix.columns:
        raise ContractError(
            f"a split by {by} needs ml_problem.{key}",
            where="training.split.by",
            mend=f"Declare ml_problem.{key}, or write training: {{split: {{by: random}}}}",
        )
    return matrix[name]
