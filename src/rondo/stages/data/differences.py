"""What differs between two versions of a table: rows that came, went and changed, and in which columns. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from rondo.stages.data.types import logical

STAMPS = ("_data_version", "_processed_at")
"""They differ by their nature."""


@dataclass(frozen=True, slots=True)
class TableDifference:
    """From one version to the next. `keys` name a row; without keys a changed row is one gone and one come."""

    rows_before: int
    rows_after: int
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_retyped: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    changed_by_column: Mapping[str, int] = field(default_factory=dict)


def differences(before: pl.DataFrame, after: pl.DataFrame, keys: Sequence[str] = ()) -> TableDifference:
    """What became of the rows and columns.

    Args:
        before: the older table.
        after: the newer one.
        keys: columns that name a row; used where they do so in both tables, else whole rows are compared.
    """
    before, after = (table.drop(STAMPS, strict=False) for table in (before, after))
    shared = [name for name in before.columns if name in after.columns]
    retyped = {
        name: (logical(before.schema[name]), logical(after.schema[name]))
        for name in shared
        if logical(before.schema[name]) != logical(after.schema[name])
    }
    comparable = [name for name in shared if name not in retyped]
    found = TableDifference(
        before.height,
        after.height,
        tuple(name for name in after.columns if name not in before.columns),
        tuple(name for name in before.columns if name not in after.columns),
        retyped,
    )
    usable = tuple(keys) if keys and _name_rows(before, after, keys, comparable) else ()
    return (
        _by_key(found, before, after, usable, comparable)
        if usable
        else _by_row(found, before, after, comparable)
    )


def _name_rows(
    before: pl.DataFrame, after: pl.DataFrame, keys: Sequence[str], comparable: Sequence[str]
) -> bool:
    return all(key in comparable for key in keys) and not any(
        table.select(keys).is_duplicated().any() for table in (before, after)
    )


def _by_key(
    found: TableDifference,
    before: pl.DataFrame,
    after: pl.DataFrame,
    keys: tuple[str, ...],
    comparable: Sequence[str],
) -> TableDifference:
    names = list(keys)
    both = before.select(comparable).join(
        after.select(comparable), on=names, how="inner", suffix="/after", nulls_equal=True
    )
    values = [name for name in comparable if name not in keys]
    changed = both.select([pl.col(name).ne_missing(pl.col(f"{name}/after")).alias(name) for name in values])
    counts = {name: int(changed[name].sum()) for name in values}
    return TableDifference(
        found.rows_before,
        found.rows_after,
        found.columns_added,
        found.columns_removed,
        found.columns_retyped,
        keys,
        rows_added=after.height - both.height,
        rows_removed=before.height - both.height,
        rows_changed=int(changed.select(pl.any_horizontal(pl.all()).sum()).item()) if values else 0,
        changed_by_column={name: count for name, count in counts.items() if count},
    )


def _by_row(
    found: TableDifference, before: pl.DataFrame, after: pl.DataFrame, comparable: Sequence[str]
) -> TableDifference:
    """Whole rows, counted: the same row twice is two rows."""
    sides = [
        table.select(comparable).group_by(comparable).len(name)
        for table, name in ((before, "__before"), (after, "__after"))
    ]
    counted = sides[0].join(sides[1], on=list(comparable), how="full", coalesce=True, nulls_equal=True)
    gain = counted.select(
        (
            pl.col("__after").fill_null(0).cast(pl.Int64) - pl.col("__before").fill_null(0).cast(pl.Int64)
        ).alias("gain")
    )["gain"]
    return TableDifference(
        found.rows_before,
        found.rows_after,
        found.columns_added,
        found.columns_removed,
        found.columns_retyped,
        rows_added=int(gain.clip(lower_bound=0).sum()),
        rows_removed=int(-gain.clip(upper_bound=0).sum()),
    )
