"""Which moments of which entities are examples, with their raw columns and their target.

Without snapshots every row is an example. With snapshots rows are events, and an example is an entity at a moment:
its columns are those of its last earlier row, its target is read from its later rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from rondo.bundle.batch import MOMENT, as_moment, column_or_expression, history_values
from rondo.bundle.plan import FeaturePlan, HistoryFeature
from rondo.bundle.windows import DAY_US, EntityRows, Ints, micros
from rondo.contract.data import Snapshots
from rondo.contract.problem import Label, Problem
from rondo.contract.project import Project
from rondo.errors import ContractError, DataError
from rondo.records.features import NAIVE

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Examples:
    """What the model learns from, and what it will be asked about.

    `rows` holds the examples, in time order where there is time: raw columns, entity, event time, and the target
    under its name; of a forecast with a season also its seasonal naive forecast. `events` holds the rows that
    history looks back on. `latest` holds one row per entity as a request at `as_of` would find it; without an
    entity it is empty and `as_of` is None.
    """

    rows: pl.DataFrame
    events: pl.DataFrame
    latest: pl.DataFrame
    as_of: datetime | None
    notes: tuple[str, ...]


def make_examples(project: Project, table: pl.DataFrame, *, now: datetime) -> Examples:
    """The examples of a processed table.

    Raises:
        ContractError: the project asks for a target or for snapshots that cannot be.
        DataError: nothing is left to learn from.
    """
    problem, snapshots = project.ml_problem, project.data.snapshots
    table, notes = usable(problem, table)
    if snapshots is None:
        if problem.label is not None:
            raise ContractError(
                "a label from later rows needs moments to look from",
                where="ml_problem.label",
                mend="Add data.snapshots, e.g. {every: month}",
            )
        rows, dropped = _with_target(problem, table)
        as_of = _after(table, problem) if problem.entity is not None else None
        as_of = now if problem.entity is not None and as_of is None else as_of
        latest = _latest(problem, table, as_of)
        events = table
    else:
        rows, latest, as_of, dropped = _from_snapshots(project, table, snapshots)
        events = table
    if dropped:
        notes = (*notes, f"{dropped} rows have no target and are left out")
    if rows.is_empty():
        raise DataError("no example is left", where="features", rule="A model learns from at least one row")
    if problem.event_time is not None:
        keys = [problem.event_time] + ([problem.entity] if problem.entity is not None else [])
        rows = rows.sort(keys, maintain_order=True)
    return Examples(rows, events, latest, as_of, notes)


def usable(problem: Problem, table: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows that have an entity and an event time, where those are declared; moments in UTC."""
    notes: list[str] = []
    moments = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.Date | pl.Datetime)]
    table = table.with_columns([as_moment(pl.col(name), table.schema[name]) for name in moments])
    for role in ("entity", "item", "event_time"):
        name = getattr(problem, role)
        if name is None:
            continue
        if name not in table.columns:
            raise ContractError(f"no column is named {name!r}", where=f"ml_problem.{role}")
        if table.schema[name].is_float():
            table = table.with_columns(_whole(table[name], role))
        kept = table.filter(pl.col(name).is_not_null())
        if lost := table.height - kept.height:
            notes.append(f"{lost} rows have no {name} and are left out")
        table = kept
    return table, tuple(notes)


def _whole(entity: pl.Series, role: str) -> pl.Series:
    """Keys that were read as floating numbers, because one was missing, as the whole numbers that they are."""
    entity = entity.fill_nan(None)
    whole = entity.cast(pl.Int64, strict=False)
    if not (whole.cast(entity.dtype) == entity).all():
        raise DataError(f"{entity.name!r} holds fractions", where=f"ml_problem.{role}", rule="It is a key")
    return whole


# Rows as examples


def _after(table: pl.DataFrame, problem: Problem) -> datetime | None:
    """Just after the last event."""
    if problem.event_time is None or table.is_empty():
        return None
    last = table[problem.event_time].max()
    assert isinstance(last, datetime)
    return last + MICROSECOND


def _latest(problem: Problem, table: pl.DataFrame, as_of: datetime | None) -> pl.DataFrame:
    """The last row of every entity, moved to `as_of`."""
    if problem.entity is None:
        return table.clear()
    if problem.event_time is not None:
        table = table.sort(problem.event_time, maintain_order=True)
        table = table.with_columns(pl.lit(as_of, dtype=MOMENT).alias(problem.event_time))
    return table.unique(problem.entity, keep="last", maintain_order=True).sort(problem.entity)


def _with_target(problem: Problem, table: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The rows that have a target, with the target as the model learns it, and how many had none."""
    name = problem.target
    if name not in table.columns:
        raise ContractError(f"no column is named {name!r}", where="ml_problem.target")
    target = table[name]
    if target.dtype.is_float():
        target = target.fill_nan(None)
    table = table.with_columns(target).filter(pl.col(name).is_not_null())
    dropped = len(target) - table.height
    if problem.type == "binary_classification":
        table = table.with_columns(_zero_one(problem, table[name]))
    elif problem.type == "multiclass_classification":
        table = table.with_columns(pl.col(name).cast(pl.String))
    elif target.dtype.is_numeric() or target.dtype == pl.Boolean:
        table = table.with_columns(pl.col(name).cast(pl.Float64))
    else:
        raise ContractError(f"{name!r} is {target.dtype}, not a number", where="ml_problem.target")
    return table, dropped


def _zero_one(problem: Problem, target: pl.Series) -> pl.Series:
    """1 for the positive value, 0 for the other one."""
    values = target.unique().sort().to_list()
    if len(values) > 2:
        shown = ", ".join(repr(value) for value in values[:5])
        raise DataError(
            f"the target has {len(values)} values ({shown} …)",
            where=f"ml_problem.target {target.name}",
            rule="A binary classification has two",
        )
    positive = problem.positive
    if positive is None:
        if not any(value in (1, True) for value in values) and not set(values) <= {0}:
            raise ContractError(
                f"the target is {' or '.join(repr(value) for value in values)}; which of them counts as 1?",
                where="ml_problem.positive",
                mend=f"Write positive: {values[-1]!r}",
            )
        positive = 1
    elif not any(_same(value, positive) for value in values):
        raise DataError(
            f"the target is never {positive!r}", where="ml_problem.positive", mend=f"It is one of {values!r}"
        )
    ones = [value for value in values if _same(value, positive)]
    return (
        (target.is_in(ones) if ones else pl.repeat(False, len(target), eager=True))
        .cast(pl.Int8)
        .alias(target.name)
    )


def _same(value: object, positive: object) -> bool:
    if isinstance(value, str) or isinstance(positive, str):
        return str(value) == str(positive)
    return value == positive


# Snapshots


def _from_snapshots(
    project: Project, table: pl.DataFrame, snapshots: Snapshots
) -> tuple[pl.DataFrame, pl.DataFrame, datetime | None, int]:
    problem = project.ml_problem
    if problem.entity is None or problem.event_time is None:
        raise ContractError(
            "snapshots need ml_problem.entity and ml_problem.event_time", where="data.snapshots"
        )
    if problem.label is None:
        raise ContractError(
            "snapshots need a target that is read from later rows",
            where="data.snapshots",
            mend="Add ml_problem.label, e.g. {event: 'amount > 0', within: 30d, expect: absent}",
        )
    if table.is_empty():
        raise DataError("there are no rows to take snapshots of", where="data.snapshots")
    rows = EntityRows(table[problem.entity], table[problem.event_time])
    first, last = borders(table, problem.event_time)
    labelled = labelled_moments(project, snapshots, problem.label, first, last)
    spine = active_entities(problem, table, snapshots, labelled)
    examples = _last_rows(problem, table, rows, spine)
    if problem.label.sum is None:
        target = _labels(problem.label, problem, table, rows, examples)
        examples = examples.with_columns(target.alias(problem.target))
    else:
        examples = examples.with_columns(_sums(problem, problem.label, table, examples))
    as_of = moment_of_now(snapshots, last)
    everyone = table.select(problem.entity).unique().sort(problem.entity)
    everyone = everyone.with_columns(pl.lit(as_of, dtype=MOMENT).alias(problem.event_time))
    return examples, _last_rows(problem, table, rows, everyone), as_of, 0


def labelled_moments(
    project: Project, snapshots: Snapshots, label: Label, first: datetime, last: datetime
) -> list[datetime]:
    """The moments whose whole label window lies in the data, ascending.

    Raises:
        DataError: there is none.
    """
    skip = _warm_up(project, last - first)
    if snapshots.align == "end":
        moments = _back_from(last - label.reach, snapshots.every, first + max(skip, MICROSECOND))
    else:
        moments = snapshot_moments(first, last, snapshots.every, skip=skip)
    moments = [moment for moment in moments if not _closed(snapshots, moment + label.ahead)]
    labelled = [moment for moment in moments if moment + label.reach <= last]
    if not labelled:
        raise DataError(
            f"no snapshot has a whole label window before the last row ({last:%Y-%m-%d})",
            where="data.snapshots",
            mend="Take more history, or shorten ml_problem.label.within",
        )
    return labelled if snapshots.latest is None else labelled[-snapshots.latest :]


def moment_of_now(snapshots: Snapshots, last: datetime) -> datetime:
    """The first moment after the last row at which one would look."""
    return next_moment(last + MICROSECOND, "day" if snapshots.align == "end" else snapshots.every)


def _back_from(newest: datetime, every: str, first: datetime) -> list[datetime]:
    """UTC midnights a step apart, the last of them at most `newest`; a month is 30 days here."""
    step = timedelta(days={"day": 1, "week": 7, "month": 30}[every])
    moment = newest.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = []
    while moment >= first:
        moments.append(moment)
        moment -= step
    return moments[::-1]


def borders(table: pl.DataFrame, event_time: str) -> tuple[datetime, datetime]:
    first, last = table[event_time].min(), table[event_time].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return first, last


def _warm_up(project: Project, span: timedelta) -> timedelta:
    """How much history the first snapshot has: the longest window, at most a quarter of what there is."""
    windows = [
        each.window + (each.lag or timedelta())
        for each in project.features.definitions.values()
        if each.window is not None
    ]
    return min(max(windows, default=timedelta()), span / 4)


def _closed(snapshots: Snapshots, moment: datetime) -> bool:
    return any(days.cover(moment.date()) for days in snapshots.closed)


def snapshot_moments(first: datetime, last: datetime, every: str, *, skip: timedelta) -> list[datetime]:
    """UTC midnights of each day, Monday or first of a month, after the first event plus `skip`, up to the last."""
    moments = [next_moment(first + max(skip, MICROSECOND), every)]
    while moments[-1] <= last:
        moments.append(next_moment(moments[-1] + MICROSECOND, every))
    return moments[:-1]


def next_moment(at: datetime, every: str) -> datetime:
    """The first snapshot moment at or after `at`."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if day < at:
        day += timedelta(days=1)
    if every == "week":
        return day + timedelta(days=-day.weekday() % 7)
    if every == "month" and day.day > 1:
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day


def active_entities(
    problem: Problem, table: pl.DataFrame, snapshots: Snapshots, moments: list[datetime]
) -> pl.DataFrame:
    """Every entity at every moment before which it was active."""
    assert problem.entity is not None
    assert problem.event_time is not None
    told = condition(snapshots.active_event, table, "data.snapshots.active_event")
    active = table.filter(told).select(problem.entity, problem.event_time)
    first = active.group_by(problem.entity).agg(pl.col(problem.event_time).min().alias("first"))
    within = snapshots.active_within
    day = pl.col(problem.event_time)
    if not any(_micros(one) % DAY_US for one in moments) and not (within and _span(within) % DAY_US):
        day = day.dt.truncate("1d")  # whole days are all that is looked at, however many rows a day has
    active = active.group_by(problem.entity, day).len("rows").sort(problem.event_time)
    at: Ints = micros(active[problem.event_time]).to_numpy()
    parts = []
    for moment in moments:
        moment_us = _micros(moment)
        start = 0 if within is None else int(np.searchsorted(at, moment_us - _span(within)))
        end = int(np.searchsorted(at, moment_us))
        counted = active[start:end].group_by(problem.entity).agg(pl.col("rows").sum()).sort(problem.entity)
        found = counted.filter(pl.col("rows") >= snapshots.active_rows).select(problem.entity)
        if snapshots.known_for is not None:
            known = first.filter(pl.col("first") <= moment - snapshots.known_for)
            found = found.join(known, on=problem.entity, how="semi", maintain_order="left")
        parts.append(found.with_columns(pl.lit(moment, dtype=MOMENT).alias(problem.event_time)))
    return pl.concat(parts)


def _last_rows(problem: Problem, table: pl.DataFrame, rows: EntityRows, spine: pl.DataFrame) -> pl.DataFrame:
    """For each (entity, moment) the columns of the entity's last row strictly before the moment."""
    assert problem.entity is not None
    assert problem.event_time is not None
    code = rows.places(spine[problem.entity])
    at: Ints = micros(spine[problem.event_time]).to_numpy()
    place = rows.slots(code, at) - 1
    kept = (place >= 0) & (code >= 0) & (rows.code[np.maximum(place, 0)] == code)
    spine = spine.filter(pl.Series(kept))
    last = table[rows.row[place[kept]]].drop(problem.entity, problem.event_time)
    joined: pl.DataFrame = pl.concat([spine, last], how="horizontal")
    return joined


def _labels(
    label: Label, problem: Problem, table: pl.DataFrame, rows: EntityRows, examples: pl.DataFrame
) -> pl.Series:
    """1 where a row with the label's event lies in [moment, moment + within), turned round by `expect: absent`.

    Features look at rows strictly before the moment, so every row is on one side of it and none on both.
    """
    assert problem.entity is not None
    assert problem.event_time is not None
    happened = condition(label.event, table, "ml_problem.label.event").to_numpy()[rows.row]
    before = np.concatenate(([0], np.cumsum(happened)))
    code = rows.places(examples[problem.entity])
    at: Ints = micros(examples[problem.event_time]).to_numpy()
    start = rows.slots(code, at, side="left")
    end = rows.slots(code, at + _span(label.within), side="left")
    present = before[end] > before[start]
    return pl.Series(present if label.expect == "present" else ~present).cast(pl.Int8)


def _sums(problem: Problem, label: Label, table: pl.DataFrame, examples: pl.DataFrame) -> list[pl.Series]:
    """The sum over [moment + ahead, moment + ahead + within), and with a season the same of a season earlier.

    Both are the sum that a rolling feature would give: of the target as it will be seen once its window has passed,
    of the naive forecast at the moment itself, so that it looks at earlier rows only.
    """
    assert problem.entity is not None
    assert problem.event_time is not None
    assert label.sum is not None
    of = column_or_expression(label.sum, table.columns).cast(pl.Float64)
    with _explained(label.sum, "ml_problem.label.sum"):
        table = table.with_columns(of.alias("_summed"))

    def at(name: str, spine: pl.DataFrame, lag: timedelta) -> pl.Series:
        where = None if label.event == "true" else label.event
        window_s = label.within.total_seconds()
        summed = HistoryFeature(name, "sum", "_summed", window_s, where, 0.0, lag.total_seconds())
        plan = FeaturePlan(problem.entity, problem.event_time, (), (summed,), (), (), (), {})
        return history_values(plan, table, spine)[name]

    spine = examples.select(problem.entity, problem.event_time)
    later = spine.with_columns(pl.col(problem.event_time) + label.reach)
    columns = [at(problem.target, later, timedelta())]
    if problem.season is not None:
        columns.append(at(NAIVE, spine, seasonal_lag(problem.season, label)))
    return columns


def seasonal_lag(season: timedelta, label: Label) -> timedelta:
    """How long before a snapshot the window ends that lies whole seasons before the label's, and is over by then."""
    seasons = -(-label.reach // season)
    return seasons * season - label.reach


@contextmanager
def _explained(text: str, where: str) -> Iterator[None]:
    try:
        yield
    except pl.exceptions.PolarsError as error:
        first = str(error).strip().splitlines()[0]
        raise ContractError(f"{text!r} cannot be evaluated: {first[:200]}", where=where) from error


def condition(text: str, table: pl.DataFrame, where: str) -> pl.Series:
    with _explained(text, where):
        told = table.with_columns(column_or_expression(text, table.columns).alias("told"))["told"]
        return told.cast(pl.Boolean).fill_null(value=False)


def _micros(at: datetime) -> int:
    return _span(at - datetime(1970, 1, 1, tzinfo=UTC))


def _span(length: timedelta) -> int:
    return length // MICROSECOND
