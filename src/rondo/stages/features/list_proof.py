"""The same proof for a ranking: lists are asked for online, and every candidate and value has to be that of the matrix.

Everything is made anew from nothing but the events before the moment, written to an online store and read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rondo.bundle.candidates import CandidateReader
from rondo.bundle.online import OnlineFeatures, as_arrays
from rondo.bundle.plan import FeaturePlan, entity_text
from rondo.errors import DataError, Problem
from rondo.ports.feature_store import FeatureStore
from rondo.records.features import PROPOSED, Parity
from rondo.stages.features.proof import Built, values_apart
from rondo.stages.features.ranking import level_rows

MOMENTS, LISTS = 2, 20


def prove_lists(built: Built, python: Path, store: FeatureStore, *, seed: int) -> Parity:
    """How many values of sampled lists agree: all of them.

    Raises:
        DataError: a list has other candidates online, or a feature another value; a problem per cause.
    """
    plan = built.plan
    entity, event_time = str(plan.entity), str(plan.event_time)
    online, reader = OnlineFeatures(plan, python), CandidateReader(plan)
    moments = built.rows[event_time].unique().sort()[-MOMENTS:]
    lists, values, largest = 0, 0, 0.0
    for moment in moments:
        here = built.rows.with_row_index("_row").filter((pl.col(event_time) == moment) & pl.col(PROPOSED))
        everyone = here[entity].unique().sort()
        count = min(LISTS, len(everyone))
        chosen = everyone.gather(np.sort(np.random.default_rng(seed).permutation(len(everyone))[:count]))
        before = built.events.filter(pl.col(event_time) < moment)
        asked = here.filter(pl.col(entity).is_in(chosen.implode()))
        kept = _Rehearsed(plan, store, level_rows(plan, before, asked, moment))
        for key in chosen:
            part = asked.filter(pl.col(entity) == key)
            found = reader.candidates(key, kept.read)
            if [each.item for each in found.candidates] != part[str(plan.item)].to_list():
                raise _other_candidates(key, moment)
            requests = [{entity: key, event_time: moment}] * len(found.candidates)
            made = online.rows(requests, found.stored, moment)
            numbers, texts = as_arrays(plan, built.matrix[part["_row"]])
            _compare(plan, made.numerical, numbers, made.categorical, texts)
            with np.errstate(invalid="ignore"):
                gaps = np.abs(made.numerical.astype(np.float64) - numbers.astype(np.float64))
            largest = max(largest, float(np.nanmax(gaps)) if np.isfinite(gaps).any() else 0.0)
            lists, values = lists + len(part), values + len(part) * len(plan.features)
    return Parity(lists, values, 0, largest)


class _Rehearsed:
    """Reads what a store of its own gave back of rows that were written to it."""

    def __init__(self, plan: FeaturePlan, store: FeatureStore, levels: dict[str, pl.DataFrame]) -> None:
        self._kept: dict[str, dict[str | None, dict[str, Any] | None]] = {}
        for key, rows in levels.items():
            of_key = plan.of_key(key)
            told = dict(zip(map(entity_text, rows[key].to_list()), store.rehearse(of_key, rows), strict=True))
            self._kept |= dict.fromkeys(of_key.kept_views, told)

    def read(self, views: Sequence[str], keys: Sequence[Any]) -> list[dict[str, Any] | None]:
        """As `OnlineValues.read`, for views of one key."""
        kept = self._kept[views[0]]
        return [kept.get(entity_text(key)) for key in keys]


def _other_candidates(key: object, moment: object) -> DataError:
    return DataError(
        f"online the candidates of {key!r} at {moment} are others than in batch",
        where="ml_problem.candidates",
        rule="A list depends on the rows before its moment alone",
    )


def _compare(
    plan: FeaturePlan,
    numbers: np.ndarray[Any, Any],
    wanted_numbers: np.ndarray[Any, Any],
    texts: np.ndarray[Any, Any],
    wanted_texts: np.ndarray[Any, Any],
) -> None:
    apart = values_apart(numbers, wanted_numbers)
    differ = [name for place, name in enumerate(plan.numerical) if apart[:, place].any()]
    differ += [
        name
        for place, name in enumerate(plan.categorical)
        if (texts[:, place] != wanted_texts[:, place]).any()
    ]
    if differ:
        raise DataError(
            "batch and online values differ",
            problems=[
                Problem(
                    f"features.definitions.{name}", f"feature {name!r} has another value online than in batch"
                )
                for name in differ
            ],
        )
