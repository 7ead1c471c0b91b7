"""What features and training left, read together and checked to belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.bundle.plan import FeaturePlan
from rondo.errors import Conflict, CorruptArtifact, NotAvailable, Problem
from rondo.records.candidate import TrainingResult
from rondo.records.features import PROPOSED, FeatureTable
from rondo.records.files import read_record
from rondo.records.ranking import Groups, groups_of


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Everything a bundle is made from; matrices are in the order of the plan, missing = NaN and None."""

    table: FeatureTable
    plan: FeaturePlan
    python: Mapping[str, bytes]
    result: TrainingResult
    model: bytes
    numerical: NDArray[np.float32]
    categorical: NDArray[np.object_]
    judged: NDArray[np.bool_]  # rows of the validation and test parts
    groups: Groups | None  # of a ranking, which rows are a list
    learned: NDArray[np.bool_]  # rows of the training part alone
    test: NDArray[np.intp]  # rows that the trained model answered
    answers: NDArray[np.float64]  # its answers: [test], or [test, classes]
    truth: NDArray[np.float64]  # [test] what became of them, as training coded it; missing = NaN


def read_material(features: Path, training: Path) -> Material:
    """What the two rooms left.

    Raises:
        NotAvailable: a file is not there.
        CorruptArtifact: a file is not what it should be.
        Conflict: they were made from different plans or rows.
    """
    table = read_record(features / "table.json", FeatureTable)
    plan = read_record(features / "plan.json", FeaturePlan)
    result = read_record(training / "result.json", TrainingResult)
    matrix = _parquet(features / "matrix.parquet")
    parts = _parquet(training / "split.parquet")
    answered = _parquet(training / "test_predictions.parquet")
    _belong_together(table, plan, result, matrix.height, parts.height)
    part = parts["part"]
    return Material(
        table=table,
        plan=plan,
        python=_python_files(features / "python", plan),
        result=result,
        model=_bytes(training / "model.onnx"),
        numerical=_numbers(matrix, plan.numerical),
        categorical=_words(matrix, plan.categorical),
        judged=part.is_in(["validation", "test"]).to_numpy(),
        groups=_groups(table, matrix),
        learned=(part == "train").to_numpy(),
        test=_test_rows(answered, part, training),
        answers=_answers(answered),
        truth=answered["y"].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy(),
    )


def _groups(table: FeatureTable, matrix: pl.DataFrame) -> Groups | None:
    if PROPOSED not in table.companions or table.entity is None or table.event_time is None:
        return None
    return groups_of(matrix[table.entity], matrix[table.event_time], matrix[PROPOSED])


def _belong_together(
    table: FeatureTable, plan: FeaturePlan, result: TrainingResult, rows: int, parted: int
) -> None:
    pairs = (
        ("the feature table was made with another feature plan", table.plan_hash, plan.hash),
        ("the model was trained on features of another plan", result.plan_hash, plan.hash),
        ("the model was trained on other data", result.data_hash, table.data_hash),
        ("the split is of another number of rows", str(parted), str(rows)),
    )
    problems = [
        Problem(
            "packaging",
            f"{what}: {found[:12]}, not {asked[:12]}",
            mend="Run `rondo run training` first" if place == 0 else "",
        )
        for place, (what, found, asked) in enumerate(pairs)
        if found != asked
    ]
    if problems:
        raise Conflict("features and training do not belong together", problems=problems)


def _test_rows(answered: pl.DataFrame, part: pl.Series, training: Path) -> NDArray[np.intp]:
    rows = answered["row"].to_numpy().astype(np.intp)
    expected = np.flatnonzero((part == "test").to_numpy())
    if not np.array_equal(np.sort(rows), expected) or not rows.size:
        raise CorruptArtifact(
            f"{rows.size} rows are answered, the test part has {expected.size}",
            where=str(training / "test_predictions.parquet"),
            rule="Every test row has the trained model's answer, and there is at least one",
            mend="Run `rondo run training --force`.",
        )
    return rows


def _answers(answered: pl.DataFrame) -> NDArray[np.float64]:
    column = answered["score"]
    if column.dtype.is_nested():
        return np.asarray(column.to_list(), dtype=np.float64)
    return column.cast(pl.Float64).to_numpy()


def _numbers(matrix: pl.DataFrame, names: tuple[str, ...]) -> NDArray[np.float32]:
    columns = [matrix[name].cast(pl.Float32).fill_null(np.nan).to_numpy() for name in names]
    return np.column_stack(columns) if columns else np.empty((matrix.height, 0), dtype=np.float32)


def _words(matrix: pl.DataFrame, names: tuple[str, ...]) -> NDArray[np.object_]:
    words = np.empty((matrix.height, len(names)), dtype=object)
    for column, name in enumerate(names):
        words[:, column] = matrix[name].to_list()
    return words


def _python_files(folder: Path, plan: FeaturePlan) -> Mapping[str, bytes]:
    return {name: _bytes(folder / name) for name in plan.python_files}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _absent(path) from error


def _parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except FileNotFoundError as error:
        raise _absent(path) from error
    except pl.exceptions.PolarsError as error:
        raise CorruptArtifact("not a Parquet file", where=str(path)) from error


def _absent(path: Path) -> NotAvailable:
    return NotAvailable(f"{path.name} is not there yet", where=str(path), mend="`rondo run` writes it.")
