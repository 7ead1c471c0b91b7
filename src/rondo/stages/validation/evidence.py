"""The test rows, answered by a bundle as the server would answer them: through its own graph, not the trainer's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.bundle.bundle import Bundle
from rondo.bundle.versions import fingerprint
from rondo.errors import CorruptArtifact, NotAvailable
from rondo.records.features import FeatureTable
from rondo.stages.validation.answers import Answers, Floats

ROWS_AT_ONCE = 20_000
TIMED_ROWS, WARM_UP_ROWS, TIMED_S = 1000, 50, 2.0
SHOWN_NAMES = 6


def read_test_rows(features: Path, training: Path) -> pl.DataFrame:
    """The rows of the feature matrix that training set apart for one judgement, in their order.

    Raises:
        NotAvailable: the matrix or the split is not there.
        CorruptArtifact: they are not of the same rows.
    """
    matrix, split = _read(features / "matrix.parquet"), _read(training / "split.parquet")
    if matrix.height != split.height or "part" not in split.columns:
        raise CorruptArtifact(
            f"the split has {split.height:,} rows, the feature matrix {matrix.height:,}",
            where=str(training / "split.parquet"),
            rule="Training writes one row `part` per row of the matrix, in its order",
            mend="Run the training stage again.",
        )
    return matrix.filter(split["part"] == "test")


def answer(bundle: Bundle, rows: pl.DataFrame, target: str) -> Answers:
    """The bundle's answers to the rows, beside the truth."""
    numerical, categorical = model_inputs(bundle, rows)
    parts = [
        bundle.scores(numerical[at : at + ROWS_AT_ONCE], categorical[at : at + ROWS_AT_ONCE])
        for at in range(0, rows.height, ROWS_AT_ONCE)
    ]
    empty = np.empty((0, len(bundle.manifest.classes)) if bundle.several_classes else (0,))
    manifest = bundle.manifest
    return Answers(
        y=truth(rows[target], manifest.classes, manifest.positive),
        score=np.concatenate(parts) if parts else empty,
        classes=manifest.classes,
        positive=manifest.positive,
        threshold=manifest.threshold,
    )


def model_inputs(bundle: Bundle, rows: pl.DataFrame) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Float32 [n, k] (missing NaN) and strings [n, c] (missing None), in the order in which the model takes them."""
    manifest = bundle.manifest
    numerical = np.empty((rows.height, len(manifest.numerical)), dtype=np.float32)
    for place, name in enumerate(manifest.numerical):
        numerical[:, place] = rows[name].cast(pl.Float32).fill_null(np.nan).to_numpy()
    categorical = np.empty((rows.height, len(manifest.categorical)), dtype=object)
    for place, name in enumerate(manifest.categorical):
        categorical[:, place] = rows[name].cast(pl.String).to_list()
    return numerical, categorical


def truth(target: pl.Series, classes: Sequence[str], positive: str) -> Floats:
    """[n] as Answers has it: 1 and 0, the index of the class, or the number; NaN where it is none of them.

    Of two classes the feature matrix keeps 1 for the positive one and 0 for the other, or their names.
    """
    if not classes:
        return target.cast(pl.Float64).fill_null(np.nan).to_numpy()
    if len(classes) == 2 and (target.dtype.is_numeric() or target.dtype == pl.Boolean):
        values = target.cast(pl.Float64).fill_null(np.nan).to_numpy()
        return np.where(np.isin(values, (0.0, 1.0)), values, np.nan)
    index = {name: float(place) for place, name in enumerate(classes)}
    if len(classes) == 2:
        index = {name: float(name == positive) for name in classes}
    return np.array([index.get(text, np.nan) for text in target.cast(pl.String).to_list()], dtype=np.float64)


def time_requests(
    bundle: Bundle, rows: pl.DataFrame, *, at_once: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, ...]:
    """Seconds that the bundle's graph takes for a request of so many rows, again and again after a warm-up; bounded in
    time. A ranking brings many rows at once."""
    if not rows.height:
        return ()
    numerical, categorical = model_inputs(bundle, rows.head(max(TIMED_ROWS, at_once)))
    places = max(len(numerical) - at_once, 0) + 1
    for at in range(WARM_UP_ROWS):
        place = at % places
        bundle.scores(numerical[place : place + at_once], categorical[place : place + at_once])
    times: list[float] = []
    began = clock()
    for at in range(TIMED_ROWS):
        place = at % places
        started = clock()
        bundle.scores(numerical[place : place + at_once], categorical[place : place + at_once])
        ended = clock()
        times.append(ended - started)
        if ended - began > TIMED_S:
            break
    return tuple(times)


def why_not_same_rows(production: Bundle, candidate: Bundle, rows: pl.DataFrame) -> str:
    """Why production cannot answer these rows as it would answer requests; empty when it can."""
    old, new = production.manifest, candidate.manifest
    if (old.target, old.classes, old.positive) != (new.target, new.classes, new.positive):
        return (
            f"{old.version} answers another question (target {old.target}, classes {', '.join(old.classes)})"
        )
    if gone := [name for name in production.plan.features if name not in rows.columns]:
        return f"{old.version} needs features that these rows do not have: {_names(gone)}"
    strings = {name for name in production.plan.features if rows.schema[name] == pl.String}
    if other := sorted(strings.symmetric_difference(old.categorical)):
        return f"{old.version} takes features as another type: {_names(other)}"
    theirs, ours = (fingerprint(one.manifest, one.plan).definitions for one in (production, candidate))
    if changed := sorted(name for name in theirs if theirs[name] != ours.get(name)):
        return f"{old.version} defines features otherwise: {_names(changed)}"
    return ""


def strangers(bundle: Bundle, table: FeatureTable) -> str:
    """Which of its origins the bundle does not share with the test rows; empty when it was made from this table."""
    told = [
        f"{what} {found[:12]}, the rows have {asked[:12]}"
        for what, found, asked in (
            ("plan", bundle.plan.hash, table.plan_hash),
            ("data", str(bundle.manifest.lineage.get("data_hash") or table.data_hash), table.data_hash),
        )
        if found != asked
    ]
    return "; ".join(told)


def _names(names: Sequence[str]) -> str:
    hidden = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {hidden} more" if hidden > 0 else "")


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except FileNotFoundError as error:
        raise NotAvailable(
            f"{path.name} is not there yet", where=str(path), mend="`rondo run` writes it."
        ) from error
    except pl.exceptions.PolarsError as error:
        raise CorruptArtifact(f"not a Parquet file: {error}", where=str(path)) from error
