"""What SQL expressions of the project file may be: functions of the row alone, the same today and tomorrow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from rondo.bundle.batch import MOMENT, sql_expression
from rondo.errors import ContractError, nearest

Schema = Mapping[str, pl.DataType]

_CLOCKS = re.compile(
    r"\b(now|current_timestamp|current_date|current_time|localtime|localtimestamp|random|rand)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_ROW_WISE = "An expression is a function of the row alone: no aggregates, no windows, no other rows"


def columns_of(text: str, *, where: str) -> tuple[str, ...]:
    """The columns that the expression reads, in order of appearance.

    Raises:
        ContractError: it is not an expression, or it reads a clock or chance.
    """
    try:
        roots = tuple(dict.fromkeys(sql_expression(text).meta.root_names()))
    except pl.exceptions.PolarsError as error:
        raise ContractError(
            f"{text!r} is not an expression: {_first_line(error)}", where=where, rule="It is SQL over columns"
        ) from error
    for clock in _CLOCKS.findall(_QUOTED.sub("", text)):
        if clock.lower() not in {root.lower() for root in roots}:
            raise ContractError(
                f"{clock}() gives another value tomorrow",
                where=where,
                rule="A feature is a function of its row",
                mend="Use the event time column",
            )
    return roots


def type_of(text: str, schema: Schema, *, where: str) -> pl.DataType:
    """The type of the expression's value, after proof that it looks at one row only.

    Raises:
        ContractError: a column is unknown, a type does not fit, or other rows change the value.
    """
    for name in columns_of(text, where=where):
        if name not in schema:
            raise ContractError(
                f"no column or feature is named {name!r}", where=where, mend=nearest(name, schema)
            )
    column = (pl.col(text) if text in schema else sql_expression(text)).alias("value")
    if ".over(" in str(column):
        raise ContractError(f"{text!r} looks at other rows", where=where, rule=_ROW_WISE)
    try:
        found = pl.DataFrame(schema=dict(schema)).lazy().with_columns(column).collect_schema()["value"]
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"{text!r} cannot be evaluated: {_first_line(error)}", where=where) from error
    if not _row_wise(column, schema):
        raise ContractError(f"{text!r} looks at other rows", where=where, rule=_ROW_WISE)
    return found


def _row_wise(column: pl.Expr, schema: Schema) -> bool:
    probe = _probe(schema)
    try:
        whole = probe.with_columns(column)["value"]
        alone = pl.concat([probe[place].with_columns(column)["value"] for place in range(probe.height)])
    except pl.exceptions.PolarsError:
        # It refuses the probe's values, a text that is no date for instance; the real data may be fine.
        return column.meta.is_length_preserving() or column.meta.is_literal()
    return whole.equals(alone, null_equal=True)


def _probe(schema: Schema) -> pl.DataFrame:
    """Eight rows whose columns repeat in different rhythms, so that a look at another row shows."""
    floats = [1.5, -2.25, 3.75, 0.5, 8.0, -5.5, 13.25, 2.125]
    start = datetime(2024, 2, 28, 22, 30, tzinfo=UTC)
    data = {}
    for place, (name, dtype) in enumerate(schema.items()):
        values: list[object]
        if dtype.is_float():
            values = [value + place for value in floats]
        elif dtype.is_integer():
            values = [(3 * row + place) % 7 for row in range(8)]
        elif dtype == pl.Boolean:
            values = [(row + place) % 2 == 0 for row in range(8)]
        elif dtype.is_temporal():
            values = [start + timedelta(hours=5 * ((row * 5 + place) % 8)) for row in range(8)]
        else:
            values = ["abc"[(row + place) % 3] for row in range(8)]
        data[name] = pl.Series(name, values, dtype=MOMENT if dtype.is_temporal() else dtype)
    return pl.DataFrame(data)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
