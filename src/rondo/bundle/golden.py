"""Golden rows: rows of the test set with the answers of the trained model, replayed before any traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.model import missing_words

TOLERANCE = 1e-5
"""How far an answer may be from the recorded one; relative where the recorded one is greater than 1."""


@dataclass(frozen=True, slots=True)
class Golden:
    """Rows as the model takes them (missing = None), and what the model says of each."""

    numerical: tuple[tuple[float | None, ...], ...]
    categorical: tuple[tuple[str | None, ...], ...]
    answers: tuple[tuple[float, ...], ...]  # one number, or one per class where there are more than two

    def matrices(self) -> tuple[NDArray[np.float32], NDArray[np.object_]]:
        """The rows as [n, k] and [n, c]."""
        n = len(self.answers)
        numbers = np.array(self.numerical, dtype=np.float32).reshape(n, -1)
        words = np.empty((n, len(self.categorical[0]) if n else 0), dtype=object)
        for row, values in enumerate(self.categorical):
            words[row, :] = values
        return numbers, words


def as_golden(
    numerical: NDArray[np.float32], categorical: NDArray[np.object_], answers: NDArray[np.float64]
) -> Golden:
    """These rows, to be kept; `answers` is [n] or [n, classes]."""
    return Golden(
        tuple(tuple(None if np.isnan(x) else float(x) for x in row) for row in numerical),
        tuple(tuple(row) for row in categorical.tolist()),
        tuple(tuple(row) for row in answers.reshape(len(answers), -1).tolist()),
    )


def differences(
    found: NDArray[np.float64], recorded: NDArray[np.float64] | Sequence[Sequence[float]]
) -> NDArray[np.float64]:
    """[n]: how far each row's answer is from the recorded one, as TOLERANCE means it; infinite for NaN."""
    wanted = np.asarray(recorded, dtype=np.float64).reshape(len(found), -1)
    gap = np.abs(found.reshape(len(found), -1) - wanted) / np.maximum(1.0, np.abs(wanted))
    result: NDArray[np.float64] = np.nan_to_num(gap, nan=np.inf, posinf=np.inf).max(axis=1, initial=0.0)
    return result


def choose_rows(
    numerical: NDArray[np.float32], categorical: NDArray[np.object_], scores: NDArray[np.float64], count: int
) -> NDArray[np.intp]:
    """Indices of rows that show the model's whole range: three quarters spread evenly over the scores, the
    rest those with the most missing values. Ascending; rows with infinite values are left out."""
    usable = np.flatnonzero(~np.isinf(numerical).any(axis=1))
    by_score = usable[np.argsort(scores[usable], kind="stable")]
    spread = min(len(by_score), max(1, count * 3 // 4))
    chosen = set(by_score[np.linspace(0, len(by_score) - 1, spread).round().astype(int)].tolist())
    missing = np.isnan(numerical).sum(axis=1) + missing_words(categorical).sum(axis=1)
    for row in usable[np.argsort(-missing[usable], kind="stable")]:
        if len(chosen) >= min(count, len(usable)):
            break
        chosen.add(int(row))
    return np.array(sorted(chosen), dtype=np.intp)
