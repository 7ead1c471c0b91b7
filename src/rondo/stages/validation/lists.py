"""A ranking beside the simple orders that need no model, on the same lists. Pure.

popular items     by how many had them lately, the same for everybody
own items first   what the entity had most often, then popular items
every wanted item first: no order of these candidates can be better; what is lacking to 1, no list proposed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from rondo.records.candidate import Measured
from rondo.records.features import OWN, POPULAR, PROPOSED, FeatureTable
from rondo.records.metrics import difference, measure_all
from rondo.records.ranking import Groups, groups_of
from rondo.stages.validation.answers import Answers, Floats, Resampling

POPULAR_ORDER, OWN_ORDER, BEST_ORDER = "popular items", "own items first", "every wanted item first"


@dataclass(frozen=True, slots=True)
class Orders:
    """The model's lists beside those simple orders.

    `gain` is the model's success metric minus that of the popular items, the owners of the lists resampled.
    """

    metric: str
    each: Mapping[
        str, Mapping[str, Measured]
    ]  # order -> metric -> figure; intervals of the success metric alone
    gain: Measured
    lists: int
    owners: int
    wanted: int  # items
    proposed: int  # of them, by a candidate list
    candidates: int

    @property
    def popular(self) -> Measured:
        """The success metric of the popular items."""
        return self.each[POPULAR_ORDER][self.metric]


def test_groups(rows: pl.DataFrame, table: FeatureTable) -> Groups | None:
    """Which test rows are a list; None where there is no ranking."""
    if PROPOSED not in table.companions or table.entity is None or table.event_time is None:
        return None
    return groups_of(rows[table.entity], rows[table.event_time], rows[PROPOSED])


def against_simple_orders(
    answers: Answers, rows: pl.DataFrame, metrics: Sequence[str], metric: str, resampling: Resampling
) -> Orders | None:
    """The simple orders of the same candidates; None where there is no ranking."""
    groups = answers.groups
    if not isinstance(groups, Groups):
        return None
    popular, own = _score(rows, POPULAR), _score(rows, OWN)
    orders: dict[str, Floats] = {
        POPULAR_ORDER: popular,
        OWN_ORDER: np.where(own > 0, own * (popular.max(initial=0.0) + 1) + popular, popular),
        BEST_ORDER: answers.y,
    }
    resamples = resampling.for_rows(len(answers.y))
    each = {
        name: dict(
            measure_all(metrics, answers.y, score, task="ranking", resamples=0, groups=groups)
            | measure_all(
                (metric,), answers.y, score, task="ranking", resamples=resamples,
                confidence=resampling.confidence, seed=resampling.seed, groups=groups,
            )
        )
        for name, score in orders.items()
    }  # fmt: skip
    gain = difference(
        metric, answers.y, answers.score, popular, task="ranking", resamples=resamples,
        confidence=resampling.confidence, seed=resampling.seed, groups=groups,
    )  # fmt: skip
    wanted = answers.y > 0
    return Orders(
        metric=metric,
        each=each,
        gain=gain,
        lists=len(np.unique(groups.lists[wanted])),
        owners=len(np.unique(groups.owners[wanted])),
        wanted=int(wanted.sum()),
        proposed=int((wanted & groups.proposed).sum()),
        candidates=int(groups.proposed.sum()),
    )


def _score(rows: pl.DataFrame, name: str) -> Floats:
    return rows[name].cast(pl.Float64).fill_null(0.0).fill_nan(0.0).to_numpy()
