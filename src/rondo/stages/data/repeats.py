"""Rows that stand twice for one thing: copies are dropped, contradictions are settled or stop the run. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from rondo.contract.data import Duplicates
from rondo.errors import ContractError, DataError, Problem, nearest

WHERE = "data.clean.duplicates"
_SHOWN = 3


def without_repeats(table: pl.DataFrame, rule: Duplicates) -> tuple[pl.DataFrame, int, int]:
    """The table in its order; how many rows repeated an earlier one, and how many a later one replaced.

    A row whose key has a missing value contradicts nobody: nothing says whose it is.

    Raises:
        ContractError: the rule names a column that is not there.
        DataError: rows agree in the key, differ elsewhere, and nothing says which one holds.
    """
    _check_columns(table, rule)
    if not table.width:
        return table, 0, 0
    once = table.unique(keep="first", maintain_order=True)
    copies = table.height - once.height
    if not rule.key:
        return once, copies, 0
    kept = once if rule.latest is None else _latest(once, rule.key, rule.latest)
    if (left := _contradicting(kept, rule.key)).height:
        raise _refused(left, rule)
    return kept, copies, once.height - kept.height


def _check_columns(table: pl.DataFrame, rule: Duplicates) -> None:
    named = {f"key[{at}]": name for at, name in enumerate(rule.key)} | (
        {"latest": rule.latest} if rule.latest else {}
    )
    problems = [
        Problem(f"{WHERE}.{key}", f"there is no column {name!r}", mend=nearest(name, table.columns))
        for key, name in named.items()
        if name not in table.columns
    ]
    if problems:
        raise ContractError(f"{len(problems)} columns of {WHERE} are not there", problems=problems)


def _contradicting(table: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The rows whose whole key another row has too."""
    whole = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    return table.filter(whole & pl.struct(key).is_duplicated())


def _latest(table: pl.DataFrame, key: Sequence[str], latest: str) -> pl.DataFrame:
    """Of the rows of one key those with the greatest value; a missing one is older than any."""
    whole = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    newest = pl.col(latest).max().over(key)
    holds = (pl.col(latest) == newest) | newest.is_null()
    return table.filter(holds.fill_null(value=False) | ~whole)


def _refused(rows: pl.DataFrame, rule: Duplicates) -> DataError:
    keys = rows.select(rule.key).unique(maintain_order=True)
    named = ", ".join(rule.key)
    shown = "; ".join(
        ", ".join(f"{name}={str(value)[:40]}" for name, value in zip(rule.key, values, strict=True))
        for values in keys.head(_SHOWN).iter_rows()
    )
    also = f" and {rule.latest}" if rule.latest else ""
    mend = (
        "Correct the source" if rule.latest else "Correct the source, or say which row holds: latest: COLUMN"
    )
    return DataError(
        f"{rows.height:,} rows of {keys.height:,} keys agree in {named}{also} and differ elsewhere ({shown})",
        where=WHERE,
        rule="No two rows have one key",
        mend=mend,
    )
