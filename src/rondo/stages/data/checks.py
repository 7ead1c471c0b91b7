"""Checks that stop the run before anything is computed from bad data. Pure.

Every check says what was found against which rule. What cannot be computed is never passed.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from rondo.contract.data import Validate, ValueRange
from rondo.contract.problem import DataRequirements
from rondo.errors import DataError, Problem, nearest
from rondo.pages import share
from rondo.records.dataset import STOPPING, Check, CheckStatus
from rondo.stages.data.freshness import FUTURE
from rondo.stages.data.personal import personal
from rondo.stages.data.sentinels import sentinels
from rondo.stages.data.types import convert, logical, values_of

LONGEST_NAME = 500
LARGEST = 3.4028234e38
"""Of the numbers that models compute with (float32); beyond it a feature would be missing."""
_SHOWN = 5


def check(
    table: pl.DataFrame,
    rules: Validate,
    *,
    required: Mapping[str, str] | Sequence[str] = (),
    event_time: str | None = None,
    needs: DataRequirements | None = None,
    now: datetime | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    key: Sequence[str] = (),
    filled: Collection[str] = (),
) -> tuple[Check, ...]:
    """Every check of the table, in a fixed order.

    Args:
        table: plain (see `types.py`).
        required: columns that must be there, whatever their type; where known, with the key that names each.
        event_time: the column that says when a row was true.
        needs: how much history the problem needs.
        now: times may not lie beyond it; without it they are not looked at.
        groups: the columns of each group of features that the problem needs.
        key: columns that name one example, where rows are examples.
        filled: columns whose missing values got a value of the project's own.
    """
    return (
        _row_count(table, rules),
        *_names(table),
        *_schema_match(table, rules, required),
        *_null_ratio(table, rules),
        *(_value_range(table, name, rule) for name, rule in rules.value_ranges.items()),
        _infinite(table),
        _duplicates(table, key),
        *_event_time(table, event_time, now),
        *_requirements(table, needs or DataRequirements(), event_time),
        *(_group(table, name, columns) for name, columns in (groups or {}).items() if columns),
        *sentinels(table, {*rules.value_ranges, *filled}),
        *personal(table, rules.personal),
    )


def problems_of(checks: Sequence[Check]) -> tuple[Problem, ...]:
    """The checks that stop a run, as problems of an error."""
    return tuple(
        Problem(
            f"{check.name}{f' of {check.column!r}' if check.column else ''}",
            check.found + (f" (e.g. {', '.join(check.examples)})" if check.examples else ""),
            f"The rule is: {check.rule}",
            check.mend,
        )
        for check in checks
        if check.status in STOPPING
    )


def warnings_of(checks: Sequence[Check]) -> tuple[str, ...]:
    """What a person should look at although it stops nothing, a sentence each."""
    return tuple(
        f"{check.name.replace('_', ' ')} of {check.column!r}: {check.found}. {check.mend}."
        for check in checks
        if check.status == "warned"
    )


def event_span(table: pl.DataFrame, event_time: str | None) -> tuple[datetime, datetime] | None:
    """The first and the last event time in UTC; None without such a column or without values."""
    if event_time is None or event_time not in table.columns:
        return None
    column = table.get_column(event_time)
    if logical(column.dtype) not in {"date", "datetime"} or column.null_count() == column.len():
        return None
    low, high = column.cast(pl.Datetime("us", "UTC")).min(), column.cast(pl.Datetime("us", "UTC")).max()
    assert isinstance(low, datetime)
    assert isinstance(high, datetime)
    return low, high


def _row_count(table: pl.DataFrame, rules: Validate) -> Check:
    return Check(
        "row_count",
        _status(table.height >= rules.min_rows),
        f"{table.height:,} rows",
        f"at least {rules.min_rows:,} rows",
    )


def _names(table: pl.DataFrame) -> Iterator[Check]:
    """What is wrong with the names of the columns, where something is."""
    rule = f"names of at most {LONGEST_NAME} characters that people see and can tell apart"
    seen: dict[str, str] = {}
    for name in table.columns:
        twin = seen.setdefault(unicodedata.normalize("NFC", name), name)
        shown = ascii(name[:60])
        if len(name) > LONGEST_NAME:
            yield Check("column_names", "failed", f"{shown}… has {len(name):,} characters", rule)
        elif strange := sorted({unicodedata.name(c, f"U+{ord(c):04X}") for c in name if _unseen(c)}):
            yield Check(
                "column_names", "failed", f"{shown} holds what nobody sees: {', '.join(strange)}", rule
            )
        elif twin != name:
            yield Check("column_names", "failed", f"{twin[:60]!a} and {shown} look alike", rule)


def _unseen(character: str) -> bool:
    """Control and format characters; those that join letters belong to the writing of some languages."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"} and character not in "\u200c\u200d"


def _schema_match(
    table: pl.DataFrame, rules: Validate, required: Mapping[str, str] | Sequence[str]
) -> Iterator[Check]:
    keys = required if isinstance(required, Mapping) else {}
    wanted: dict[str, str | None] = {**dict.fromkeys(required), **rules.keys}
    if not wanted:
        return
    broken = []
    for name, kind in wanted.items():
        rule = f"a {kind} column" if kind else "the column is there"
        if name not in table.columns:
            hint = nearest(name, table.columns)
            rule = f"{keys[name]} names a column of the data" if name in keys else rule
            broken.append(Check("schema_match", "failed", f"no such column. {hint}", rule, name))
            continue
        found = logical(table.schema[name])
        # Every whole number is a number.
        if kind and found != kind and (found, kind) != ("int", "float"):
            broken.append(
                Check("schema_match", "failed", f"a {found} column", rule, name, values_of(table, name))
            )
    yield from broken
    if not broken:
        yield Check(
            "schema_match",
            "passed",
            "every declared column is as declared",
            f"{len(wanted)} declared columns",
        )


def _null_ratio(table: pl.DataFrame, rules: Validate) -> Iterator[Check]:
    limits = {name: rules.max_null_ratios.get(name, rules.max_null_ratio) for name in table.columns}
    for name in rules.max_null_ratios:
        if name not in table.columns:
            yield Check(
                "null_ratio",
                "not_computable",
                f"no such column. {nearest(name, table.columns)}",
                "the column is there",
                name,
            )
    if not table.height or not table.width:
        yield Check(
            "null_ratio", "not_computable", "there are no values", f"at most {_limit(rules.max_null_ratio)}"
        )
        return
    ratios = {name: count / table.height for name, count in table.null_count().row(0, named=True).items()}
    over = [name for name, ratio in ratios.items() if ratio > limits[name]]
    for name in over:
        yield Check(
            "null_ratio", "failed", f"{share(ratios[name])} missing", f"at most {_limit(limits[name])}", name
        )
    if not over:
        most = max(ratios, key=lambda name: ratios[name])
        exceptions = (
            f", {len(rules.max_null_ratios)} columns with their own limit" if rules.max_null_ratios else ""
        )
        yield Check(
            "null_ratio",
            "passed",
            f"at most {share(ratios[most])} missing, in {most!r}" if ratios[most] else "no value is missing",
            f"at most {_limit(rules.max_null_ratio)} per column{exceptions}",
        )


def _value_range(table: pl.DataFrame, name: str, rule: ValueRange) -> Check:
    told = _range_text(rule)
    if name not in table.columns:
        found = f"no such column. {nearest(name, table.columns)}"
        return Check("value_range", "not_computable", found, told, name)
    column = table.get_column(name)
    known = column.drop_nulls()
    if known.is_empty():
        return Check("value_range", "not_computable", "every value is missing", told, name)
    kind = logical(column.dtype)
    if (rule.min is not None or rule.max is not None) and kind not in {"int", "float"}:
        return Check("value_range", "failed", f"a {kind} column has no bounds of numbers", told, name)
    outside = pl.repeat(value=False, n=known.len(), dtype=pl.Boolean, eager=True)
    if rule.min is not None:
        outside = outside | (known < rule.min)
    if rule.max is not None:
        outside = outside | (known > rule.max)
    if rule.values is not None:
        try:
            allowed: list[Any] = [_as(value, column) for value in rule.values]
        except DataError:
            return Check("value_range", "failed", f"the rule does not suit a {kind} column", told, name)
        outside = outside | ~known.is_in(allowed)
    count = int(outside.sum())
    if not count:
        numbers = kind in {"int", "float"}
        found = f"{known.min()!s} to {known.max()!s}" if numbers else f"{known.n_unique():,} different values"
        return Check("value_range", "passed", found, told, name)
    examples = values_of(known.filter(outside).to_frame(), name)
    found = f"{count:,} values outside ({share(count / column.len())} of the rows)"
    return Check("value_range", "failed", found, told, name, examples)


def _as(value: Any, column: pl.Series) -> Any:
    kind: Any = logical(column.dtype)
    return convert(pl.Series(column.name, [value]), kind, where="").item()


def _range_text(rule: ValueRange) -> str:
    parts = []
    if rule.min is not None:
        parts.append(f"at least {rule.min:g}")
    if rule.max is not None:
        parts.append(f"at most {rule.max:g}")
    if rule.values is not None:
        more = " …" if len(rule.values) > _SHOWN else ""
        parts.append("one of " + ", ".join(map(str, rule.values[:_SHOWN])) + more)
    return " and ".join(parts) or "any value"


def _infinite(table: pl.DataFrame) -> Check:
    numbers = [name for name, dtype in table.schema.items() if dtype.is_float()]
    counts = {name: int((table.get_column(name).abs() > LARGEST).sum()) for name in numbers}
    found = {name: count for name, count in counts.items() if count}
    told = ", ".join(f"{count:,} in {name!r}" for name, count in list(found.items())[:_SHOWN])
    return Check(
        "infinite_values",
        _status(not found),
        told or "none",
        f"no infinite value, and none beyond {LARGEST:.2g}",
    )


def _duplicates(table: pl.DataFrame, key: Sequence[str]) -> Check:
    """Copies are counted; a second row for one example is a warning. What lacks a part of its key is no example."""
    rule = "counted; whether a row may occur twice is for the project to say"
    if not table.height or not table.width:
        return Check("duplicates", "not_computable", "there are no rows", rule)
    extra = table.height - table.n_unique()
    found = f"{extra:,} rows repeat an earlier one ({share(extra / table.height)})" if extra else "none"
    keys = table.select(key).drop_nulls() if set(key) <= set(table.columns) else pl.DataFrame()
    again = keys.height - keys.n_unique() if keys.height else 0
    if not again:
        return Check("duplicates", "passed", found, rule)
    examples = table.drop_nulls(key)
    named, copies = ", ".join(key), examples.height - examples.n_unique()
    found = f"{again:,} rows have {named} of an earlier one ({share(again / table.height)}), {copies:,} of them copies"
    mend = f"Say what holds: data.clean.duplicates: {{key: [{named}], latest: COLUMN}}"
    return Check("duplicates", "warned", found, "a row is an example", key[-1], mend=mend)


def _event_time(table: pl.DataFrame, name: str | None, now: datetime | None) -> Iterator[Check]:
    if name is None or name not in table.columns:
        return  # the schema check has named it
    kind = logical(table.schema[name])
    if kind not in {"date", "datetime"}:
        found = f"a {kind} column"
        yield Check("event_time", "failed", found, "a date or a datetime", name, values_of(table, name))
        return
    if now is None:
        return
    rule = f"no later than {now + FUTURE:%Y-%m-%d %H:%M} UTC"
    span = event_span(table, name)
    if span is None:
        yield Check("event_time", "not_computable", "every value is missing", rule, name)
        return
    limit: date | datetime = now + FUTURE
    late = int((table.get_column(name).cast(pl.Datetime("us", "UTC")) > limit).sum())
    found = f"{span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}" + (f", {late:,} in the future" if late else "")
    yield Check("event_time", _status(not late), found, rule, name)


def _requirements(table: pl.DataFrame, needs: DataRequirements, event_time: str | None) -> Iterator[Check]:
    if needs.minimum_samples is not None:
        enough = table.height >= needs.minimum_samples
        yield Check(
            "minimum_samples",
            _status(enough),
            f"{table.height:,} rows",
            f"at least {needs.minimum_samples:,}",
        )
    if needs.historical_period is None:
        return
    # Whole days, both ends counted: a year of daily rows is a year although its last row is at 364 d.
    wanted = math.floor(needs.historical_period / timedelta(days=1))
    rule = f"at least {wanted:,} days"
    span = event_span(table, event_time)
    if span is None:
        why = "ml_problem names no event_time" if event_time is None else f"{event_time!r} has no times"
        yield Check("historical_period", "not_computable", why, rule)
        return
    days = (span[1].date() - span[0].date()).days + 1
    found = f"{days:,} days, {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}"
    yield Check("historical_period", _status(days >= wanted), found, rule, event_time)


def _group(table: pl.DataFrame, name: str, columns: Sequence[str]) -> Check:
    """A group is there when each of its columns is, with some value."""
    absent = [column for column in columns if column not in table.columns]
    empty = [
        column
        for column in columns
        if column not in absent and table.get_column(column).null_count() == table.height
    ]
    wrong = [f"no column {column!r}" for column in absent]
    wrong += [f"{column!r} has no values" for column in empty]
    found = "; ".join(wrong) or f"{len(columns)} columns with values"
    return Check("feature_group", _status(not wrong), found, f"the group {name!r} is there")


def _limit(fraction: float) -> str:
    return f"{fraction * 100:g}%"


def _status(holds: bool) -> CheckStatus:
    return "passed" if holds else "failed"
