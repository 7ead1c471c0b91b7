"""Features that give the target away. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

import polars as pl

from rondo.bundle.plan import FeaturePlan
from rondo.errors import Problem

FEWEST_ROWS = 30
ALMOST_ONE = 0.999
MOST_CATEGORIES = 1000


def leaks(
    plan: FeaturePlan, matrix: pl.DataFrame, target: str, *, skip: frozenset[str] = frozenset()
) -> list[Problem]:
    """A problem per feature that is the target under another name; nothing is told from fewer than 30 rows.

    Args:
        plan: the features.
        matrix: their values.
        target: beside them.
        skip: features that cannot know it, however well they foretell it.
    """
    found = []
    for name in plan.features:
        if name in skip:
            continue
        told = matrix.select(pl.col(name).alias("x"), pl.col(target).alias("y"))
        if name in plan.numerical:
            told = told.with_columns(pl.col("x").cast(pl.Float64).fill_nan(None))
        told = told.drop_nulls()
        if told.height < FEWEST_ROWS or told["y"].n_unique() < 2:
            continue
        how = _same_categories(told) or (_straight_line(told) if name in plan.numerical else "")
        if how:
            mend = "Leave it out, or make it from what is known before the target"
            rule = "A feature that equals the target is not known when it is needed"
            found.append(Problem(f"features.definitions.{name}", how.format(target), rule, mend))
    return found


def _same_categories(told: pl.DataFrame) -> str:
    values, targets = told["x"].n_unique(), told["y"].n_unique()
    # Where hardly a value repeats, any two columns name each other: rows, not categories.
    if values == targets == told.unique().height and targets <= MOST_CATEGORIES and 2 * values <= told.height:
        return f"its {values} values are those of the target {{}} under other names"
    return ""


def _straight_line(told: pl.DataFrame) -> str:
    if told["y"].dtype == pl.String or told["x"].std() in (None, 0.0):
        return ""
    correlation = told.select(pl.corr("x", "y")).item()
    if correlation is None or math.isnan(correlation) or abs(correlation) < ALMOST_ONE:
        return ""
    return f"its correlation with the target {{}} is {correlation:.4f}"


def identifiers(plan: FeaturePlan, matrix: pl.DataFrame) -> Iterator[Problem]:
    """A problem per categorical feature that has nearly as many values as there are rows."""
    for name in plan.categorical:
        values = matrix[name].n_unique()
        if values > MOST_CATEGORIES and values > matrix.height / 2:
            yield Problem(
                f"features.categorical.{name}",
                f"{values} values in {matrix.height} rows name rows, not categories",
                mend="Make it ml_problem.entity, or list the features under features.definitions without it",
            )
