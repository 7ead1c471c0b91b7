"""The proof that batch and online agree and that no feature looks into the future.

Sampled examples are made once more the way a server would make them at that moment: history from the events
strictly before it and nothing else, written to an online store and read back, then the online evaluation of one
row at a time. Every value has to be the one in the matrix. A feature that used a later row, or another row,
cannot agree, and is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.bundle.batch import history_values, stateless_values
from rondo.bundle.online import OnlineFeatures, Stored, as_arrays
from rondo.bundle.plan import FeaturePlan
from rondo.bundle.user_functions import UserFunctions
from rondo.bundle.windows import EntityRows, Ints, micros
from rondo.errors import DataError, Problem
from rondo.ports.feature_store import FeatureStore
from rondo.records.features import Parity
from rondo.stages.features.matrix import store_rows

SAMPLE = 200
LATEST_SHARE = 0.5
_MOST_EVENTS = 4_000_000
_SAMPLE = "__sample"


@dataclass(frozen=True)
class Built:
    """What the batch side made: the examples with all features, the events, and the model's values."""

    plan: FeaturePlan
    events: pl.DataFrame
    rows: pl.DataFrame
    matrix: pl.DataFrame
    columns_before: bool  # raw columns come from the entity's last earlier event, not from the row itself


def prove(built: Built, python: Path, store: FeatureStore, *, seed: int) -> Parity:
    """How many values agree: all of them.

    Raises:
        DataError: some do not; a problem per feature that is the cause.
    """
    picked = _picked(built, seed)
    replayed = _replayed(built, picked)
    kept = _kept(built, replayed, store)
    numbers, texts = _online(built, OnlineFeatures(built.plan, python), replayed, kept)
    wanted_numbers, wanted_texts = as_arrays(built.plan, built.matrix[picked])
    apart = values_apart(numbers, wanted_numbers)
    differ = {name: apart[:, place] for place, name in enumerate(built.plan.numerical)}
    differ |= {
        name: texts[:, place] != wanted_texts[:, place] for place, name in enumerate(built.plan.categorical)
    }
    if any(wrong.any() for wrong in differ.values()):
        raise _explained(built, UserFunctions(built.plan, python), picked, differ)
    with np.errstate(invalid="ignore"):
        gaps = np.abs(numbers.astype(np.float64) - wanted_numbers.astype(np.float64))
    largest = float(np.nanmax(gaps)) if np.isfinite(gaps).any() else 0.0
    return Parity(len(picked), len(picked) * len(built.plan.features), 0, largest)


def _picked(built: Built, seed: int) -> Ints:
    """Places of sampled rows of the later half; fewer where their events would be too many to replay."""
    height = built.rows.height
    first = min(int(height * (1 - LATEST_SHARE)), max(height - SAMPLE, 0))
    chosen = np.random.default_rng(seed).permutation(np.arange(first, height))[:SAMPLE]
    if built.plan.entity is not None and built.plan.event_time is not None:
        _, length = _slices(built, built.rows[chosen])
        fits = np.cumsum(length) <= _MOST_EVENTS
        fits[0] = True
        chosen = chosen[fits]
    return np.sort(chosen).astype(np.int64)


def _slices(built: Built, rows: pl.DataFrame) -> tuple[tuple[EntityRows, Ints], Ints]:
    """Where the events of each row's entity before its moment start, and how many there are."""
    assert built.plan.entity is not None
    assert built.plan.event_time is not None
    events = EntityRows(built.events[built.plan.entity], built.events[built.plan.event_time])
    code = events.places(rows[built.plan.entity])
    at: Ints = micros(rows[built.plan.event_time]).to_numpy()
    start = events.slots(code, np.full_like(at, np.iinfo(np.int64).min))
    return (events, start), events.slots(code, at) - start


def _replayed(built: Built, picked: Ints) -> pl.DataFrame:
    """The sampled rows with history and raw columns made anew from nothing but the events before each moment."""
    plan, rows = built.plan, built.rows[picked]
    if plan.entity is None or plan.event_time is None:
        return rows
    (events, start), length = _slices(built, rows)
    sample = np.repeat(np.arange(len(picked)), length)
    places = (
        np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length) + np.repeat(start, length)
    )
    before = built.events[events.row[places]].with_columns(pl.Series(_SAMPLE, sample, dtype=pl.Int64))
    spine = rows.select(pl.int_range(pl.len()).alias(_SAMPLE), plan.event_time)
    history = history_values(replace(plan, entity=_SAMPLE), before, spine)
    rows = rows.with_columns(history.get_columns())
    if built.columns_before:
        last = before.unique(_SAMPLE, keep="last", maintain_order=True).sort(_SAMPLE)
        inputs = [each.name for each in plan.inputs]
        rows = rows.with_columns([last[name].cast(rows.schema[name]) for name in inputs])
    return rows


def _kept(built: Built, rows: pl.DataFrame, store: FeatureStore) -> list[Stored]:
    """What the store's reader says of each row's entity; entities that come several times come in several rounds."""
    plan = built.plan
    if plan.entity is None or not plan.views:
        return [None] * rows.height
    computed = {each.name for each in plan.stateless} - {each.name for each in plan.inputs}
    blank = [pl.lit(None, dtype=rows.schema[name]).alias(name) for name in computed]
    told = store_rows(plan, rows.with_columns(blank), at=datetime(2000, 1, 1, tzinfo=UTC))
    told = told.with_columns(pl.int_range(pl.len()).over(plan.entity).alias("round"))
    kept: list[Stored] = [None] * rows.height
    for (_round,), part in told.with_row_index("place").group_by("round"):
        found = store.rehearse(plan, part.drop("place", "round"))
        for place, values in zip(part["place"], found, strict=True):
            kept[place] = values
    return kept


def _online(
    built: Built, online: OnlineFeatures, rows: pl.DataFrame, kept: Sequence[Stored]
) -> tuple[NDArray[np.float32], NDArray[np.object_]]:
    """Every row evaluated alone; every other one brings its inputs and its moment with the request, as JSON."""
    plan = built.plan
    inputs = [each.name for each in plan.inputs]
    now = datetime(2000, 1, 1, tzinfo=UTC)
    numbers, texts = [], []
    for place, row in enumerate(rows.iter_rows(named=True)):
        asked: dict[str, Any] = {} if plan.entity is None else {plan.entity: row[plan.entity]}
        at: datetime = now if plan.event_time is None else row[plan.event_time]
        if place % 2 or kept[place] is None:
            asked |= {name: row[name] for name in inputs}
            if plan.event_time is not None:
                asked[plan.event_time] = at
        made = online.rows([msgspec.json.decode(msgspec.json.encode(asked))], [kept[place]], at)
        numbers.append(made.numerical)
        texts.append(made.categorical)
    return np.concatenate(numbers), np.concatenate(texts)


def values_apart(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where two values differ by more than one float32 step; NaN equals NaN."""
    with np.errstate(invalid="ignore"):
        step = np.spacing(np.maximum(np.abs(found), np.abs(wanted)))
        near = np.abs(found - wanted) <= step
        agree: NDArray[np.bool_] = near | (np.isnan(found) & np.isnan(wanted))
    return np.logical_not(agree)


# Naming the cause


def _explained(
    built: Built, functions: UserFunctions, picked: Ints, differ: dict[str, NDArray[np.bool_]]
) -> DataError:
    plan = built.plan
    problems: list[Problem] = []
    guilty: set[str] = set()
    wrong = {name: int(picked[int(np.argmax(rows))]) for name, rows in differ.items() if rows.any()}
    for place in sorted(set(wrong.values())):
        alone = stateless_values(plan, _bare(built)[place], functions)
        for feature in plan.stateless:
            if feature.name in guilty or guilty.intersection(feature.inputs):
                guilty.add(feature.name)
                continue
            if not _same(alone[feature.name], built.rows[place][feature.name]):
                guilty.add(feature.name)
                problems.append(_blamed(built, functions, feature.name, place))
    for name in wrong:
        if name not in guilty:
            what = f"feature {name!r} has another value online than in batch"
            problems.append(Problem(f"features.definitions.{name}", what))
    return DataError("batch and online values differ", problems=problems)


def _same(found: pl.Series, wanted: pl.Series) -> bool:
    if not wanted.dtype.is_float():
        return found.equals(wanted, null_equal=True)
    numbers = (each.cast(pl.Float32).fill_null(np.nan).to_numpy() for each in (found, wanted))
    return not values_apart(*numbers).any()


def _bare(built: Built) -> pl.DataFrame:
    """The rows with their inputs and history only."""
    inputs = {each.name for each in built.plan.inputs}
    return built.rows.drop([each.name for each in built.plan.stateless if each.name not in inputs])


def _blamed(built: Built, functions: UserFunctions, name: str, place: int) -> Problem:
    """Why a feature's value is not a function of its row: does it change when the rows after it are cut off?"""
    where = f"features.definitions.{name}"
    mend = "Make it from its own row; values of earlier rows come from rolling features"
    event_time = built.plan.event_time
    if event_time is not None:
        at = built.rows[event_time][place]
        past = _bare(built).with_row_index("__place").filter(pl.col(event_time) <= at)
        cut = stateless_values(built.plan, past, functions).filter(pl.col("__place") == place)[name]
        if not _same(cut, built.rows[place][name]):
            rule = "What comes later is not known when a prediction is asked for"
            return Problem(where, f"feature {name!r} uses rows after its own time", rule, mend)
    rule = "Online there is one row"
    return Problem(where, f"feature {name!r} looks at other rows than its own", rule, mend)
