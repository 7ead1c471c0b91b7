"""Shapley values of trees, against their definition: every subset of the features, asked one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rondo.bundle import tree_shap
from rondo.bundle.tree_shap import LEAST_ROWS, Trees, TreeShap, count_rows

FEATURES = 4


def random_trees(seed: int, trees: int, depth: int, *, outputs: int = 1, rows: int = 200) -> Trees:
    """Trees that ask for the same feature again and again, with the rows of a sample in their nodes."""
    chance = np.random.default_rng(seed)
    roots, feature, threshold, left, right = [], [], [], [], []
    leaves: list[tuple[int, int, float]] = []

    def grow(level: int) -> int:
        place = len(feature)
        for column in (feature, threshold, left, right):
            column.append(0)
        if level == depth or (level and chance.random() < 0.2):
            feature[place] = -1
            leaves.extend((place, output, float(chance.normal())) for output in range(outputs))
        else:
            feature[place], threshold[place] = int(chance.integers(FEATURES)), float(chance.normal())
            left[place] = grow(level + 1)
            right[place] = grow(level + 1)
        return place

    for _ in range(trees):
        roots.append(len(feature))
        grow(0)
    node, output, value = zip(*leaves, strict=True)
    made = Trees(
        *(np.array(each, dtype=np.intp) for each in (roots, feature)),
        np.array(threshold, dtype=np.float32),
        *(np.array(each, dtype=np.intp) for each in (left, right)),
        np.zeros(len(feature)),
        *(np.array(each, dtype=np.intp) for each in (node, output)),
        np.array(value),
    )
    return replace(made, cover=count_rows(made, sample(seed + 1, rows)))


def sample(seed: int, rows: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, FEATURES)).astype(np.float32)


def expected(trees: Trees, row: np.ndarray, known: set[int], output: int) -> float:
    """What the trees say when these features are known: at an unknown one both ways are gone, by their rows."""
    value = {
        (int(n), int(o)): float(v)
        for n, o, v in zip(trees.leaf_node, trees.leaf_output, trees.leaf_value, strict=True)
    }

    def below(node: int) -> float:
        column = int(trees.feature[node])
        if column < 0:
            return value.get((node, output), 0.0)
        left, right = int(trees.left[node]), int(trees.right[node])
        if column in known:
            return below(left if row[column] <= trees.threshold[node] else right)
        one, two = (max(float(trees.cover[child]), LEAST_ROWS) for child in (left, right))
        return (one * below(left) + two * below(right)) / (one + two)

    return sum(below(int(root)) for root in trees.roots)


def by_definition(trees: Trees, row: np.ndarray, output: int) -> np.ndarray:
    """Shapley (1953), over all subsets."""
    found = np.zeros(FEATURES)
    for feature in range(FEATURES):
        others = [each for each in range(FEATURES) if each != feature]
        for size in range(FEATURES):
            weight = factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES)
            for subset in combinations(others, size):
                known = set(subset)
                gain = expected(trees, row, known | {feature}, output) - expected(trees, row, known, output)
                found[feature] += weight * gain
    return found


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(1, 4), st.integers(0, 7), st.integers(1, 2), st.sampled_from([3, 200])
)
def test_they_are_what_the_definition_says(
    seed: int, trees: int, depth: int, outputs: int, rows: int
) -> None:
    made = random_trees(seed, trees, depth, outputs=outputs, rows=rows)  # 3 rows: most nodes saw none
    (row,) = sample(seed + 2, 1)
    shap = TreeShap(made, np.arange(FEATURES), outputs)
    found = shap.contributions(row[None])[0]
    for output in range(outputs):
        np.testing.assert_allclose(found[output], by_definition(made, row, output), atol=1e-12)
        assert shap.base[output] == pytest.approx(expected(made, row, set(), output), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 14))
def test_they_add_up_to_what_the_trees_say(seed: int, trees: int, depth: int) -> None:
    made, rows = random_trees(seed, trees, min(depth, 9)), sample(seed + 2, 3)
    shap = TreeShap(made, np.arange(FEATURES), 1)
    said = [expected(made, row, set(range(FEATURES)), 0) for row in rows]
    np.testing.assert_allclose(shap.base[0] + shap.contributions(rows)[:, 0].sum(axis=1), said, atol=1e-11)


def test_columns_of_one_feature_are_summed() -> None:
    made, rows = random_trees(3, 5, 6), sample(9, 4)
    apart = TreeShap(made, np.arange(FEATURES), 1).contributions(rows)
    together = TreeShap(made, np.array([0, 1, 1, 2]), 1).contributions(rows)
    np.testing.assert_allclose(together[:, :, 1], apart[:, :, 1] + apart[:, :, 2], atol=1e-13)
    np.testing.assert_allclose(together[:, :, [0, 2]], apart[:, :, [0, 3]], atol=1e-13)


def test_how_trees_are_grouped_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made, rows = random_trees(5, 12, 7, outputs=2), sample(9, 3)
    whole = TreeShap(made, np.arange(FEATURES), 2).contributions(rows)
    monkeypatch.setattr(tree_shap, "BLOCK_NODES", 1)
    np.testing.assert_allclose(TreeShap(made, np.arange(FEATURES), 2).contributions(rows), whole, atol=1e-13)


def test_a_value_on_the_threshold_goes_left_as_float32() -> None:
    threshold = np.float32(0.1)
    stump = Trees(
        roots=np.array([0]),
        feature=np.array([0, -1, -1]),
        threshold=np.array([threshold, 0, 0], dtype=np.float32),
        left=np.array([1, 0, 0]),
        right=np.array([2, 0, 0]),
        cover=np.array([4.0, 1.0, 3.0]),
        leaf_node=np.array([1, 2]),
        leaf_output=np.array([0, 0]),
        leaf_value=np.array([8.0, 4.0]),
    )
    shap = TreeShap(stump, np.arange(1), 1)
    assert shap.base[0] == 5.0
    values = np.array([[threshold], [np.nextafter(threshold, np.float32(1))]], dtype=np.float32)
    assert shap.contributions(values)[:, 0, 0].tolist() == [3.0, -1.0]
