"""The target as numbers that an estimator learns, and as words that people read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.contract.problem import Problem as MlProblem
from rondo.errors import ContractError, DataError
from rondo.records.weighted_metrics import Task

TASKS: dict[str, Task] = {
    "binary_classification": "binary",
    "multiclass_classification": "multiclass",
    "regression": "regression",
    "forecasting": "regression",
    "ranking": "ranking",
}


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """`y`: 1 for the positive class and 0 for the other, the index of the class, or the number."""

    y: NDArray[np.float64]
    classes: tuple[str, ...]  # in the order of the model's outputs; empty for numbers
    task: Task

    @property
    def classification(self) -> bool:
        """Whether a class is predicted."""
        return bool(self.classes)

    @property
    def strata(self) -> NDArray[np.int64] | None:
        """What a random division keeps the shares of."""
        return self.y.astype(np.int64) if self.classes else None


def task_of(problem: MlProblem) -> Task:
    """The kind of problem, as the metrics call it.

    Raises:
        ContractError: models for that type of problem are not trained.
    """
    if problem.type not in TASKS:
        raise ContractError(
            f"no model is trained for a problem of type {problem.type}",
            where="ml_problem.type",
            rule=f"Trained are: {', '.join(TASKS)}",
            mend="State it as a binary classification and sort by the score.",
        )
    return TASKS[problem.type]


def read_labels(target: pl.Series, problem: MlProblem) -> Labels:
    """The labels of the rows, in order.

    Raises:
        DataError: a target is missing or not of the problem's type.
        ContractError: which class counts as positive is not said.
    """
    task = task_of(problem)
    missing = target.null_count() + (int(target.is_nan().sum()) if target.dtype.is_float() else 0)
    if missing:
        raise DataError(f"{missing} of {len(target)} rows have no target", where=target.name)
    match task:
        case "binary":
            return _binary(target, problem.positive)
        case "multiclass":
            words = _words(target)
            classes = tuple(sorted(set(words)))
            place = {word: index for index, word in enumerate(classes)}
            return Labels(np.array([place[word] for word in words], dtype=np.float64), classes, task)
        case "regression":
            return _numbers(target)
        case "ranking":
            # Learned item by item: how likely each is wanted orders them.
            return replace(_binary(target, 1), task=task)


def _binary(target: pl.Series, positive: Any) -> Labels:
    """The features room gives 0 and 1 already; a table of another origin may hold two words."""
    words = _words(target)
    found = sorted(set(words))
    if len(found) > 2:
        raise DataError(
            f"the target has {len(found)} values ({', '.join(found[:5])} …)",
            where=target.name,
            rule="A binary classification has two",
        )
    if set(found) <= {"0", "1"}:
        return Labels(np.array([word == "1" for word in words], dtype=np.float64), ("0", "1"), "binary")
    chosen = _word(positive) if positive is not None else "true"
    if chosen not in found:
        raise ContractError(
            f"the target is {' or '.join(found)}; which of them counts as 1?",
            where="ml_problem.positive",
            mend=f"Write positive: {found[-1]}",
        )
    other = next((word for word in found if word != chosen), f"not {chosen}")
    return Labels(np.array([word == chosen for word in words], dtype=np.float64), (other, chosen), "binary")


def _numbers(target: pl.Series) -> Labels:
    if not (target.dtype.is_numeric() or target.dtype == pl.Boolean):
        raise DataError(f"the target is {target.dtype}, not a number", where=target.name)
    y = target.cast(pl.Float64).to_numpy()
    if broken := int((~np.isfinite(y)).sum()):
        raise DataError(f"{broken} of {len(y)} targets are infinite", where=target.name)
    return Labels(y, (), "regression")


def _words(target: pl.Series) -> list[str]:
    return [_word(value) for value in target.to_list()]


def _word(value: Any) -> str:
    """Numbers without a fraction as whole ones, truth values in lower case."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
