"""The feature plan evaluated over whole tables.

history_values     what each entity's earlier rows say at each moment
stateless_values   functions of the row alone; the online evaluation calls this very function
model_values       what the model takes: Float32 numbers and strings, missing = null
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
import polars as pl

from rondo.bundle.plan import FeaturePlan, HistoryFeature, InputType, Per, StatelessFeature
from rondo.bundle.user_functions import UserFunctions
from rondo.bundle.windows import DAY_US, EntityRows, Floats, Ints, distinct, fold, micros, spread
from rondo.errors import DataError

MOMENT = pl.Datetime("us", "UTC")
INPUT_TYPES: dict[InputType, pl.DataType] = {
    "float": pl.Float64(),
    "int": pl.Int64(),
    "bool": pl.Boolean(),
    "string": pl.String(),
    "datetime": MOMENT,
}
_PARTS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "hour": lambda at: at.dt.hour(),
    "day_of_week": lambda at: at.dt.weekday() - 1,
    "is_weekend": lambda at: (at.dt.weekday() >= 6).cast(pl.Int8),
    "day_of_month": lambda at: at.dt.day(),
    "month": lambda at: at.dt.month(),
    "week_of_year": lambda at: at.dt.week(),
    "quarter": lambda at: at.dt.quarter(),
    "day_of_year": lambda at: at.dt.ordinal_day(),
}

Given = Mapping[str, tuple[Sequence[bool], Sequence[object]]]
"""Feature -> for each row whether its value was given, and that value."""


def column_or_expression(text: str, columns: Sequence[str]) -> pl.Expr:
    """The column of that name, else the SQL expression."""
    return pl.col(text) if text in columns else sql_expression(text)


@cache
def sql_expression(text: str) -> pl.Expr:
    """The SQL expression, parsed once."""
    return pl.sql_expr(text)


def as_moment(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The column as moments in UTC, to the microsecond; a date is its midnight, no zone means UTC."""
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return column.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def typed_inputs(plan: FeaturePlan, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with every input and the event time in the type of the plan; NaN becomes null.

    Raises:
        DataError: a column is not there or cannot be read as its type.
    """
    wanted = {each.name: INPUT_TYPES[each.type] for each in plan.inputs}
    if plan.event_time is not None and plan.event_time in rows.columns:
        wanted[plan.event_time] = MOMENT
    expressions = []
    for name, dtype in wanted.items():
        if name not in rows.columns:
            raise DataError(f"the column {name!r} is not there", where="features", mend="Features read it.")
        column = pl.col(name)
        if isinstance(dtype, pl.Datetime):
            column = as_moment(column, rows.schema[name])
        elif isinstance(dtype, pl.Float64):
            column = column.cast(dtype).fill_nan(None)
        else:
            column = column.cast(dtype)
        expressions.append(column.alias(name))
    try:
        return rows.with_columns(expressions)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"a column is not of its declared type: {error}", where="features") from error


def history_values(plan: FeaturePlan, events: pl.DataFrame, spine: pl.DataFrame) -> pl.DataFrame:
    """One Float64 column per history feature, aligned with the rows of the spine: all, in their order.

    Args:
        plan: its entity and event time (and item, of a ranking) name columns of both tables.
        events: rows in any order; those without entity or time count for nobody.
        spine: entity and moment. Only events strictly before the moment count: no row itself, no ties.
    """
    if not plan.history:
        return pl.DataFrame()
    if plan.entity is None or plan.event_time is None:
        raise DataError("history features need an entity and an event time", where="features")
    at = micros(spine[plan.event_time])
    columns: dict[str, pl.Series] = {}
    for per in dict.fromkeys(feature.per for feature in plan.history):
        features = [feature for feature in plan.history if feature.per == per]
        keyed = key_of(plan, per, events), key_of(plan, per, spine)
        if plan.item is None:
            columns |= _of_keys(features, events, plan.event_time, keyed, at)
        else:  # candidates repeat their entity and their item
            asked, back = _each_once(keyed[1], at)
            once = _of_keys(features, events, plan.event_time, (keyed[0], asked["key"]), asked["at"])
            columns |= {name: column.gather(back) for name, column in once.items()}
    return pl.DataFrame([columns[feature.name] for feature in plan.history])


def _of_keys(
    features: Sequence[HistoryFeature],
    events: pl.DataFrame,
    event_time: str,
    keys: tuple[pl.Series, pl.Series],
    at: pl.Series,
) -> dict[str, pl.Series]:
    """The features for each asked key at its moment; `keys` are those of the events and the asked ones."""
    rows = EntityRows(keys[0], events[event_time])
    known = at.is_not_null().to_numpy()
    code = np.where(known, rows.places(keys[1]), -1)
    now: Ints = at.fill_null(0).to_numpy()
    slots: dict[float, Ints] = {}

    def place(seconds_before: float) -> Ints:
        if seconds_before not in slots:
            slots[seconds_before] = rows.slots(code, now - round(seconds_before * 1_000_000))
        return slots[seconds_before]

    sources = _History(events, rows)
    columns: dict[str, pl.Series] = {}
    for feature in features:
        start, end = place(feature.lag_s + feature.window_s), place(feature.lag_s)
        values = sources.values(feature, start, end, now)
        column = pl.Series(feature.name, values, dtype=pl.Float64).fill_nan(None)
        columns[feature.name] = column if feature.default is None else column.fill_null(feature.default)
    return columns


def key_of(plan: FeaturePlan, per: Per, rows: pl.DataFrame) -> pl.Series:
    """Whose history a row has at that level; of a pair one text, as the store keys it."""
    if per == "entity":
        return rows.get_column(str(plan.entity))
    if per == "item":
        return rows.get_column(str(plan.item))
    return rows.select(pair_key(plan)).to_series()


def pair_key(plan: FeaturePlan) -> pl.Expr:
    """The key of an entity and an item together, as `bundle.candidates.pair_text` writes it."""
    return pl.format("{}|{}", pl.col(str(plan.entity)), pl.col(str(plan.item))).alias(plan.pair)


def _each_once(key: pl.Series, at: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Keys and moments without repetition, and where each row's are."""
    asked = pl.DataFrame({"key": key, "at": at})
    once = asked.unique(maintain_order=True)
    place = once.with_row_index("place")
    back = asked.join(place, on=["key", "at"], how="left", nulls_equal=True, maintain_order="left")["place"]
    return once, back


class _History:
    """The event rows as sorted arrays; what several features share is evaluated once."""

    def __init__(self, events: pl.DataFrame, rows: EntityRows) -> None:
        self._events = events
        self._rows = rows
        self._evaluated: dict[str, pl.Series] = {}

    def _sorted(self, text: str) -> pl.Series:
        if text not in self._evaluated:
            column = column_or_expression(text, self._events.columns).alias("value")
            try:
                whole = self._events.with_columns(column).get_column("value")
            except pl.exceptions.PolarsError as error:
                raise DataError(f"{text!r} cannot be evaluated: {error}", where="features") from error
            self._evaluated[text] = whole.gather(self._rows.row)
        return self._evaluated[text]

    def values(self, feature: HistoryFeature, low: Ints, high: Ints, now: Ints) -> Floats:
        """The feature for each window [low, high) of sorted rows; NaN where no row counts."""
        counts = np.ones(len(self._rows), dtype=bool)
        if feature.where is not None:
            counts &= self._sorted(feature.where).cast(pl.Boolean).fill_null(value=False).to_numpy()
        of = None if feature.of is None else self._sorted(feature.of)
        if of is not None:
            if of.dtype.is_float():
                of = of.fill_nan(None)
            counts &= of.is_not_null().to_numpy()
        before = np.concatenate(([0], np.cumsum(counts)))
        low, high = before[low], before[high]
        kept = np.flatnonzero(counts)
        return self._aggregate(feature, None if of is None else of.gather(kept), kept, low, high, now)

    def _aggregate(
        self, feature: HistoryFeature, of: pl.Series | None, kept: Ints, low: Ints, high: Ints, now: Ints
    ) -> Floats:
        length = high - low
        none = length <= 0
        if feature.aggregate == "count":
            return np.where(none, np.nan, length).astype(float)
        if feature.aggregate == "days_since":
            last = self._rows.at[kept[np.maximum(high - 1, 0)]] if len(kept) else now
            return np.where(none, np.nan, (now - last) / DAY_US)
        assert of is not None
        if feature.aggregate == "nunique":
            return np.where(none, np.nan, distinct(self._previous(of, kept), low, high)).astype(float)
        numbers: Floats = of.cast(pl.Float64).to_numpy()
        with np.errstate(invalid="ignore", over="ignore"):
            match feature.aggregate:
                case "sum" | "mean":
                    total = fold(numbers, low, length, np.add, 0.0)
                    found = total if feature.aggregate == "sum" else total / np.maximum(length, 1)
                case "min":
                    found = fold(numbers, low, length, np.minimum, np.inf)
                case "max":
                    found = fold(numbers, low, length, np.maximum, -np.inf)
                case "std":
                    found = spread(numbers, low, length)
                case other:
                    raise DataError(f"no aggregate is named {other!r}", where=feature.name)
        return np.where(none, np.nan, found)

    def _previous(self, of: pl.Series, kept: Ints) -> Ints:
        frame = pl.DataFrame({"code": self._rows.code[kept], "of": of}).with_row_index("place")
        previous = pl.col("place").cast(pl.Int64).shift(1).over("code", "of").fill_null(-1)
        return frame.select(previous).to_series().to_numpy()


def levels(features: Sequence[StatelessFeature]) -> list[list[StatelessFeature]]:
    """The features in groups that need only what earlier groups gave."""
    names = {feature.name for feature in features}
    level: dict[str, int] = {}
    groups: list[list[StatelessFeature]] = []
    for feature in features:
        needs = [level[name] for name in feature.inputs if name in names and name != feature.name]
        depth = 1 + max(needs) if needs else 0
        level[feature.name] = depth
        if depth == len(groups):
            groups.append([])
        groups[depth].append(feature)
    return groups


def expression(feature: StatelessFeature) -> pl.Expr:
    """The feature as a Polars expression over its inputs; Python features have none."""
    match feature.kind:
        case "column":
            return pl.col(feature.inputs[0])
        case "time":
            return _PARTS[feature.part](pl.col(feature.inputs[0]))
        case "ratio":
            above, below = (pl.col(name).cast(pl.Float64) for name in feature.inputs)
            usable = below.is_not_null() & below.is_not_nan() & (below != 0)
            return pl.when(usable).then(above / below).otherwise(pl.lit(feature.zero, pl.Float64))
        case "expr":
            return sql_expression(feature.expression)
        case "python":
            raise AssertionError("a Python feature is called, not expressed")


class StatelessSteps:
    """The stateless features of a plan, ready to be evaluated again and again."""

    def __init__(self, plan: FeaturePlan) -> None:
        self._plan = plan
        self._groups = [
            [(each, None if each.kind == "python" else expression(each).alias(each.name)) for each in group]
            for group in levels(plan.stateless)
        ]

    def values(
        self, rows: pl.DataFrame, functions: UserFunctions | None = None, *, given: Given | None = None
    ) -> pl.DataFrame:
        """The rows with a column per stateless feature beside them; see `stateless_values`."""
        for group in self._groups:
            columns: list[pl.Expr | pl.Series] = []
            for feature, made in group:
                if given and feature.name in given and all(given[feature.name][0]):
                    columns.append(_as_given(self._plan, feature.name, given[feature.name][1]))
                elif made is None:
                    assert functions is not None, "the plan's functions are needed"
                    text = feature.name in self._plan.categorical
                    columns.append(functions.call(feature, rows, as_text=text))
                elif feature.inputs != (feature.name,):
                    columns.append(made)
            if columns:
                # In sequence: for a few rows, waking the thread pool costs more than the work.
                rows = rows.with_columns_seq(columns) if rows.height < 1000 else rows.with_columns(columns)
            if given:
                here = {each.name: given[each.name] for each, _ in group if each.name in given}
                rows = _put(self._plan, rows, here)
        return rows


def stateless_values(
    plan: FeaturePlan,
    rows: pl.DataFrame,
    functions: UserFunctions | None = None,
    *,
    given: Given | None = None,
) -> pl.DataFrame:
    """The rows with a column per stateless feature beside them.

    Args:
        plan: what to compute.
        rows: typed inputs (see `typed_inputs`), the event time, and one column per history feature.
        functions: the user's functions; needed where the plan has Python features.
        given: values that stand in the place of computed ones, row by row.
    """
    return StatelessSteps(plan).values(rows, functions, given=given)


def _as_given(plan: FeaturePlan, name: str, values: Sequence[object]) -> pl.Series:
    return pl.Series(name, values, dtype=pl.String if name in plan.categorical else pl.Float64)


def _put(plan: FeaturePlan, rows: pl.DataFrame, given: Given) -> pl.DataFrame:
    columns = []
    for name, (mask, values) in given.items():
        value = _as_given(plan, name, values)
        computed = pl.col(name).cast(value.dtype)
        columns.append(pl.when(pl.Series(mask, dtype=pl.Boolean)).then(value).otherwise(computed).alias(name))
    return rows.with_columns(columns) if columns else rows


def model_values(plan: FeaturePlan, rows: pl.DataFrame) -> pl.DataFrame:
    """What the model takes, in its order: Float32 numbers (not finite = null), strings ("" = null)."""
    columns = []
    for name in plan.numerical:
        # By way of Float64, as a number of a request goes: an integer must not round otherwise here.
        number = pl.col(name).cast(pl.Float64).cast(pl.Float32)
        columns.append(pl.when(number.is_finite()).then(number).alias(name))
    for name in plan.categorical:
        text = pl.col(name).cast(pl.String)
        columns.append(pl.when(text != "").then(text).alias(name))
    return rows.select(columns)
