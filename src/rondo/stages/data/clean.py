"""Cleaning, always in this order: rows that are not kept, duplicates, missing values, outliers, types. Pure.

Missing values go first because they distort the bounds of outliers, and types last because a column
without missing values can take a stricter one; rows that are not meant (`keep`), and those that stand twice, go
before all. Statistics
(median, quantiles, fences) are those of the whole table, so rows that become the test set have a small part
in them: where that matters, declare the constants.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from rondo.contract.data import Clean, ColumnType, Duplicates, Missing, Outliers
from rondo.errors import ContractError, DataError, Problem, nearest
from rondo.stages.data.repeats import without_repeats
from rondo.stages.data.types import convert, logical


@dataclass(frozen=True, slots=True)
class Step:
    """What cleaning did to a column."""

    column: str
    what: str
    values: int  # values or rows that it touched


def clean(table: pl.DataFrame, wanted: Clean) -> tuple[pl.DataFrame, tuple[Step, ...]]:
    """The cleaned table in the order of its rows, and what was done.

    Raises:
        ContractError: a rule names a column that is not there or does not suit its type.
        DataError: rows contradict each other, a statistic cannot be computed, or values do not fit the type.
    """
    _check_columns(table, {"missing": wanted.missing, "outliers": wanted.outliers, "types": wanted.types})
    table, kept = keep_rows(table, wanted.keep)
    table, single = drop_duplicates(table, wanted.duplicates)
    table, filled = fill_missing(table, wanted.missing)
    table, bounded = bound_outliers(table, wanted.outliers)
    table, typed = set_types(table, wanted.types)
    return table, (*kept, *single, *filled, *bounded, *typed)


def keep_rows(table: pl.DataFrame, condition: str | None) -> tuple[pl.DataFrame, tuple[Step, ...]]:
    """The rows of which the condition is true; all of them where there is none."""
    if condition is None:
        return table, ()
    try:
        kept = table.filter(pl.sql_expr(condition))
    except pl.exceptions.PolarsError as error:
        first = str(error).strip().splitlines()[0][:200]
        raise ContractError(f"{condition!r} cannot be evaluated: {first}", where="data.clean.keep") from error
    return kept, (Step("(row)", f"rows dropped that are not {condition}", table.height - kept.height),)


def drop_duplicates(table: pl.DataFrame, rule: Duplicates | None) -> tuple[pl.DataFrame, tuple[Step, ...]]:
    """The rows that stand for one thing each; all of them where nothing is asked."""
    if rule is None:
        return table, ()
    table, copies, replaced = without_repeats(table, rule)
    steps = [Step("(row)", "rows dropped that repeat an earlier one", copies)]
    if rule.latest is not None:
        what = f"rows dropped that one with a later {rule.latest} replaces"
        steps.append(Step("(row)", what, replaced))
    return table, tuple(steps)


def _check_columns(table: pl.DataFrame, rules: Mapping[str, Iterable[str]]) -> None:
    problems = [
        Problem(f"data.clean.{rule}", f"there is no column {name!r}", mend=nearest(name, table.columns))
        for rule, names in rules.items()
        for name in names
        if name not in table.columns
    ]
    if problems:
        raise ContractError(f"{len(problems)} columns to clean are not there", problems=problems)


def fill_missing(table: pl.DataFrame, rules: Mapping[str, Missing]) -> tuple[pl.DataFrame, tuple[Step, ...]]:
    """The table with missing values filled or their rows dropped; columns without a rule stay as they are."""
    steps = []
    for name, rule in rules.items():
        column = table.get_column(name)
        missing = column.null_count()
        if rule.drop_row:
            table = table.filter(pl.col(name).is_not_null())
            steps.append(Step(name, "rows with a missing value dropped", missing))
            continue
        if not missing:
            continue
        value = _filling(column, rule)
        table = table.with_columns(column.fill_null(value))
        how = f"{rule.fill} " if rule.fill else ""
        steps.append(Step(name, f"missing values filled with {how}{_shown(value)}", missing))
    return table, tuple(steps)


def _filling(column: pl.Series, rule: Missing) -> Any:
    where = f"data.clean.missing.{column.name}"
    kind = logical(column.dtype)
    if rule.fill is None:
        return _constant(rule.value, column, where)
    if rule.fill == "most_frequent":
        counts = column.drop_nulls().value_counts(sort=True)
        if counts.is_empty():
            raise _nothing_known(where)
        # Equally frequent values: the smallest, so that the answer does not depend on the order of rows.
        return counts.filter(pl.col("count") == counts["count"][0]).get_column(column.name).min()
    if kind not in {"int", "float"}:
        raise ContractError(
            f"{rule.fill} of a {kind} column",
            where=where,
            rule="It is a statistic of numbers",
            mend="Use most_frequent or value",
        )
    if rule.fill == "zero":
        return 0
    found = column.median() if rule.fill == "median" else column.mean()
    if not isinstance(found, int | float) or not math.isfinite(found):
        raise _nothing_known(where)
    return round(found) if kind == "int" else found


def _constant(value: Any, column: pl.Series, where: str) -> Any:
    kind: Any = logical(column.dtype)
    given = pl.Series(column.name, [value])
    try:
        return convert(given, kind, where=where).item()
    except DataError as error:
        raise ContractError(
            f"the value {value!r} does not suit a {kind} column", where=where, mend=f"Give a {kind}"
        ) from error


def _nothing_known(where: str) -> DataError:
    return DataError(
        "every value is missing, or not finite, so there is nothing to fill with",
        where=where,
        mend="Give a `value`",
    )


def bound_outliers(
    table: pl.DataFrame, rules: Mapping[str, Outliers]
) -> tuple[pl.DataFrame, tuple[Step, ...]]:
    """The table with values outside their bounds clipped, made missing, or dropped with their rows."""
    steps = []
    for name, rule in rules.items():
        column = table.get_column(name)
        if logical(column.dtype) not in {"int", "float"}:
            raise ContractError(
                f"bounds for a {logical(column.dtype)} column",
                where=f"data.clean.outliers.{name}",
                rule="Outliers are numbers",
            )
        low, high = bounds(column, rule)
        outside = ((pl.col(name) < low) | (pl.col(name) > high)).fill_null(value=False)
        count = int(table.select(outside.sum()).item())
        match rule.action:
            case "clip":
                ends = [end if math.isfinite(end) else None for end in (low, high)]
                table = table.with_columns(pl.col(name).clip(*ends).cast(column.dtype))
            case "null":
                table = table.with_columns(pl.when(~outside).then(pl.col(name)).alias(name))
            case "drop_row":
                table = table.filter(~outside)
        done = {"clip": "clipped", "null": "made missing", "drop_row": "dropped with their rows"}[rule.action]
        steps.append(Step(name, f"values outside {_shown(low)} to {_shown(high)} {done}", count))
    return table, tuple(steps)


def bounds(column: pl.Series, rule: Outliers) -> tuple[float, float]:
    """The tightest of the rule's bounds; infinite where it gives none. Whole numbers get whole bounds."""
    lows = [rule.min] if rule.min is not None else []
    highs = [rule.max] if rule.max is not None else []
    known = column.drop_nulls().cast(pl.Float64)
    known = known.filter(known.is_finite())
    if known.len():
        if rule.quantiles is not None:
            lows.append(_quantile(known, rule.quantiles[0]))
            highs.append(_quantile(known, rule.quantiles[1]))
        if rule.iqr is not None:
            first, third = _quantile(known, 0.25), _quantile(known, 0.75)
            lows.append(first - rule.iqr * (third - first))
            highs.append(third + rule.iqr * (third - first))
    low, high = max(lows, default=-math.inf), min(highs, default=math.inf)
    if column.dtype.is_integer():
        low = math.ceil(low) if math.isfinite(low) else low
        high = math.floor(high) if math.isfinite(high) else high
    return low, high


def _quantile(known: pl.Series, at: float) -> float:
    found = known.quantile(at, interpolation="linear")
    assert found is not None
    return float(found)


def set_types(table: pl.DataFrame, wanted: Mapping[str, ColumnType]) -> tuple[pl.DataFrame, tuple[Step, ...]]:
    """The table with these columns in these types."""
    steps = []
    for name, kind in wanted.items():
        column = table.get_column(name)
        if (have := logical(column.dtype)) == kind:
            continue
        table = table.with_columns(convert(column, kind, where=f"data.clean.types.{name}"))
        steps.append(Step(name, f"{have} converted to {kind}", column.len() - column.null_count()))
    return table, tuple(steps)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
