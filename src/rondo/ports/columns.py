"""Columns from loose values (rows of a database, records of JSON): one rule for every reader.

A column has one type. Whole and broken numbers together are numbers; anything else mixed is refused with
counts and examples, because a silent guess here is a wrong feature later.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl

from rondo.errors import DataError, Problem

MOMENT = pl.Datetime("us", "UTC")
_KINDS: Mapping[type, str] = {
    bool: "bool", int: "int", float: "float", Decimal: "decimal", str: "string", date: "date",
    datetime: "datetime", UUID: "uuid", dict: "object", list: "list", tuple: "list",
}  # fmt: skip


def from_records(records: Sequence[Mapping[str, Any]], *, where: str) -> pl.DataFrame:
    """A row per record, columns in order of first appearance; a key that a record lacks is missing there.

    Raises:
        DataError: a column mixes types or holds values that no column can; every such column is named.
    """
    names = list(dict.fromkeys(name for record in records for name in record))
    return from_columns(names, [[record.get(name) for record in records] for name in names], where=where)


def from_columns(names: Sequence[str], columns: Iterable[Sequence[Any]], *, where: str) -> pl.DataFrame:
    """A table of these columns.

    Raises:
        DataError: as for `from_records`.
    """
    made, problems = [], []
    for name, values in zip(names, columns, strict=True):
        found = _column(name, values, where)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            made.append(found)
    if problems:
        raise DataError(f"{where}: {len(problems)} columns cannot be read", problems=problems)
    return pl.DataFrame(made)


def _column(name: str, values: Sequence[Any], where: str) -> pl.Series | Problem:
    types = set(map(type, values)) - {type(None)}
    kinds = {_KINDS.get(kind, kind.__name__) for kind in types}
    try:
        if not kinds:
            return pl.Series(name, values, dtype=pl.String)
        if kinds <= {"int"}:
            return pl.Series(name, values, dtype=pl.Int64)
        if kinds <= {"int", "float", "decimal"}:
            return _numbers(name, values, kinds)
        if len(kinds) == 1:
            return _one_kind(name, values, kinds.pop())
        if kinds == {"date", "datetime"}:
            return _moments(name, [_midnight(value) for value in values])
    except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        return Problem(
            where, f"column {name!r} cannot be held: {_first_line(error)}", mend="Convert it in the source."
        )
    return _mixed(name, values, kinds, where)


def _numbers(name: str, values: Sequence[Any], kinds: set[str]) -> pl.Series:
    # NUMERIC comes as Decimal. Its declared scale decides, not today's values: 5.00 is no whole number.
    if "float" not in kinds and all(_scale_is_zero(value) for value in values if value is not None):
        return pl.Series(name, [None if value is None else int(value) for value in values], dtype=pl.Int64)
    return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)


def _scale_is_zero(value: int | Decimal) -> bool:
    if isinstance(value, int):
        return True
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= 0


def _one_kind(name: str, values: Sequence[Any], kind: str) -> pl.Series:
    match kind:
        case "string":
            return pl.Series(name, values, dtype=pl.String)
        case "bool":
            return pl.Series(name, values, dtype=pl.Boolean)
        case "date":
            return pl.Series(name, values, dtype=pl.Date)
        case "datetime":
            return _moments(name, values)
        case "uuid":
            return pl.Series(name, [None if value is None else str(value) for value in values])
        case "object" | "list":
            # Kept as text: nothing is lost, and every column stays a plain one.
            return pl.Series(
                name, [None if value is None else json.dumps(value, default=str) for value in values]
            )
        case _:
            raise TypeError(f"values of type {kind}")


def _moments(name: str, values: Sequence[datetime | None]) -> pl.Series:
    """Times in UTC; a time without a zone is taken as UTC."""
    return pl.Series(
        name,
        [
            None if value is None else value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
            for value in values
        ],
        dtype=MOMENT,
    )


def _midnight(value: date | datetime | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _mixed(name: str, values: Sequence[Any], kinds: set[str], where: str) -> Problem:
    counts: Counter[str] = Counter()
    examples: dict[str, Any] = {}
    for value in values:
        if value is not None:
            kind = _KINDS.get(type(value), type(value).__name__)
            counts[kind] += 1
            examples.setdefault(kind, value)
    told = ", ".join(
        f"{count:,} {kind} (e.g. {str(examples[kind])[:40]!r})" for kind, count in counts.most_common()
    )
    return Problem(
        where, f"column {name!r} mixes types: {told}", "A column has one type", "Convert it in the source."
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:160]
