"""Values that look as if they stood for a missing one, and that nobody declared. Pure.

Nothing is taken for missing because of its looks: what is found is told, and a person says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any

import polars as pl

from rondo.pages import share
from rondo.records.dataset import Check
from rondo.stages.data.types import logical

TEXTS = ("nan", "-nan", "nat", "null", "(null)", "none", "nil", "na", "n.a.", "n/a", "#n/a", "<na>", r"\n", "-", "--",
         "?", "missing", "undefined", "")  # fmt: skip
"""Compared without the blanks around, and without regard to capitals."""
_TEXT = rf"^(?i)\s*(?:{'|'.join(map(re.escape, TEXTS))})\s*$"
NUMBERS = frozenset(sign * int("9" * digits) for sign in (-1, 1) for digits in range(2, 11))
DATES = (date(1, 1, 1), date(1800, 1, 1), date(1900, 1, 1), date(1970, 1, 1), date(9999, 12, 31))


def sentinels(table: pl.DataFrame, declared: Collection[str]) -> Iterator[Check]:
    """A warning for each column that holds such values.

    A number or a date is suspected only where it lies farther from all others than these from each other:
    the 9999th customer is a customer.

    Args:
        table: plain (see `types.py`).
        declared: columns whose values the project has spoken about.
    """
    for name in table.columns:
        known = table.get_column(name).drop_nulls()
        if name in declared or known.is_empty() or known.dtype == pl.Boolean:
            continue
        kind = logical(known.dtype)
        if found := _texts(known) if kind == "string" else _ends(known):
            told = ", ".join(f"{count:,} times {value!r}" for value, count in found.items())
            part = share(sum(found.values()) / table.height)
            yield Check(
                "undeclared_nulls",
                "warned",
                f"{told} ({part} of the rows)",
                "only what is declared is a missing value",
                name,
                mend=f"If it is one, add it to nulls of its source; if not, to data.validate.value_ranges.{name}",
            )


def _texts(known: pl.Series) -> dict[str, int]:
    found = known.filter(known.str.contains(_TEXT))
    return dict(found.value_counts(sort=True, name="n").iter_rows())


def _ends(known: pl.Series) -> dict[str, int]:
    """The least or the greatest value, where it is a suspect that stands apart from all others."""
    found: dict[str, int] = {}
    ends: set[Any] = {known.min(), known.max()}
    for end in sorted(ends):
        if not _suspect(end):
            continue
        others = known.filter(known != end)
        if others.is_empty():
            continue
        low, high = _number(others.min()), _number(others.max())
        gap = min(abs(_number(end) - low), abs(_number(end) - high))
        if gap > high - low:
            found[f"{end:g}" if isinstance(end, float) else str(end)] = known.len() - others.len()
    return found


def _suspect(value: Any) -> bool:
    if isinstance(value, datetime):
        return value.date() in DATES
    if isinstance(value, date):
        return value in DATES
    return value in NUMBERS


def _number(value: Any) -> float:
    if isinstance(value, datetime):
        return float(value.toordinal())
    return float(value.toordinal() if isinstance(value, date) else value)
