"""What the contract says of a ranking that cannot be: at its line, in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rondo.contract import LoadedProject, check
from rondo.errors import Problem

Load = Callable[[str | bytes], LoadedProject]

WHOLE = """\
project: shop
ml_problem:
  type: ranking
  target: bought
  entity: customer_id
  item: product
  event_time: at
  success_metric: ndcg@20
  baseline: 0.1
  label: {within: 14d}
data: {sources: {a: {files: a.csv}}, snapshots: {every: week, align: end, latest: 4}}
features: {definitions: {sold: {rolling: count, per: item, window: 7d}, own: {candidate: own}}}
"""
CASES = {
    "no item": ("  item: product\n", "", "ml_problem", "without ml_problem.item"),
    "no entity": ("  entity: customer_id\n", "", "ml_problem", "without ml_problem.entity"),
    "no label": ("  label: {within: 14d}\n", "", "ml_problem", "without ml_problem.label"),
    "item is the entity": ("item: product", "item: customer_id", "ml_problem.item", "is also the entity"),
    "absent": ("{within: 14d}", "{within: 14d, expect: absent}", "ml_problem.label.expect", "did not happen"),
    "a metric of classes": ("ndcg@20", "auc_roc", "ml_problem.success_metric", "does not measure a ranking"),
    "k of nothing": ("ndcg@20", "ndcg@0", "ml_problem.success_metric", "no metric is named 'ndcg@0'"),
    "more than there is": (
        "baseline: 0.1", "candidates: {popular: 15}\n  baseline: 0.1",
        "ml_problem.candidates.popular", "ndcg@20 looks at 20 items, and only 15 popular",
    ),
    "a column of a row": (
        "own: {candidate: own}", "price: {column: price}",
        "features.definitions.price", "a candidate is no row",
    ),
    "lists torn apart": ("project: shop", "project: shop\ntraining: {split: {by: random}}",
                         "training.split.by", "split at random"),
    "views": ("features: {", "features: {store: {views: {v: [sold]}}, ", "features.store.views", "views of a"),
    "no ranking": ("type: ranking", "type: regression", "ml_problem.item", "item in a problem of type"),
}  # fmt: skip


def test_a_whole_ranking_has_nothing_to_mend(load: Load) -> None:
    assert [finding for finding in check(load(WHOLE)) if finding.level == "error"] == []


@pytest.mark.parametrize(("old", "new", "where", "what"), CASES.values(), ids=CASES)
def test_what_cannot_be_is_told(load: Load, old: str, new: str, where: str, what: str) -> None:
    assert old in WHOLE
    found = [each.problem for each in check(load(WHOLE.replace(old, new))) if each.level == "error"]
    here = [each for each in found if where in each.where and what in each.what]
    assert here, found
    assert here[0].rule
    assert here[0].mend


@pytest.mark.parametrize("text", ["popular: 0", "own: -1", "shown: 0", "window: soon", "popular: 10000"])
def test_lists_have_sensible_lengths(problems: Callable[[str | bytes], list[Problem]], text: str) -> None:
    found = problems(WHOLE.replace("baseline: 0.1", f"candidates: {{{text}}}\n  baseline: 0.1"))
    assert any(text.partition(":")[0] in each.where for each in found)
