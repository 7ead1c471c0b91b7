"""The candidates of a ranking: three short lists per entity and moment, from the rows before it alone.

popular     what most entities had lately, the same for everybody
own         what the entity had before, most often first
together    what others had at one moment (in one basket) with the entity's own items, by the cosine of item-to-item
            co-occurrence (G. Linden, B. Smith and J. York, Amazon.com recommendations, 2003)

The batch side makes the lists of many entities at once; the store keeps the entity's two lists as one text and the
popular one once; the online side reads them and forms the same union. All sums are of whole numbers, so a list
does not depend on who else is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.bundle.batch import column_or_expression
from rondo.bundle.plan import EVERYBODY, FeaturePlan, ListPlan, PlanInput, entity_text
from rondo.bundle.windows import Ints, micros
from rondo.errors import DataError

OWN, POPULAR, TOGETHER = "_own", "_popular", "_together"
SCORES = (OWN, POPULAR, TOGETHER)
INPUTS = {name: PlanInput(f"_{name}", "float") for name in ("own", "popular", "together")}
LIST = "_candidates"
"""The field of the store that holds a list as text."""
SEEDS = 50  # own items that `together` starts from
MOST_ITEMS = 2000  # items whose company is counted: those in most baskets
LEAST_BASKETS = 2  # that two items share, before one proposes the other
_BASKETS_AT_ONCE = 4096
_ENTITIES_AT_ONCE = 1000
_QUANTUM = 100_000  # cosines are whole multiples of 1 / _QUANTUM; SEEDS of them are exact in float32


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that a list proposes, and how strongly each list does; None where it does not."""

    item: Any
    own: float | None
    popular: float | None
    together: float | None


class CandidateLists:
    """Makes the lists of a table of events, as of any moment."""

    def __init__(self, plan: FeaturePlan, events: pl.DataFrame) -> None:
        """
        Raises:
            DataError: the condition on the rows that count cannot be evaluated.
        """
        assert plan.lists is not None
        assert plan.entity is not None
        assert plan.item is not None
        assert plan.event_time is not None
        self._lists: ListPlan = plan.lists
        self._entity, self._item = plan.entity, plan.item
        try:
            counted = events.filter(column_or_expression(plan.lists.event, events.columns).cast(pl.Boolean))
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"{plan.lists.event!r} cannot be evaluated: {error}", where="ml_problem"
            ) from error
        rows = pl.DataFrame(
            {"who": counted[plan.entity], "what": counted[plan.item], "at": micros(counted[plan.event_time])}
        )
        rows = rows.drop_nulls().sort("at", "who", "what", maintain_order=True)
        # Codes in the order of the names: equal scores are ordered alike, however many rows there are.
        self._who = rows["who"].unique().sort()
        self._what = rows["what"].unique().sort()
        self._code_of = pl.DataFrame({"who": self._who}).with_row_index("code")
        self._rows = rows.select(
            pl.col("who").rank("dense").cast(pl.Int64) - 1,
            pl.col("what").rank("dense").cast(pl.Int64) - 1,
            "at",
        )
        self._at: Ints = self._rows["at"].to_numpy()

    def _between(self, start: int | None, end: int) -> pl.DataFrame:
        first = 0 if start is None else int(np.searchsorted(self._at, start, side="left"))
        return self._rows[first : int(np.searchsorted(self._at, end, side="left"))]

    def popular(self, at_us: int) -> pl.DataFrame:
        """The popular items, best first: columns item and `_popular` (how many entities had it)."""
        recent = self._between(at_us - round(self._lists.window_s * 1_000_000), at_us)
        counts = np.bincount(recent.unique(["who", "what"])["what"].to_numpy(), minlength=len(self._what))
        best = np.lexsort((np.arange(len(counts)), -counts))[: self._lists.popular]
        best = best[counts[best] > 0]
        return pl.DataFrame({self._item: self._what[best], POPULAR: counts[best].astype(np.float64)})

    def lists(self, at_us: int, entities: pl.Series) -> pl.DataFrame:
        """The entities' own lists: columns entity, item, `_own`, `_together`; each entity's best first.

        Entities without an earlier row have no line.
        """
        earlier = self._between(None, at_us)
        asked = pl.DataFrame({"who": entities}).cast({"who": self._who.dtype}).unique()
        asked = asked.join(self._code_of, on="who").select(pl.col("code").cast(pl.Int64)).sort("code")
        own = (
            earlier.join(asked, left_on="who", right_on="code", how="semi")
            .group_by("who", "what")
            .agg(pl.len().cast(pl.Float64).alias("times"), pl.col("at").max().alias("last"))
            .sort(["who", "times", "last", "what"], descending=[False, True, True, False])
            .with_columns(pl.int_range(pl.len()).over("who").alias("place"))
        )
        proposed = own.filter(pl.col("place") < self._lists.own).select(
            "who", "what", "place", pl.col("times").alias(OWN)
        )
        near = self._near(at_us, own.filter(pl.col("place") < SEEDS), proposed)
        both = proposed.join(near, on=["who", "what"], how="full", coalesce=True)
        # After the own items, in the order of `together`.
        rank = pl.coalesce("place", pl.lit(self._lists.own) + pl.col("place_together"))
        both = both.with_columns(rank.alias("rank")).sort("who", "rank")
        return pl.DataFrame(
            {
                self._entity: self._who.gather(both["who"]),
                self._item: self._what.gather(both["what"]),
                OWN: both[OWN],
                TOGETHER: both[TOGETHER],
            }
        )

    def _near(self, at_us: int, seeds: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
        """Per entity what goes with its items: who, what, `place_together`, `_together`.

        Own items have a score too, and no place: they are proposed already.
        """
        parts = list(self._near_parts(at_us, seeds, own)) if self._lists.together else []
        schema = {"who": pl.Int64, "what": pl.Int64, "place_together": pl.Int64, TOGETHER: pl.Float64}
        return pl.concat(parts) if parts else pl.DataFrame(schema=schema)

    def _near_parts(self, at_us: int, seeds: pl.DataFrame, own: pl.DataFrame) -> Iterator[pl.DataFrame]:
        recent = self._between(at_us - round(self._lists.pairs_window_s * 1_000_000), at_us)
        items, company = _cosines(recent, len(self._what))
        if not len(items):
            return
        place = np.full(len(self._what), -1, dtype=np.int64)
        place[items] = np.arange(len(items))
        who = seeds["who"].unique().sort().to_numpy()
        for start in range(0, len(who), _ENTITIES_AT_ONCE):
            some = who[start : start + _ENTITIES_AT_ONCE]
            score = _marked(seeds, some, place) @ company
            mine = _marked(own, some, place).astype(bool)
            key = score.astype(np.int64) * (len(items) + 1) + (len(items) - np.arange(len(items)))
            key[mine | (score <= 0)] = 0
            most = min(self._lists.together, len(items))
            best = np.argpartition(-key, most - 1, axis=1)[:, :most]
            best = np.take_along_axis(best, np.argsort(-np.take_along_axis(key, best, 1), axis=1), 1)
            there = np.take_along_axis(key, best, 1) > 0
            row, rank = np.nonzero(there)
            yield self._told(some[row], items[best[row, rank]], rank, score[row, best[row, rank]])
            row, column = np.nonzero(mine & (score > 0))
            yield self._told(some[row], items[column], None, score[row, column])

    @staticmethod
    def _told(who: Ints, what: Ints, place: Ints | None, score: NDArray[np.float32]) -> pl.DataFrame:
        places = pl.Series([None] * len(who), dtype=pl.Int64) if place is None else pl.Series(place)
        return pl.DataFrame(
            {
                "who": who.astype(np.int64),
                "what": what.astype(np.int64),
                "place_together": places.cast(pl.Int64),
                TOGETHER: score.astype(np.float64) / _QUANTUM,
            }
        )

    def propose(self, at_us: int, entities: pl.Series) -> pl.DataFrame:
        """The union of the lists: entity, item and the three scores; by entity, own lists before popular items."""
        lists, popular = self.lists(at_us, entities), self.popular(at_us)
        asked = pl.DataFrame({self._entity: entities.unique().sort()})
        everybody = asked.join(popular.with_row_index("_rank"), how="cross")
        lists = lists.with_columns(pl.int_range(pl.len()).over(self._entity).alias("_place"))
        both = lists.join(everybody, on=[self._entity, self._item], how="full", coalesce=True)
        place = pl.coalesce(pl.col("_place").cast(pl.Int64), pl.col("_rank").cast(pl.Int64) + 1_000_000)
        return both.sort(self._entity, place).select(self._entity, self._item, *SCORES)


def _cosines(recent: pl.DataFrame, items: int) -> tuple[Ints, NDArray[np.float32]]:
    """The items in most baskets, and how near each is to each: whole numbers, 0 for an item itself."""
    lines = recent.unique(["who", "at", "what"], maintain_order=True)
    baskets = np.bincount(lines["what"].to_numpy(), minlength=items)
    most = np.lexsort((np.arange(items), -baskets))[:MOST_ITEMS]
    chosen = np.sort(most[baskets[most] >= LEAST_BASKETS]).astype(np.int64)
    place = np.full(items, -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    basket = lines.select(pl.struct("who", "at").rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    column = place[lines["what"].to_numpy()]
    order = np.argsort(basket, kind="stable")
    basket, column = basket[order], column[order]
    shared = np.zeros((len(chosen), len(chosen)), dtype=np.float64)
    count = int(basket.max(initial=-1)) + 1
    for start in range(0, count, _BASKETS_AT_ONCE):
        end = min(start + _BASKETS_AT_ONCE, count)
        here = slice(*np.searchsorted(basket, [start, end]))
        inside = column[here] >= 0
        part = np.zeros((end - start, len(chosen)), dtype=np.float32)
        part[basket[here][inside] - start, column[here][inside]] = 1
        shared += part.T @ part  # counts below 2 ** 24: exact
    often = np.sqrt(baskets[chosen].astype(np.float64))
    near = np.rint(shared / (often[:, None] * often[None, :]) * _QUANTUM)
    near[shared < LEAST_BASKETS] = 0
    np.fill_diagonal(near, 0)
    return chosen, near.astype(np.float32)


def _marked(rows: pl.DataFrame, who: Ints, place: Ints) -> NDArray[np.float32]:
    """[entities, items] with 1 where the entity has the item."""
    line = np.searchsorted(who, rows["who"].to_numpy())
    line_of = np.minimum(line, len(who) - 1)
    column = place[rows["what"].to_numpy()]
    inside = (who[line_of] == rows["who"].to_numpy()) & (column >= 0)
    marked = np.zeros((len(who), int(place.max()) + 1), dtype=np.float32)
    marked[line_of[inside], column[inside]] = 1
    return marked


# As the store keeps them


def pair_text(entity: Any, item: Any) -> str:
    """The key of an entity and an item together."""
    return f"{entity_text(entity)}|{entity_text(item)}"


def list_texts(lists: pl.DataFrame, entity: str, item: str) -> pl.DataFrame:
    """One row per entity: its list as text in the field LIST."""
    rows: dict[Any, list[list[Any]]] = {}
    for key, what, own, together in lists.select(entity, item, OWN, TOGETHER).iter_rows():
        rows.setdefault(key, []).append([what, own, together])
    texts = [msgspec.json.encode(each).decode() for each in rows.values()]
    return pl.DataFrame(
        {entity: pl.Series(list(rows), dtype=lists.schema[entity]), LIST: pl.Series(texts, dtype=pl.String)}
    )


def popular_text(popular: pl.DataFrame, item: str) -> str:
    """The popular list as text."""
    return msgspec.json.encode(popular.select(item, POPULAR).rows()).decode()


def union(own_lists: str | None, popular: str | None) -> list[Candidate]:
    """The candidates that the two texts hold, in the order of `CandidateLists.propose`; empty texts hold none."""
    lists: Sequence[Sequence[Any]] = msgspec.json.decode(own_lists) if own_lists else ()
    everybody: Sequence[tuple[Any, float]] = msgspec.json.decode(popular) if popular else ()
    liked = dict(everybody)
    found = [Candidate(item, own, liked.get(item), together) for item, own, together in lists]
    here = {each.item for each in found}
    return [*found, *(Candidate(item, None, score, None) for item, score in everybody if item not in here)]


Read = Callable[[Sequence[str], Sequence[Any]], list[dict[str, Any] | None]]
"""Reads views of one key: for each key, in order, the fields of those views, or None."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An entity's candidates, and beside each what the store keeps for it: a value for everything it could keep."""

    candidates: list[Candidate]
    stored: list[dict[str, Any]]
    entity_known: bool


class CandidateReader:
    """Finds candidates and their values in an online store; safe to call from several threads."""

    def __init__(self, plan: FeaturePlan) -> None:
        self._views: dict[str, tuple[str, ...]] = {key: plan.of_key(key).kept_views for key in plan.view_keys}
        self._entity, self._item, self._pair = str(plan.entity), str(plan.item), plan.pair
        self._defaults = {each.name: each.default for each in plan.history}

    def candidates(self, entity: Any, read: Read) -> Asked:
        """The candidates of the entity of now; those of everybody where the store does not know it."""
        (own,) = read(self._views[self._entity], [entity])
        (everybody,) = read(self._views[EVERYBODY], [EVERYBODY])
        found = union((own or {}).get(LIST), (everybody or {}).get(LIST))
        shared = {**self._defaults, **_fields(own)}
        items = self._of(self._item, [each.item for each in found], read)
        pairs = self._of(self._pair, [pair_text(entity, each.item) for each in found], read)
        stored = [
            {
                **shared, **_fields(item), **_fields(pair),
                OWN: each.own, POPULAR: each.popular, TOGETHER: each.together,
            }
            for each, item, pair in zip(found, items, pairs, strict=True)
        ]  # fmt: skip
        return Asked(found, stored, own is not None)

    def _of(self, key: str, keys: list[Any], read: Read) -> Sequence[dict[str, Any] | None]:
        views = self._views.get(key)
        return read(views, keys) if views and keys else [None] * len(keys)


def _fields(row: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OWN_FIELDS} if row else {}


_OWN_FIELDS = frozenset({LIST, "_event_timestamp"})
