"""Shapley values of tree ensembles, path-dependent (Lundberg et al. 2018, 2020), vectorised over leaves.

The value of a feature i in a tree is, summed over the leaves below edges that ask for i (v the leaf's value; o_j
whether the row meets all that the path asks of feature j, z_j the share of the training rows that did):

    v (o_i - z_i)  integral over t from 0 to 1 of  product over the path's other features j of  t o_j + (1 - t) z_j

The integral is what the Shapley weights k! (d - k - 1)! / d! come from (Owen 1972). Its integrand is a polynomial
in t of a degree below d, the number of features on the path, so Gauss-Legendre points, d / 2 of them, give it
exactly. At each point one walk down (products) and one walk up (sums over leaves) serve all features at once, as
in linear TreeSHAP (Yu et al. 2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

LEAST_ROWS = 0.5
BLOCK_NODES = 8000  # so that what one block needs stays in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Binary trees, one after the other. A row goes left where its value is at most the threshold.

    `left` and `right` are places of nodes; a leaf has `feature` -1. `cover` is how many training rows came to the
    node (where none did, half a row is taken). A leaf may give values to several outputs: `leaf_node`,
    `leaf_output` and `leaf_value` list them.
    """

    roots: Places
    feature: Places
    threshold: NDArray[np.float32]
    left: Places
    right: Places
    cover: Floats
    leaf_node: Places
    leaf_output: Places
    leaf_value: Floats


def count_rows(trees: Trees, rows: NDArray[np.float32]) -> Floats:
    """[nodes]: how many of the rows come to each node."""
    counts = np.zeros(len(trees.feature))
    inner = trees.feature >= 0
    for root in trees.roots.tolist():
        at = np.full(len(rows), root, dtype=np.intp)
        alive = np.arange(len(rows))
        while alive.size:
            here = at[alive]
            came = np.bincount(here - root)
            counts[root : root + len(came)] += came
            alive = alive[inner[here]]
            here = at[alive]
            goes_left = rows[alive, trees.feature[here]] <= trees.threshold[here]
            at[alive] = np.where(goes_left, trees.left[here], trees.right[here])
    return counts


class TreeShap:
    """The contributions of trees, ready to be computed. Safe to use from several threads."""

    def __init__(self, trees: Trees, feature_of: Places, outputs: int) -> None:
        """
        Args:
            trees: over the columns of the encoded matrix.
            feature_of: the feature to which each column belongs; their contributions are summed.
            outputs: how many numbers the trees give.
        """
        self._features, self._outputs = int(feature_of.max()) + 1, outputs
        self._blocks = [_Block(trees, roots, feature_of) for roots in _grouped(trees)]
        self.base = np.zeros(outputs)
        """[outputs]: what the trees say on average over the training rows."""
        for block in self._blocks:
            block.add_average(self.base)

    def contributions(self, encoded: NDArray[np.float32]) -> Floats:
        """[n, outputs, features] of the rows [n, columns]."""
        result = np.zeros((len(encoded), self._outputs, self._features))
        for row, into in zip(encoded, result, strict=True):
            for block in self._blocks:
                block.add(row, into)
        return result


def _grouped(trees: Trees) -> Iterator[Places]:
    """Roots of the trees that are computed together: alike in depth and outputs, not too many nodes."""
    ends = np.append(trees.roots[1:], len(trees.feature))
    sizes = ends - trees.roots
    first_output = np.zeros(len(trees.feature), dtype=np.intp)
    first_output[trees.leaf_node] = trees.leaf_output
    outputs = np.array([first_output[start:end].max() for start, end in zip(trees.roots, ends, strict=True)])
    order = np.lexsort((sizes, outputs))
    group: list[int] = []
    nodes = 0
    for place in order.tolist():
        if group and (nodes + sizes[place] > BLOCK_NODES or outputs[place] != outputs[group[0]]):
            yield trees.roots[group]
            group, nodes = [], 0
        group.append(place)
        nodes += int(sizes[place])
    if group:
        yield trees.roots[group]


class _Block:
    """Some trees, their nodes level by level, the two children of a node side by side.

    A node stands for the edge into it. What the path asks of the edge's feature up to here is an interval
    (`low`, `high`], and `share` of the training rows that met it; `before` is the edge of the same feature
    further up, or a root, at which nothing is asked.
    """

    def __init__(self, trees: Trees, roots: Places, feature_of: Places) -> None:
        levels, parents = _levels(trees, roots)
        nodes = np.concatenate(levels)
        starts = np.cumsum([0, *(len(level) for level in levels)])
        self._starts = starts.tolist()
        self._parents = parents  # per level below the first: the parent of each pair, within its own level
        parent_of = np.zeros(len(nodes), dtype=np.intp)
        for depth, places in enumerate(parents):
            parent_of[starts[depth + 1] : starts[depth + 2]] = np.repeat(places + starts[depth], 2)
        self._ask(trees, nodes, parent_of, starts)
        self._to = feature_of[self._column]
        self._leaves = self._leaf_values(trees, nodes)
        points, weights = np.polynomial.legendre.leggauss(max(1, (self._widest + 1) // 2))
        self._t, self._weights = (points + 1) / 2, weights / 2
        self._absent = self._share[:, None] * (1 - self._t)

    def _ask(self, trees: Trees, nodes: Places, parent_of: Places, starts: NDArray[np.intp]) -> None:
        count, first = len(nodes), int(starts[1])
        cover = np.maximum(trees.cover, LEAST_ROWS)
        self._column = np.zeros(count, dtype=np.intp)
        self._low = np.full(count, -np.inf, dtype=np.float32)
        self._high = np.full(count, np.inf, dtype=np.float32)
        self._share = np.ones(count)
        self._before = np.zeros(count, dtype=np.intp)
        ratio = np.ones(count)
        paths = np.empty((first, 0), dtype=np.intp)  # the edges above each node of the level
        depths = np.zeros(count, dtype=np.intp)  # how many different features the path asks for
        for depth in range(1, len(starts) - 1):
            here = np.arange(starts[depth], starts[depth + 1])
            parent, above = nodes[parent_of[here]], parent_of[here]
            column, threshold = trees.feature[parent], trees.threshold[parent]
            paths = (
                np.column_stack([paths[above - starts[depth - 1]], above]) if depth > 1 else above[:, None]
            )
            same = (self._column[paths] == column[:, None]) & (paths >= first)
            there = same.any(axis=1)
            last = paths.shape[1] - 1 - same[:, ::-1].argmax(axis=1)
            before = np.where(there, paths[np.arange(len(here)), last], 0)
            left = trees.left[parent] == nodes[here]
            beside = trees.right[parent] + trees.left[parent] - nodes[here]
            ratio[here] = cover[nodes[here]] / (cover[nodes[here]] + cover[beside])
            self._column[here], self._before[here] = column, before
            self._low[here] = np.where(left, self._low[before], np.maximum(self._low[before], threshold))
            self._high[here] = np.where(left, np.minimum(self._high[before], threshold), self._high[before])
            self._share[here] = self._share[before] * ratio[here]
            depths[here] = depths[above] + ~there
        self._widest = int(depths.max())
        reach = ratio.copy()
        for depth in range(1, len(starts) - 1):
            level = slice(starts[depth], starts[depth + 1])
            reach[level] *= reach[parent_of[level]]
        self._reach = reach

    def _leaf_values(self, trees: Trees, nodes: Places) -> list[tuple[int, Places, Floats]]:
        """Per output the leaves that give it something."""
        place = np.full(len(trees.feature), -1, dtype=np.intp)
        place[nodes] = np.arange(len(nodes))
        found = []
        for output in np.unique(trees.leaf_output).tolist():
            mine = (trees.leaf_output == output) & (place[trees.leaf_node] >= 0)
            if mine.any():
                found.append((output, place[trees.leaf_node[mine]], trees.leaf_value[mine]))
        return found

    def add_average(self, base: Floats) -> None:
        """Adds what these trees say on average to `base` [outputs]."""
        for output, leaves, values in self._leaves:
            base[output] += float(self._reach[leaves] @ values)

    def add(self, row: NDArray[np.float32], into: Floats) -> None:
        """Adds the contributions of the row [columns] to `into` [outputs, features]."""
        values = row[self._column]
        met = ((values > self._low) & (values <= self._high)).astype(np.float64)
        met[: self._starts[1]] = 1.0
        chance = met[:, None] * self._t + self._absent
        down = chance / chance[self._before]
        starts = self._starts
        for depth, parents in enumerate(self._parents):
            here = down[starts[depth + 1] : starts[depth + 2]].reshape(len(parents), 2, -1)
            here *= down[starts[depth] : starts[depth + 1]][parents][:, None]
        gain = (met - self._share)[:, None] / chance
        gain -= gain[self._before]
        gain *= self._weights
        for output, leaves, value in self._leaves:
            up = np.zeros_like(down)
            up[leaves] = down[leaves] * value[:, None]
            for depth in range(len(self._parents) - 1, -1, -1):
                below = up[starts[depth + 1] : starts[depth + 2]]
                up[starts[depth] : starts[depth + 1]][self._parents[depth]] = below[0::2] + below[1::2]
            parts = np.einsum("eq,eq->e", gain, up)
            into[output] += np.bincount(self._to, parts, minlength=into.shape[1])


def _levels(trees: Trees, roots: Places) -> tuple[list[Places], list[Places]]:
    """The nodes of each level, and for each level but the last the places of those that have children."""
    levels, parents = [roots], list[Places]()
    while (inner := np.flatnonzero(trees.feature[levels[-1]] >= 0)).size:
        above = levels[-1][inner]
        parents.append(inner)
        levels.append(np.column_stack([trees.left[above], trees.right[above]]).reshape(-1))
    return levels, parents
