"""How old the newest row of each source is, where the project limits it. Pure.

The joined table cannot tell: rows of a source that stopped weeks ago stand beside new ones of the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from rondo.contract.data import Source
from rondo.errors import nearest
from rondo.pages import duration
from rondo.records.dataset import Check
from rondo.stages.data.types import logical, values_of

FUTURE = timedelta(days=1)
"""How far ahead of the clock a time may be (zones, clocks of other machines)."""
_READ_AGAIN = "Bring the source up to date and read it again (rondo run --refresh)"


def freshness(
    tables: Mapping[str, pl.DataFrame], sources: Mapping[str, Source], event_time: str | None, now: datetime
) -> tuple[Check, ...]:
    """A check for each source whose age is limited.

    A day counts from its beginning. A time of the future would make a source look new for ever, so it fails.

    Args:
        tables: what each source gave, plain (see `types.py`).
        event_time: the column that tells the age where the source names none.
    """
    return tuple(_checks(tables, sources, event_time, now))


def _checks(
    tables: Mapping[str, pl.DataFrame], sources: Mapping[str, Source], event_time: str | None, now: datetime
) -> Iterator[Check]:
    for name, source in sources.items():
        if source.freshness is None or name not in tables:
            continue
        rule = f"the newest row of source {name} is at most {duration(source.freshness.total_seconds())} old"
        column = source.loaded_at or event_time
        if column is None:
            mend = f"Add loaded_at to data.sources.{name}"
            yield Check(
                "freshness", "not_computable", "no column tells when a row came", rule, name, mend=mend
            )
        elif column not in tables[name].columns:
            told = f"source {name} has no such column. {nearest(column, tables[name].columns)}"
            yield Check("freshness", "not_computable", told, rule, column)
        else:
            yield _age(tables[name], name, column, source.freshness, rule, now)


def _age(table: pl.DataFrame, source: str, column: str, limit: timedelta, rule: str, now: datetime) -> Check:
    kind = logical(table.schema[column])
    if kind not in {"date", "datetime"}:
        mend = f"Declare it as a datetime: data.sources.{source}.schema.{column}"
        found, examples = f"a {kind} column of source {source}", values_of(table, column)
        return Check("freshness", "not_computable", found, rule, column, examples, mend)
    times = table.get_column(column).drop_nulls().cast(pl.Datetime("us", "UTC"))
    late = times.filter(times > now + FUTURE)
    first: Any = late.min()
    newest = times.filter(times <= now + FUTURE).max()
    told = []
    if late.len():
        told.append(
            f"{late.len():,} of {table.height:,} times lie in the future, the first at {first:%Y-%m-%d}"
        )
    if isinstance(newest, datetime):
        told.append(
            f"the newest is of {newest:%Y-%m-%d %H:%M} UTC, {duration(max((now - newest).total_seconds(), 0.0))} old"
        )
    if not told:
        return Check("freshness", "not_computable", f"source {source} has no time in it", rule, column)
    fresh = not late.len() and isinstance(newest, datetime) and now - newest <= limit
    return Check(
        "freshness", "passed" if fresh else "failed", "; ".join(told), rule, column, mend=_READ_AGAIN
    )
