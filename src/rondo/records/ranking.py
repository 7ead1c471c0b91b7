"""Lists that are ordered: which rows belong together, and how good their order is.

Gains are binary: an item is bought or it is not. For one list, with hits at the ranks r (from 1):

    ndcg@k       sum over hits of 1 / log2(1 + r), over the same sum of the best order possible
                 (Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002)
    map@k        mean over the first min(k, relevant) of: hits up to r, over r, at every hit
    recall@k     hits over relevant items
    precision@k  hits over k
    hit_rate@k   1 where there is a hit
    mrr          1 over the rank of the first hit

A relevant item that no candidate source proposed counts as relevant and is never a hit. A list without a relevant
item has no value. Equal scores keep the order of the rows, as the server does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import polars as pl

Floats: TypeAlias = NDArray[np.float64]
Kind = Literal["ndcg", "map", "recall", "precision", "hit_rate", "mrr"]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """For each row the list that it is in, whose list that is, and whether a candidate source proposed it.

    Intervals draw the owners, each with all of its lists: the lists of one customer are no independent evidence.
    """

    lists: NDArray[np.intp]  # [n], from 0
    owners: NDArray[np.intp]  # [n], from 0
    proposed: NDArray[np.bool_]  # [n]

    @classmethod
    def of(
        cls, lists: ArrayLike, owners: ArrayLike | None = None, proposed: ArrayLike | None = None
    ) -> Groups:
        """From any labels; by default every list has an owner of its own, and every row was proposed."""
        codes = np.unique(np.asarray(lists), return_inverse=True)[1].reshape(-1).astype(np.intp)
        whose = codes if owners is None else np.unique(np.asarray(owners), return_inverse=True)[1].reshape(-1)
        if proposed is None:
            proposed = np.ones(len(codes), dtype=np.bool_)
        return cls(codes, whose.astype(np.intp), np.asarray(proposed, dtype=np.bool_))

    def rows(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Groups:
        """Those rows alone."""
        return Groups.of(self.lists[which], self.owners[which], self.proposed[which])


def groups_of(entities: pl.Series, moments: pl.Series, proposed: pl.Series) -> Groups:
    """The groups of rows of a ranking: a list is an entity at a moment, its owner the entity."""
    import polars as pl  # whoever only measures does not wait for it

    keys = pl.DataFrame({"who": entities, "at": moments})
    lists = keys.select(pl.struct("at", "who").rank("dense")).to_series().to_numpy()
    return Groups.of(lists, keys["who"].rank("dense").to_numpy(), proposed.to_numpy())


def _order(score: Floats, groups: Groups) -> NDArray[np.intp]:
    """The rows list by list, best first, those that nobody proposed last."""
    return np.lexsort((-score, ~groups.proposed, groups.lists))


def ranks(score: Floats, groups: Groups) -> NDArray[np.intp]:
    """[n]: the rank of each row in its list, from 1."""
    order = _order(score, groups)
    of = groups.lists[order]
    found = np.empty(len(of), dtype=np.intp)
    found[order] = np.arange(len(of)) - np.searchsorted(of, of) + 1
    return found


class Lists:
    """Ordered lists, reduced to what the figures need: where the hits stand, and how many there could be."""

    def __init__(self, y: Floats, score: Floats, groups: Groups) -> None:
        count = int(groups.lists.max(initial=-1)) + 1
        order = _order(score, groups)
        of, hit = groups.lists[order], ((y > 0) & groups.proposed)[order]
        self.hit_list, self.hit_rank = of[hit], ranks(score, groups)[order][hit]
        self.relevant = np.bincount(groups.lists[y > 0], minlength=count).astype(np.float64)
        self.owner = np.zeros(count, dtype=np.intp)
        self.owner[groups.lists] = groups.owners

    @property
    def judged(self) -> NDArray[np.bool_]:
        """The lists that have a relevant item."""
        found: NDArray[np.bool_] = self.relevant > 0
        return found

    def values(self, kind: Kind, k: int | None = None) -> Floats:
        """The figure of every list, 0 for lists that have no value (see `judged`)."""
        within = np.ones(len(self.hit_rank), dtype=np.bool_) if k is None else self.hit_rank <= k
        lists, ranks = self.hit_list[within], self.hit_rank[within].astype(np.float64)
        best = np.maximum(self.relevant if k is None else np.minimum(self.relevant, k), 1.0)
        match kind:
            case "ndcg":
                longest = int(best.max(initial=1.0))
                ideal: Floats = np.cumsum(1 / np.log2(1 + np.arange(1.0, longest + 1)))
                return self._sum(lists, 1 / np.log2(1 + ranks)) / ideal[best.astype(np.intp) - 1]
            case "map":
                # Hits come list by list in the order of their ranks: the place among them is the hits so far.
                starts = np.searchsorted(lists, lists, side="left")
                return self._sum(lists, (np.arange(len(lists)) - starts + 1) / ranks) / best
            case "recall":
                return self._sum(lists, np.ones(len(lists))) / np.maximum(self.relevant, 1.0)
            case "precision":
                return self._sum(lists, np.ones(len(lists))) / (k or 1)
            case "hit_rate":
                return np.minimum(self._sum(lists, np.ones(len(lists))), 1.0)
            case "mrr":
                first = np.zeros(len(self.relevant))
                np.maximum.at(first, lists, 1 / ranks)
                return first

    def _sum(self, lists: NDArray[np.intp], values: Floats) -> Floats:
        summed: Floats = np.bincount(lists, weights=values, minlength=len(self.relevant)).astype(np.float64)
        return summed


def parse(name: str) -> tuple[Kind, int | None] | None:
    """What a metric's name asks for: `ndcg@20` -> ("ndcg", 20); None when it is no figure of a ranking."""
    if name == "mrr":
        return "mrr", None
    kind, at, k = name.partition("@")
    if not at or kind not in {"ndcg", "map", "recall", "precision", "hit_rate"}:
        return None
    return (cast("Kind", kind), int(k)) if k.isdecimal() and 0 < int(k) < 10_000 else None
