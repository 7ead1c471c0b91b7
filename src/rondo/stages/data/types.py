"""Logical types of columns: string, int, float, bool, date, datetime. Pure.

Every table of this room is *plain*: whole numbers are Int64, broken ones Float64 without NaN (it is a missing
value), times are in UTC to the microsecond, and a time without a zone is taken as UTC.
A conversion keeps every value or is refused with counts and examples: nothing is rounded, cut or guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from rondo.contract.data import ColumnType, Scalar
from rondo.errors import DataError, Problem, nearest
from rondo.ports.columns import MOMENT
from rondo.ports.texts import moments, typed
from rondo.records.dataset import Column

POLARS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "string": pl.String, "int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean, "date": pl.Date, "datetime": MOMENT,
}  # fmt: skip
_BOOLS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_EXAMPLES = 3
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")


def logical(dtype: pl.DataType) -> str:
    """The logical type of a plain column."""
    if dtype.is_integer():
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    if isinstance(dtype, pl.Datetime):
        return "datetime"
    return {pl.Boolean: "bool", pl.Date: "date"}.get(type(dtype), "string")


def columns_of(frame: pl.DataFrame) -> tuple[Column, ...]:
    """The columns in their order."""
    return tuple(Column(name, logical(dtype)) for name, dtype in frame.schema.items())


def plain(frame: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """The table with every column in the one form that its logical type has.

    Raises:
        DataError: a column holds what no logical type can (lists, objects, bytes, durations, years beyond 9999).
    """
    problems = []
    made = []
    for name, dtype in frame.schema.items():
        column = frame.get_column(name)
        try:
            made.append(_plain(column, dtype))
        except (TypeError, pl.exceptions.PolarsError) as error:
            problems.append(
                Problem(
                    where,
                    f"column {name!r} holds {str(dtype)[:60]}: {str(error).partition(chr(10))[0][:120]}",
                    "A column holds texts, numbers, booleans, dates or times",
                    "Select or convert its parts in the source",
                )
            )
    if problems:
        raise DataError(f"{where}: {len(problems)} columns cannot be kept", problems=problems)
    return pl.DataFrame(made) if made else frame


def _plain(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    if dtype.is_integer():
        return column.cast(pl.Int64)
    if dtype.is_float() or dtype.is_decimal():
        return column.cast(pl.Float64).fill_nan(None)
    if isinstance(dtype, pl.Datetime):
        even = column.cast(pl.Datetime("us", dtype.time_zone))
        utc = even.dt.convert_time_zone("UTC") if dtype.time_zone else even.dt.replace_time_zone("UTC")
        return _of_our_calendar(utc, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    if dtype == pl.Date:
        return _of_our_calendar(column, date.min, date.max)
    if dtype in (pl.String, pl.Boolean):
        return column
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Null | pl.Time):
        return column.cast(pl.String)
    raise TypeError("it is not a plain value")


def _of_our_calendar(times: pl.Series, first: date, last: date) -> pl.Series:
    # Wrong units make years like 56000; Python has no date to show for them.
    if not times.is_between(first, last).all():
        raise TypeError("a year is outside of 1 to 9999")
    return times


def without_nulls(
    frame: pl.DataFrame, nulls: Sequence[Scalar], *, untyped: Collection[str] = ()
) -> pl.DataFrame:
    """The plain table with the values that stand for a missing one made missing.

    Args:
        untyped: text columns that were meant to get the narrowest type of their values, and get it now.
    """
    if not nulls:
        return frame
    texts = [str(value) for value in nulls]
    numbers = [float(text) for text in texts if _NUMBER.fullmatch(text)]
    times = moments(pl.Series(texts)).drop_nulls().to_list()
    made = []
    for column in frame:
        if column.dtype == pl.String and (hit := column.is_in(texts)).any():
            column = column.set(hit, None)
            column = typed(column) if column.name in untyped else column
        if numbers and column.dtype.is_numeric():
            made.append(column.set(column.cast(pl.Float64).is_in(numbers), None))
        elif times and isinstance(column.dtype, pl.Date | pl.Datetime):
            made.append(column.set(column.cast(MOMENT).is_in(times), None))
        else:
            made.append(column)
    return frame.with_columns(made)


def conform(frame: pl.DataFrame, declared: Mapping[str, ColumnType], *, where: str) -> pl.DataFrame:
    """The plain table with every declared column in its declared type; other columns stay.

    Raises:
        DataError: columns are missing, or values do not fit; all of them are named.
    """
    problems = []
    made: list[pl.Series] = []
    for name, wanted in declared.items():
        if name not in frame.columns:
            problems.append(
                Problem(
                    where, f"column {name!r} is missing", "The schema names it", nearest(name, frame.columns)
                )
            )
            continue
        try:
            made.append(convert(frame.get_column(name), wanted, where=where))
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(f"{where}: {len(problems)} columns are not as declared", problems=problems)
    return frame.with_columns(made)


def convert(column: pl.Series, wanted: ColumnType, *, where: str) -> pl.Series:
    """The plain column in the wanted type, every value kept; blank texts become missing unless text is wanted.

    Raises:
        DataError: values would be lost; the message counts them and shows some.
    """
    have = logical(column.dtype)
    if have == wanted:
        return column
    source = _without_blanks(column) if have == "string" else column
    made = _converted(source, have, wanted)
    if made is None:
        raise _refused(column, have, wanted, f"a {have} column is no {wanted}", where)
    lost = source.filter(made.is_null() & source.is_not_null())
    if lost.len():
        examples = ", ".join(
            repr(str(value))[:60] for value in lost.unique(maintain_order=True).head(_EXAMPLES)
        )
        raise _refused(
            column,
            have,
            wanted,
            f"{lost.len():,} of {column.len():,} values are no {wanted}: {examples}",
            where,
        )
    return made


def _refused(column: pl.Series, have: str, wanted: str, what: str, where: str) -> DataError:
    return DataError(
        f"column {column.name!r}: {what}",
        where=where,
        rule=f"It is declared as {wanted}",
        mend=f"Correct the source, or declare it as {have}",
    )


def _without_blanks(text: pl.Series) -> pl.Series:
    stripped = text.str.strip_chars()
    return stripped.set(stripped == "", None)


def _converted(column: pl.Series, have: str, wanted: str) -> pl.Series | None:
    """The column in the wanted type, missing where a value does not fit; None when no value could."""
    match have, wanted:
        case "string", "int":
            return _exact(column, column.cast(pl.Int64, strict=False), r"^[+-]?[0-9]+$")
        case "string", "float":
            return _finite(column.cast(pl.Float64, strict=False))
        case "string", "bool":
            return column.str.to_lowercase().replace_strict(_BOOLS, default=None, return_dtype=pl.Boolean)
        case "string", "datetime":
            return moments(column)
        case "string", "date":
            return _whole_days(moments(column))
        case (("int" | "bool"), ("string" | "float")):
            return column.cast(POLARS[wanted])
        case "bool", "int":
            return column.cast(pl.Int64)
        case "int", "bool":
            return column.replace_strict({0: False, 1: True}, default=None, return_dtype=pl.Boolean)
        case "float", ("int" | "bool" | "string"):
            # 17850.0 is what a whole number becomes beside missing values; 17850.5 is not one.
            whole = column.cast(pl.Int64, strict=False)
            exact = whole.set(whole.cast(pl.Float64) != column, None)
            return exact if wanted == "int" else _converted(exact, "int", wanted)
        case "date", "datetime":
            return column.cast(MOMENT)
        case "datetime", "date":
            return _whole_days(column)
        case (("date" | "datetime"), "string"):
            return column.dt.to_string("iso")
        case _:
            return None


def _finite(numbers: pl.Series) -> pl.Series:
    # A text of 1e400 is a number that no float holds, not infinity.
    return numbers.set(~numbers.is_finite(), None)


def _exact(text: pl.Series, made: pl.Series, form: str) -> pl.Series:
    return made.set(~text.str.contains(form), None)


def _whole_days(times: pl.Series) -> pl.Series:
    days = times.dt.date()
    return days.set(days.cast(MOMENT) != times, None)


def values_of(frame: pl.DataFrame, name: str, count: int = _EXAMPLES) -> tuple[str, ...]:
    """Some different values of a column as text, for messages."""
    found: list[Any] = frame.get_column(name).drop_nulls().unique(maintain_order=True).head(count).to_list()
    return tuple(str(value)[:60] for value in found)
