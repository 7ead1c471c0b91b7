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
MOST_COLUMNS = 10_000
"""Of a source: each is checked, profiled and shown on its own."""
_KINDS: Mapping[type, str] = {
    bool: "bool", int: "int", float: "float", Decimal: "decimal", str: "string", date: "date",
    datetime: "datetime", UUID: "uuid", dict: "object", list: "list", tuple: "list",
}  # fmt: skip


def check_width(columns: int, *, where: str) -> None:
    """Nothing, where a source has no more columns than can be looked at one by one.

    Raises:
        DataError: it has.
    """
    if columns > MOST_COLUMNS:
        raise DataError(
            f"there are {columns:,} columns",
            where=where,
            rule=f"A source has at most {MOST_COLUMNS:,} columns",
            mend="Select those that are needed, or write names and values as rows",
        )


def from_records(records: Sequence[Mapping[str, Any]], *, where: str) -> pl.DataFrame:
    """A row per record, columns in order of first appearance; a key that a record lacks is missing there.

    Raises:
        DataError: a column mixes types or holds values that no column can; every such column is named. Or there are
            more columns than a source may have.
    """
    names = list(dict.fromkeys(name for record in records for name in record))
    return from_columns(names, [[record.get(name) for record in records] for name in names], where=where)


def from_columns(names: Sequence[str], columns: Iterable[Sequence[Any]], *, where: str) -> pl.DataFrame:
    """A table of these columns.

    Raises:
        DataError: as for `from_records`.
    """
    table = Columns(names, where=where)
    table.add(columns)
    return table.frame()


class Columns:
    """A table that grows by batches of rows; only one batch at a time is held as Python's values."""

    def __init__(self, names: Sequence[str], *, where: str) -> None:
        """No rows yet.

        Raises:
            DataError: there are more columns than a source may have.
        """
        check_width(len(names), where=where)
        self._where = where
        self._rows = 0
        self._columns = [_Column(name) for name in names]

    def add(self, columns: Iterable[Sequence[Any]]) -> int:
        """Adds the values of some rows, column by column; gives the number of rows by now."""
        added = 0
        for column, values in zip(self._columns, columns, strict=True):
            column.add(values)
            added = len(values)
        self._rows += added
        return self._rows

    def frame(self) -> pl.DataFrame:
        """The table.

        Raises:
            DataError: as for `from_records`.
        """
        made, problems = [], []
        for column in self._columns:
            found = column.series(self._where)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                made.append(found)
        if problems:
            raise DataError(f"{self._where}: {len(problems)} columns cannot be read", problems=problems)
        return pl.DataFrame(made)


class _Column:
    """The parts of one column, what kinds of values they had, and why they cannot be a column if so."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts: list[pl.Series] = []
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, Any] = {}
        self._wrong = ""

    def add(self, values: Sequence[Any]) -> None:
        """One part more; after a wrong one only the kinds are counted."""
        counts = Counter(map(type, values))
        counts.pop(type(None), None)
        kinds = {kind: _KINDS.get(kind, kind.__name__) for kind in counts}
        for kind, count in counts.items():
            if kinds[kind] not in self._counts:
                self._examples[kinds[kind]] = next(value for value in values if type(value) is kind)
            self._counts[kinds[kind]] += count
        if not self._wrong and _go_together(self._counts):
            try:
                self._parts.append(_part(self._name, values, set(kinds.values())))
            except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
                self._wrong = _first_line(error)

    def series(self, where: str) -> pl.Series | Problem:
        """The whole column."""
        if not _go_together(self._counts):
            return _mixed(self._name, self._counts, self._examples, where)
        if self._wrong:
            what = f"column {self._name!r} cannot be held: {self._wrong}"
            return Problem(where, what, mend="Convert it in the source.")
        if not self._counts:
            return pl.Series(self._name, [None] * sum(map(len, self._parts)), dtype=pl.String)
        # A part without values says nothing of the type.
        known = {part.dtype for part in self._parts if part.null_count() < len(part)}
        dtype = known.pop() if len(known) == 1 else pl.Float64 if pl.Float64 in known else MOMENT
        return pl.concat([part.cast(dtype) for part in self._parts]).rename(self._name)


def _go_together(kinds: Iterable[str]) -> bool:
    found = set(kinds)
    return len(found) < 2 or found <= {"int", "float", "decimal"} or found == {"date", "datetime"}


def _part(name: str, values: Sequence[Any], kinds: set[str]) -> pl.Series:
    if not kinds:
        return pl.Series(name, values, dtype=pl.Null)
    if kinds <= {"int"}:
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds <= {"int", "float", "decimal"}:
        return _numbers(name, values, kinds)
    if kinds == {"date", "datetime"}:
        return _moments(name, [_midnight(value) for value in values])
    return _one_kind(name, values, *kinds)


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


def _mixed(name: str, counts: Counter[str], examples: Mapping[str, Any], where: str) -> Problem:
    told = ", ".join(
        f"{count:,} {kind} (e.g. {str(examples[kind])[:40]!r})" for kind, count in counts.most_common()
    )
    return Problem(
        where, f"column {name!r} mixes types: {told}", "A column has one type", "Convert it in the source."
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:160]
