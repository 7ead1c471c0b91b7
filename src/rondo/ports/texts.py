"""Types of columns that arrive as text: int, float, bool, date, datetime, or text that stays text.

All values decide, not the first hundred, so that the answer does not change with the order of the rows.
What would lose something stays text: `00123`, `1,234`, `0x10`, numbers beyond 64 bits.
An empty cell is a missing value; so is a blank one in a column that is not text.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

MOMENT = pl.Datetime("us", "UTC")
_INT = r"^-?(0|[1-9][0-9]{0,18})$"
_FLOAT = r"^-?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?$"
_DIGIT = r"[0-9]"
_TOO_LONG = r"^-?[0-9]{16,}$"
_BOOL = r"^(?i:true|false)$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MOMENT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$"
)
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"


def typed(text: pl.Series) -> pl.Series:
    """The column in the narrowest type that holds every value of it."""
    if text.dtype != pl.String:
        return text
    stripped = text.str.strip_chars()
    values = stripped.set(stripped == "", None)
    known = values.drop_nulls()
    if known.is_empty():
        return text.set(stripped == "", None)
    for fits, convert in _RULES:
        # One value refutes most rules at once; only what the first value allows is asked of all.
        if fits(known.head(1)) and fits(known):
            column = convert(values)
            if column.null_count() == values.null_count():
                return column
    return text


def _matches(pattern: str) -> Callable[[pl.Series], bool]:
    return lambda values: bool(values.str.contains(pattern).all())


def _broken_numbers(values: pl.Series) -> bool:
    # Whole numbers that a float cannot hold exactly are names in disguise: better text than rounded.
    return bool(
        (values.str.contains(_FLOAT) & values.str.contains(_DIGIT) & ~values.str.contains(_TOO_LONG)).all()
    )


def moments(text: pl.Series) -> pl.Series:
    """ISO 8601 times in UTC; a time without a zone is taken as UTC, what is no time becomes missing."""
    even = text.str.replace("T", " ", literal=True).str.replace(_ZONE, "")
    zone = text.str.extract(_ZONE).str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True)
    local = even.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d"):
        if local.null_count() > text.null_count():
            local = local.fill_null(even.str.to_datetime(form, time_unit="us", strict=False))
    sign = zone.str.starts_with("-").replace_strict({True: -1, False: 1}, default=0)
    minutes = zone.str.slice(1, 2).cast(pl.Int64) * 60 + zone.str.slice(3, 2).cast(pl.Int64)
    offset = (sign * minutes).fill_null(0) * 60_000_000
    return (local.cast(pl.Int64) - offset).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _bools(values: pl.Series) -> pl.Series:
    return values.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None)


_RULES: tuple[tuple[Callable[[pl.Series], bool], Callable[[pl.Series], pl.Series]], ...] = (
    (_matches(_INT), lambda values: values.cast(pl.Int64, strict=False)),
    (_broken_numbers, lambda values: values.cast(pl.Float64, strict=False)),
    (_matches(_BOOL), _bools),
    (_matches(_DATE), lambda values: values.str.to_date("%Y-%m-%d", strict=False)),
    (_matches(_MOMENT), moments),
)
