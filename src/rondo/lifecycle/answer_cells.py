"""The answers of a version as cells of a table: which columns are added to a file, and what stands in them. Pure.

A row that is scored stays one row. A row that asks for a list becomes a row for each of its items, best first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from rondo.stages.serving.versions import ServedVersion

Row = dict[str, Any]
ERROR = "error"


def added_columns(version: ServedVersion, *, explain: bool, errors: bool) -> dict[str, pl.DataType]:
    """The columns that are added to a table, with their types.

    Args:
        version: whose answers they are.
        explain: with base and contributions.
        errors: with what is wrong with a row, instead of its answer.
    """
    plan = version.bundle.plan
    columns: dict[str, pl.DataType] = {}
    if plan.lists is not None:
        item = pl.Int64() if plan.item_type == "int" else pl.String()
        columns |= {"rank": pl.Int64(), "item": item}
    columns |= {"score": pl.Float64()} | _of_classes(version)
    columns |= {"version": pl.String()}
    if plan.lists is None:
        columns |= {"unseen": pl.Int64()}
    if version.views:
        columns |= {"entity_known": pl.Boolean()}
    if explain:
        columns |= _of_contributions(version)
    return columns | ({ERROR: pl.String()} if errors else {})


def _of_classes(version: ServedVersion) -> dict[str, pl.DataType]:
    classes = version.bundle.manifest.classes
    if not classes or version.bundle.plan.lists is not None:
        return {}
    several = classes if version.bundle.several_classes else ()
    return {"label": pl.String()} | {f"probability.{name}": pl.Float64() for name in several}


def _of_contributions(version: ServedVersion) -> dict[str, pl.DataType]:
    columns: dict[str, pl.DataType] = {}
    for output in version.bundle.manifest.classes if version.bundle.several_classes else ("",):
        end = f".{output}" if output else ""
        columns |= {f"base{end}": pl.Float64()}
        columns |= {f"contribution{end}.{name}": pl.Float64() for name in version.bundle.plan.features}
    return columns


def own_names(version: ServedVersion, *, explain: bool) -> frozenset[str]:
    """The names that an answer has in a JSON line: a line that is answered may have none of them."""
    if version.bundle.plan.lists is not None:
        return frozenset({"items", "version", "entity_known", "fallback", ERROR})
    taken = {"score", "label", "probabilities", "version", "unseen", "entity_known", ERROR}
    return frozenset(taken | ({"scale", "base", "contributions"} if explain else set()))


def cells(answer: Row) -> list[Row]:
    """The rows that an answer becomes: one, or one per item of its list; a list without an item is one, too."""
    if "items" not in answer:
        return [_flat(answer)]
    shared = {name: value for name, value in answer.items() if name != "items"}
    shared.setdefault("entity_known", True)
    items: list[Row] = answer["items"]
    return [shared | {"rank": rank} | _flat(item) for rank, item in enumerate(items, 1)] or [shared]


def _flat(answer: Row) -> Row:
    flat: Row = {}
    for name, value in answer.items():
        match name:
            case "probabilities":
                flat |= {f"probability.{key}": one for key, one in value.items()}
            case "base" if isinstance(value, dict):
                flat |= {f"base.{key}": one for key, one in value.items()}
            case "contributions":
                flat |= dict(_contributions(value))
            case _:
                flat[name] = value
    if "score" in flat:
        flat.setdefault("unseen", 0)
    return flat


def _contributions(told: Row) -> Iterator[tuple[str, Any]]:
    for key, one in told.items():
        if isinstance(one, dict):
            yield from ((f"contribution.{key}.{feature}", part) for feature, part in one.items())
        else:
            yield f"contribution.{key}", one
