"""Which row of a view holds at a moment: the point-in-time join, on Polars; no Feast. Pure.

A row is known from the later of its event time and the moment at which it was written down. At a moment, the row that
holds is the one with the newest event time among those known by then; of equal ones the one that was written last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

MOMENT = pl.Datetime("us", "UTC")
# No column of a user can have these names.
_PLACE, _AT, _FROM, _RANK, _EVENT, _CREATED = (
    f"\0{name}" for name in ("place", "at", "from", "rank", "event", "created")
)


def joined(
    asked: pl.DataFrame,
    view: pl.DataFrame,
    *,
    keys: Mapping[str, str],
    at: str,
    event_time: str,
    created: str | None,
    fields: Mapping[str, str],
    ttl: timedelta | None = None,
    known_only: bool = True,
) -> pl.DataFrame:
    """The asked rows, every one and in their order, with what the view says of each at its moment.

    Args:
        asked: keys and moments; a moment without a zone is UTC.
        view: the rows of the view.
        keys: column of `asked` -> column of `view`; none for a view that holds for all.
        at: the moment, a column of `asked`.
        event_time: when a row of the view became true.
        created: when it was written down; of two with the same event time the later one holds.
        fields: column of `view` -> its name in the result.
        ttl: a row holds for this long after its event time, its last moment included; None for ever.
        known_only: whether a row counts only from the moment at which it was written down.
    """
    if asked.height == 0 or view.height == 0:
        return asked.with_columns(
            pl.lit(None, view.schema[source]).alias(name) for source, name in fields.items()
        )
    by = [f"\0key{place}" for place in range(len(keys))] or ["\0all"]
    left = asked.select(
        moments(pl.col(at), asked.schema[at]).alias(_AT),
        *_keys(asked, {one: view.schema[other] for one, other in keys.items()}, by),
    ).with_row_index(_PLACE)
    times = {_EVENT: event_time} | ({_CREATED: created} if created else {})
    right = (
        view.select(
            *(moments(pl.col(name), view.schema[name]).alias(own) for own, name in times.items()),
            *_keys(view, {other: view.schema[other] for other in keys.values()}, by),
            *(pl.col(source).alias(f"\0field{place}") for place, source in enumerate(fields)),
        )
        .drop_nulls([_EVENT, *by])
        .sort(list(times), maintain_order=True, nulls_last=False)
        .with_row_index(_RANK)
    )
    known = pl.max_horizontal(_EVENT, _CREATED) if created and known_only else pl.col(_EVENT)
    holding = (
        right.with_columns(known.alias(_FROM))
        .sort(_FROM, _RANK)
        .select(*by, _FROM, pl.col(_RANK).cum_max().over(by))
        .unique([*by, _FROM], keep="last", maintain_order=True)
    )
    found = (
        left.drop_nulls(_AT)
        .sort(_AT)
        .join_asof(holding, left_on=_AT, right_on=_FROM, by=by, check_sortedness=False)
        .join(right.drop(by), on=_RANK, how="left")
    )
    if ttl is not None:
        found = found.filter(pl.col(_EVENT) >= pl.col(_AT) - ttl)
    told = left.select(_PLACE).join(found, on=_PLACE, how="left", maintain_order="left")
    return asked.with_columns(
        told[f"\0field{place}"].alias(name) for place, name in enumerate(fields.values())
    )


def latest(view: pl.DataFrame, keys: Sequence[str], *, event_time: str, created: str | None) -> pl.DataFrame:
    """The row of each key that holds last."""
    order = [event_time, *([created] if created else [])]
    rows = view.sort(order, maintain_order=True)
    return rows.unique(list(keys), keep="last", maintain_order=True) if keys else rows.tail(1)


def moments(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The column as moments in UTC; without a zone they are UTC, texts are ISO 8601."""
    if isinstance(dtype, pl.Datetime):
        zoned = column.dt.convert_time_zone("UTC") if dtype.time_zone else column.dt.replace_time_zone("UTC")
        return zoned.cast(MOMENT)
    if dtype == pl.String:
        return column.str.to_datetime(time_unit="us", time_zone="UTC", strict=True)
    return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _keys(table: pl.DataFrame, types: Mapping[str, pl.DataType], names: Sequence[str]) -> list[pl.Expr]:
    if not types:
        return [pl.lit(0).alias(names[0])]
    return [
        pl.col(key).cast(dtype, strict=False).alias(name)
        for (key, dtype), name in zip(types.items(), names, strict=True)
    ]
