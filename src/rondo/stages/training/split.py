"""Which rows are for training, for choosing and for judging. Pure: arrays in, a Split out.

A split by time has two borders. Rows of one moment are never divided, and a row is left out when its label could
reach over the next border: the kept ones before a border are those with t + gap < border.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.errors import DataError, Problem
from rondo.records.candidate import SplitSizes

Part = Literal["train", "validation", "test", "out"]
PARTS: tuple[Part, ...] = ("train", "validation", "test", "out")
TRAIN, VALIDATION, TEST, OUT = range(4)
Rows = NDArray[np.intp]
Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The part of every row, as an index into PARTS, in the order of the rows."""

    parts: Codes
    validation_from: datetime | None = None
    test_from: datetime | None = None

    def rows(self, *parts: Part) -> Rows:
        """The rows of these parts, ascending."""
        return np.flatnonzero(np.isin(self.parts, [PARTS.index(part) for part in parts]))

    @property
    def sizes(self) -> SplitSizes:
        """How many rows each part has."""
        train, validation, test, out = np.bincount(self.parts, minlength=4).tolist()
        return SplitSizes(train, validation, test, out, self.validation_from, self.test_from)

    def frame(self) -> pl.DataFrame:
        """One row per row, with the column `part`."""
        return pl.DataFrame(
            {"part": [PARTS[code] for code in self.parts.tolist()]}, schema={"part": pl.String}
        )


def split_by_time(times: pl.Series, *, validation: float, test: float, gap: timedelta) -> Split:
    """The last shares of the rows by time are for validation and test.

    Raises:
        DataError: a moment is missing.
    """
    at = _microseconds(times)
    reach = at + int(gap.total_seconds() * 1e6)
    test_from = _border(np.sort(at), 1.0 - test)
    # Validation takes its share from the rows that may be used before the test, so that a gap cannot swallow it.
    before = np.sort(at[reach < test_from])
    share = min(validation * len(at) / len(before), 1.0) if len(before) else 1.0
    validation_from = _border(before, 1.0 - share) if len(before) else test_from
    parts = np.full(len(at), OUT, dtype=np.int8)
    parts[reach < validation_from] = TRAIN
    parts[(at >= validation_from) & (reach < test_from)] = VALIDATION
    parts[at >= test_from] = TEST
    return Split(parts, _moment(validation_from), _moment(test_from))


def split_at_random(
    strata: NDArray[np.int64] | None, rows: int, *, validation: float, test: float, seed: int
) -> Split:
    """Shares drawn at random; with strata, the same shares of each of them."""
    rng = np.random.default_rng(seed)
    parts = np.full(rows, TRAIN, dtype=np.int8)
    groups = (
        [np.arange(rows)]
        if strata is None
        else [np.flatnonzero(strata == each) for each in np.unique(strata)]
    )
    for group in groups:
        mixed = rng.permutation(group)
        for_test, for_validation = round(test * len(mixed)), round(validation * len(mixed))
        parts[mixed[:for_test]] = TEST
        parts[mixed[for_test : for_test + for_validation]] = VALIDATION
    return Split(parts)


def split_by_entity(entities: pl.Series, *, validation: float, test: float, seed: int) -> Split:
    """Every entity has all of its rows in one part; entities are drawn until a part has its share of the rows."""
    codes = entities.cast(pl.String).fill_null("").rank("dense").to_numpy().astype(np.intp) - 1
    sizes = np.bincount(codes)
    drawn = np.random.default_rng(seed).permutation(len(sizes))
    before = np.concatenate([[0], np.cumsum(sizes[drawn])[:-1]]) / max(len(codes), 1)
    of_entity = np.empty(len(sizes), dtype=np.int8)
    of_entity[drawn] = np.select([before < test, before < test + validation], [TEST, VALIDATION], TRAIN)
    return Split(of_entity[codes])


def check_parts(split: Split, y: NDArray[np.float64], classes: Sequence[str]) -> None:
    """Nothing, when every part can be used.

    Raises:
        DataError: a part has no rows, or one class only, or training lacks a class.
    """
    problems = []
    for part in PARTS[:3]:
        rows = split.rows(part)
        where = f"the {part} part"
        if not len(rows):
            problems.append(
                Problem(where, "it has no rows", mend="Use more data, other shares, or a shorter gap.")
            )
            continue
        if not classes:
            if part == "train" and (y[rows] == y[rows[0]]).all():
                rule = "There is something to learn where targets differ"
                problems.append(Problem(where, f"the target is {y[rows[0]]:g} in every row", rule))
            continue
        counts = np.bincount(y[rows].astype(int), minlength=len(classes))
        told = ", ".join(f"{name}: {count}" for name, count in zip(classes, counts, strict=True))
        if (counts > 0).sum() < 2:
            problems.append(
                Problem(where, f"it has one class only ({told})", "Every part has rows of two classes")
            )
        elif part == "train" and not counts.all():
            problems.append(
                Problem(where, f"it lacks a class ({told})", "A class that is not learned is never predicted")
            )
    if problems:
        sizes = split.sizes
        raise DataError(
            f"the split gives train {sizes.train}, validation {sizes.validation}, test {sizes.test}, "
            f"left out {sizes.left_out}",
            problems=problems,
        )


# ---- folds of the training rows ------------------------------------------------------------------------------

Fold = tuple[Rows, Rows]  # rows to fit, rows to score


def folds_by_time(times: pl.Series, count: int, *, gap: timedelta) -> list[Fold]:
    """Expanding folds: each is scored on the time after what it was fitted on."""
    at = _microseconds(times)
    ordered = np.sort(at)
    borders = sorted({_border(ordered, step / (count + 1)) for step in range(1, count + 1)})
    ends = [*borders[1:], int(ordered[-1]) + 1]
    reach = at + int(gap.total_seconds() * 1e6)
    return [
        (np.flatnonzero(reach < start), np.flatnonzero((at >= start) & (at < end)))
        for start, end in zip(borders, ends, strict=True)
    ]


def folds_at_random(strata: NDArray[np.int64] | None, rows: int, count: int, *, seed: int) -> list[Fold]:
    """Each row is scored once; with strata, the folds have equal shares of each of them."""
    rng = np.random.default_rng(seed)
    fold = np.empty(rows, dtype=np.intp)
    groups = (
        [np.arange(rows)]
        if strata is None
        else [np.flatnonzero(strata == each) for each in np.unique(strata)]
    )
    first = 0  # so that the remainders of small strata do not all fall into the first fold
    for group in groups:
        fold[rng.permutation(group)] = (np.arange(len(group)) + first) % count
        first = (first + len(group)) % count
    return _each(fold, count)


def folds_by_entity(entities: pl.Series, count: int, *, seed: int) -> list[Fold]:
    """Every entity is scored in one fold only."""
    codes = entities.cast(pl.String).fill_null("").rank("dense").to_numpy().astype(np.intp) - 1
    of_entity = np.random.default_rng(seed).permutation(codes.max(initial=0) + 1) % count
    return _each(of_entity[codes], count)


def usable(folds: Sequence[Fold], y: NDArray[np.float64], *, classification: bool) -> list[Fold]:
    """The folds whose two sides have rows, and for a classification two classes.

    Raises:
        DataError: there is none.
    """
    found = [
        (fit, score)
        for fit, score in folds
        if len(fit)
        and len(score)
        and (not classification or min(len(np.unique(y[fit])), len(np.unique(y[score]))) > 1)
    ]
    if not found:
        raise DataError(
            f"none of {len(folds)} folds of the training rows can be scored",
            where="training.tuning.cv",
            rule="Both sides of a fold need rows, and rows of two classes",
            mend="Use fewer folds, more data, or a shorter gap.",
        )
    return found


def _each(fold: Rows, count: int) -> list[Fold]:
    return [(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(count)]


def _border(ordered: NDArray[np.int64], share: float) -> int:
    """The moment of the row at that share of the rows: those from this moment on lie behind the border."""
    return int(ordered[min(round(share * len(ordered)), len(ordered) - 1)])


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _microseconds(times: pl.Series) -> NDArray[np.int64]:
    """Since 1970, UTC.

    Raises:
        DataError: a moment is missing, or there are no rows.
    """
    if not len(times) or times.null_count():
        raise DataError(
            f"{times.null_count()} of {len(times)} rows have no moment"
            if len(times)
            else "there are no rows",
            where=times.name,
            rule="A split by time needs the moment of every row",
        )
    moments = times.cast(pl.Datetime("us")) if times.dtype == pl.Date else times.dt.cast_time_unit("us")
    return moments.to_physical().to_numpy().astype(np.int64)
