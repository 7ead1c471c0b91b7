"""The figures of a ranking, beside scikit-learn's and beside counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from rondo.records.metrics import compute, difference, measure, measure_all
from rondo.records.ranking import Groups

RNG = np.random.default_rng(0)


def some_lists(lists: int = 40, length: int = 30) -> tuple[np.ndarray, np.ndarray, Groups]:
    y = (RNG.random((lists, length)) < 0.15).astype(float)
    y[:, 0] = 1
    score = RNG.permuted(np.tile(np.linspace(0, 1, length), (lists, 1)), axis=1)
    return y, score, Groups.of(np.repeat(np.arange(lists), length))


@pytest.mark.parametrize("k", [1, 5, 20, 30, 50])
def test_ndcg_is_that_of_scikit_learn(k: int) -> None:
    y, score, groups = some_lists()
    ours = compute(f"ndcg@{k}", y.ravel(), score.ravel(), groups=groups)
    assert ours == pytest.approx(ndcg_score(y, score, k=k))


def test_map_of_whole_lists_is_the_mean_average_precision() -> None:
    y, score, groups = some_lists()
    theirs = np.mean([average_precision_score(a, b) for a, b in zip(y, score, strict=True)])
    assert compute("map@30", y.ravel(), score.ravel(), groups=groups) == pytest.approx(theirs)


def test_figures_of_a_list_that_can_be_counted_by_hand() -> None:
    y = np.array([0.0, 1, 0, 1, 1])
    score = np.array([5.0, 4, 3, 2, 1])  # hits at the ranks 2, 4 and 5
    groups = Groups.of(np.zeros(5))
    found = {
        name: compute(name, y, score, groups=groups)
        for name in ("recall@4", "precision@4", "map@4", "mrr", "hit_rate@1", "hit_rate@2")
    }
    assert found == pytest.approx(
        {
            "recall@4": 2 / 3, "precision@4": 2 / 4, "map@4": (1 / 2 + 2 / 4) / 3, "mrr": 1 / 2,
            "hit_rate@1": 0, "hit_rate@2": 1,
        }
    )  # fmt: skip


def test_an_item_that_nobody_proposed_is_relevant_and_never_a_hit() -> None:
    y, score = np.array([1.0, 0, 1]), np.array([2.0, 1, 9])
    groups = Groups.of([0, 0, 0], proposed=[True, True, False])
    assert compute("recall@10", y, score, groups=groups) == 0.5
    assert compute("mrr", y, score, groups=groups) == 1.0
    assert compute("ndcg@10", y, score, groups=groups) == pytest.approx(1 / (1 + 1 / np.log2(3)))


def test_lists_without_a_relevant_item_are_not_judged() -> None:
    y, score = np.array([1.0, 0, 0, 0]), np.array([1.0, 2, 1, 2])
    found = measure("mrr", y, score, groups=Groups.of([0, 0, 1, 1]), resamples=50)
    assert (found.value, found.n) == (0.5, 1)
    nothing = measure("mrr", y * 0, score, groups=Groups.of([0, 0, 1, 1]), resamples=50)
    assert nothing.value is None
    assert "no list" in nothing.note


def test_intervals_draw_owners_and_not_rows_or_lists() -> None:
    y, score, _ = some_lists(40)
    lists = np.repeat(np.arange(40), 30)
    alone = measure("ndcg@10", y.ravel(), score.ravel(), groups=Groups.of(lists))
    copied = Groups.of(np.concatenate([lists, lists + 40]), np.concatenate([lists, lists]))
    twice = measure("ndcg@10", np.tile(y.ravel(), 2), np.tile(score.ravel(), 2), groups=copied)
    assert (twice.value, twice.low, twice.high) == pytest.approx((alone.value, alone.low, alone.high))
    more = Groups.of(np.concatenate([lists, lists + 40]))
    narrower = measure("ndcg@10", np.tile(y.ravel(), 2), np.tile(score.ravel(), 2), groups=more)
    assert narrower.high - narrower.low < alone.high - alone.low  # type: ignore[operator]


def test_a_difference_is_paired() -> None:
    y, score, groups = some_lists()
    same = difference("ndcg@10", y.ravel(), score.ravel(), score.ravel(), groups=groups)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    better = difference("ndcg@10", y.ravel(), score.ravel() + y.ravel(), score.ravel(), groups=groups)
    assert better.low is not None
    assert better.low > 0


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 3), st.booleans()), min_size=1))
def test_every_figure_lies_between_0_and_1(rows: list[tuple[int, bool, int, bool]]) -> None:
    lists, y, score, proposed = (np.array(column) for column in zip(*rows, strict=True))
    groups = Groups.of(lists, proposed=proposed)
    names = ("ndcg@3", "map@3", "recall@3", "precision@3", "hit_rate@3", "mrr")
    for found in measure_all(names, y, score, groups=groups, resamples=0).values():
        assert found.value is None or 0 <= found.value <= 1
    best = compute("ndcg@3", y, y & proposed, groups=Groups.of(lists))
    assert np.isnan(best) or best <= 1 + 1e-12
