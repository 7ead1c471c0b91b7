"""How each feature and the prediction itself moved in a window; one bad column never sinks the others. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.bundle.reference import CategoricalReference, NumericalReference
from rondo.stages.monitoring.comparing import Compared, Features, scores_of, unknown
from rondo.stages.monitoring.drift import (
    Moved,
    ks_of_numbers,
    psi_of_categories,
    psi_of_numbers,
    rate_against,
)

PREDICTION = "prediction"
"""The name of what the model says, beside the names of the features."""
DRIFT_METRICS = ("psi", "ks_statistic", "missing_rate", "unseen_rate")


@dataclass(frozen=True, slots=True)
class Drift:
    """A drift figure of a feature; `moved` is None where it has none, and the note says why."""

    metric: str
    feature: str
    moved: Moved | None
    note: str = ""


def drift_of(
    rows: pl.DataFrame,
    features: Features,
    compared: Compared,
    categories: Mapping[str, frozenset[str]],
    *,
    skip: frozenset[str] = frozenset(),
) -> Iterator[Drift]:
    """Every drift figure of the rows, feature by feature, the prediction first.

    Args:
        rows: of one window and one version.
        categories: those that training knew, per categorical feature.
        skip: features that are not compared.
    """
    together = max(1, len(features.numerical) + len(features.categorical) + 1 - len(skip))
    judged = compared.reference
    yield from _of_numbers(PREDICTION, scores_of(rows), compared.scores, together)
    for column, name in enumerate(features.numerical):
        if name not in skip:
            known = judged.numerical.get(name) if judged else None
            yield from _of_numbers(name, features.numbers(rows, column), known, together)
    for column, name in enumerate(features.categorical):
        if name not in skip:
            before = judged.categorical.get(name) if judged else None
            words = features.words(rows, column)
            yield from _of_words(name, words, before, categories.get(name, frozenset()), together)


def _of_numbers(
    name: str, values: NDArray[np.float64], before: NumericalReference | None, together: int
) -> Iterator[Drift]:
    missing = int((~np.isfinite(values)).sum())
    if before is None:
        yield from _without(name, ("psi", "ks_statistic", "missing_rate"))
        return
    yield Drift("psi", name, psi_of_numbers(values, before, compared=together))
    why = "every value is missing" if missing == values.size else "the reference has no values"
    yield Drift("ks_statistic", name, ks_of_numbers(values, before, compared=together), why)
    usual = partial(rate_against, before=before.missing, rows_before=before.n + before.missing)
    yield Drift("missing_rate", name, usual(missing, values.size, compared=together))


def _of_words(
    name: str,
    words: list[str | None],
    before: CategoricalReference | None,
    known: frozenset[str],
    together: int,
) -> Iterator[Drift]:
    if before is None:
        yield from _without(name, ("psi", "missing_rate", "unseen_rate"))
        return
    yield Drift("psi", name, psi_of_categories(words, before, compared=together))
    missing = sum(not word for word in words)
    usual = partial(rate_against, before=before.missing, rows_before=before.n + before.missing)
    yield Drift("missing_rate", name, usual(missing, len(words), compared=together))
    strange, there = unknown(words, known)
    strange_before = sum(count for word, count in before.counts.items() if word not in known)
    moved = rate_against(strange, there, strange_before, before.n, compared=together)
    yield Drift("unseen_rate", name, moved, "every value is missing" if not there else "")


def _without(name: str, metrics: tuple[str, ...]) -> Iterator[Drift]:
    for metric in metrics:
        yield Drift(metric, name, None, "there is nothing to compare it with")
