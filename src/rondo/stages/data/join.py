"""Sources beside each other. Pure.

A left join keeps every row of the base in its order. A key that occurs several times in the other source
multiplies rows, as in SQL; the step says so. Columns that both sides have get the other source's name behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from rondo.contract.data import Base, JoinStep
from rondo.errors import ContractError, DataError, Problem, nearest
from rondo.stages.data.types import logical

WHERE = "data.join"


@dataclass(frozen=True, slots=True)
class Joined:
    """One step of a join and what came of it."""

    source: str
    on: tuple[str, ...]
    how: str
    rows_before: int
    rows_after: int
    matched: int  # rows of before that found a partner
    multiplied: bool  # a key occurs several times on the other side


def join(
    tables: Mapping[str, pl.DataFrame], steps: Sequence[Base | JoinStep]
) -> tuple[pl.DataFrame, tuple[Joined, ...]]:
    """The joined table, and what each step did.

    Raises:
        ContractError: a step names an unknown source, or several sources have no join.
        DataError: a key column is missing, or has different types on the two sides.
    """
    base, others = _plan(tables, steps)
    table = tables[base]
    told = []
    for step in others:
        before = table
        other = tables[step.with_]
        on = (step.on,) if isinstance(step.on, str) else step.on
        _check_keys(before, other, on, step.with_)
        table = _joined(before, other, on, step)
        matched = before.select(on).join(other.select(on).unique(), on=on, how="semi").height
        multiplied = other.select(on).drop_nulls().is_duplicated().any()
        told.append(Joined(step.with_, on, step.how, before.height, table.height, matched, bool(multiplied)))
    return table, tuple(told)


def _plan(tables: Mapping[str, pl.DataFrame], steps: Sequence[Base | JoinStep]) -> tuple[str, list[JoinStep]]:
    bases = [step.base for step in steps if isinstance(step, Base)]
    others = [step for step in steps if isinstance(step, JoinStep)]
    if len(bases) > 1 or (others and not bases):
        raise ContractError(
            f"{len(bases)} sources are the base",
            where=WHERE,
            rule="One source is the base, whose rows are kept",
            mend="Begin with {base: name}",
        )
    named = [*bases, *(step.with_ for step in others)]
    for name in named:
        if name not in tables:
            raise ContractError(f"no source is named {name!r}", where=WHERE, mend=nearest(name, tables))
    if not named and len(tables) == 1:
        return next(iter(tables)), []
    if left_out := [name for name in tables if name not in named]:
        raise ContractError(
            f"nothing joins the source {left_out[0]!r}",
            where=WHERE,
            mend=f"Add {{with: {left_out[0]}, on: …}}, or remove it",
        )
    return bases[0], others


def _check_keys(table: pl.DataFrame, other: pl.DataFrame, on: tuple[str, ...], source: str) -> None:
    problems = []
    for key in on:
        sides = {"the rows so far": table, f"source {source}": other}
        missing = [(side, frame) for side, frame in sides.items() if key not in frame.columns]
        problems += [
            Problem(WHERE, f"{side} has no column {key!r}", mend=nearest(key, frame.columns))
            for side, frame in missing
        ]
        if not missing and (left := logical(table.schema[key])) != (right := logical(other.schema[key])):
            problems.append(
                Problem(
                    WHERE,
                    f"{key!r} is {left} in the rows so far and {right} in source {source}",
                    "Keys have one type",
                    "Declare it in the `schema` of both sources",
                )
            )
    if problems:
        raise DataError(f"source {source} cannot be joined", problems=problems)


def _joined(table: pl.DataFrame, other: pl.DataFrame, on: tuple[str, ...], step: JoinStep) -> pl.DataFrame:
    suffix = f"_{step.with_}"
    both = set(table.columns) & set(other.columns) - set(on)
    if clash := sorted(
        f"{name}{suffix}" for name in both if f"{name}{suffix}" in {*table.columns, *other.columns}
    ):
        raise DataError(
            f"two columns would be named {clash[0]!r}", where=WHERE, mend="Rename one in its source"
        )
    if step.how == "full":
        return table.join(
            other, on=list(on), how="full", suffix=suffix, coalesce=True, maintain_order="left_right"
        )
    return table.join(other, on=list(on), how=step.how, suffix=suffix, maintain_order="left")
