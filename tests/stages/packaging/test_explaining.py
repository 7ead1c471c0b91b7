"""What is explained is what is served: read out of the graph of every kind of model that can be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from rondo.bundle.explanation import Explainer, read_explainer
from rondo.contract.features import Features
from rondo.stages.packaging import explaining
from rondo.stages.packaging.explaining import Explained, explain, read_trees
from rondo.stages.training import estimators
from rondo.stages.training.encoding import ENCODING, ESTIMATOR, arrays, encoded_widths, encoder
from rondo.stages.training.graph import answers, convert, run_graph

ROWS = 650
CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}


@cache
def frame() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    columns: dict[str, Any] = {
        f"n{place}": (chance.normal(size=ROWS) * 10**place).astype(np.float32) for place in range(3)
    }
    columns["n1"][::17] = np.nan
    columns["c0"] = chance.choice(["a", "b", "c"], ROWS).astype(object)
    columns["c1"] = chance.choice(["u", ""], ROWS).astype(object)
    return pd.DataFrame(columns)


def target(task: str) -> np.ndarray:
    rows, noise = frame(), np.random.default_rng(1).normal(size=ROWS)
    signal = (rows.n0 * rows.n1.fillna(0) / 10 + rows.n2 / 100 + 2 * (rows.c0 == "a")).to_numpy(
        float
    ) + noise / 2
    return {
        "binary": (signal > 0.5).astype(float),
        "multiclass": np.digitize(signal, [-0.3, 1.2]).astype(float),
        "regression": 100 + 10 * signal,
    }[task]


@dataclass(frozen=True)
class Trained:
    """A model as training leaves it, and what packaging knows of it."""

    pipeline: Pipeline
    manifest: Any
    material: Any
    scores: np.ndarray
    widths: list[int]

    def explain(self) -> Explained:
        return explain(self.manifest, self.material, self.scores)

    def explainer(self) -> Explainer:
        made = self.explain()
        assert made.why_not == ""
        return read_explainer(made.files, numerical=3, categorical=2, where="test")

    def rows(self, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.material.test[:count]
        return self.material.numerical[chosen], self.material.categorical[chosen]


class Named:
    """Attributes by name."""

    def __init__(self, **named: Any) -> None:
        self.__dict__.update(named)


@cache
def trained(path: str, task: str, encoding: str = "one_hot", **params: Any) -> Trained:
    rows, y = frame(), target(task)
    learned = np.arange(ROWS) < 500
    estimator = estimators.make(path, params, task=task, seed=0)  # type: ignore[arg-type]
    how = Features.model_validate({"categorical": {"encoder": encoding}})
    pipeline = Pipeline([(ENCODING, encoder(rows[learned], how)), (ESTIMATOR, estimator)])
    estimators.fit(pipeline, rows[learned], y[learned], classification=task != "regression")
    made = convert(pipeline, rows[learned], y[learned], rows[~learned], task)  # type: ignore[arg-type]
    numerical, categorical = arrays(rows)
    return Trained(
        pipeline=made.pipeline,
        manifest=Named(
            estimator=path, classes=CLASSES[task], numerical=("x", "y", "z"), categorical=("k", "l")
        ),
        material=Named(
            model=made.graph,
            numerical=numerical,
            categorical=categorical,
            learned=learned,
            judged=~learned,
            test=np.flatnonzero(~learned),
        ),
        scores=answers(run_graph(made.graph, rows), task),  # type: ignore[arg-type]
        widths=encoded_widths(made.pipeline[ENCODING], 3, 2),
    )


EXPLAINED = [
    ("lightgbm.LGBMClassifier", "binary", "logistic"),
    ("lightgbm.LGBMClassifier", "multiclass", "softmax"),
    ("lightgbm.LGBMRegressor", "regression", "identity"),
    ("sklearn.ensemble.RandomForestClassifier", "binary", "identity"),
    ("sklearn.ensemble.RandomForestClassifier", "multiclass", "identity"),
    ("sklearn.ensemble.RandomForestRegressor", "regression", "identity"),
    ("sklearn.ensemble.ExtraTreesClassifier", "binary", "identity"),
    ("sklearn.ensemble.ExtraTreesRegressor", "regression", "identity"),
    ("sklearn.ensemble.GradientBoostingClassifier", "binary", "logistic"),
    ("sklearn.ensemble.GradientBoostingClassifier", "multiclass", "softmax"),
    ("sklearn.ensemble.GradientBoostingRegressor", "regression", "identity"),
    ("sklearn.tree.DecisionTreeClassifier", "binary", "identity"),
    ("sklearn.tree.DecisionTreeClassifier", "multiclass", "identity"),
    ("sklearn.tree.DecisionTreeRegressor", "regression", "identity"),
    ("sklearn.linear_model.LogisticRegression", "binary", "logistic"),
    ("sklearn.linear_model.LogisticRegression", "multiclass", "softmax"),
    ("sklearn.linear_model.LinearRegression", "regression", "identity"),
    ("sklearn.linear_model.Ridge", "regression", "identity"),
    ("sklearn.linear_model.Lasso", "regression", "identity"),
]


def small(path: str) -> dict[str, Any]:
    """Fewer and smaller trees, so that the tests are quick."""
    params: dict[str, Any] = {"n_estimators": 20} if "lightgbm" in path or ".ensemble." in path else {}
    return params | ({"max_depth": 7} if "Forest" in path or "ExtraTrees" in path else {})


@pytest.mark.parametrize(("path", "task", "link"), EXPLAINED)
def test_base_and_contributions_give_every_score(path: str, task: str, link: str) -> None:
    model = trained(path, task, **small(path))
    explainer = model.explainer()
    assert (explainer.record.link, list(explainer.record.widths)) == (link, model.widths)
    assert explainer.record.verified_rows == 150
    found = explainer.contributions(*model.rows())
    assert found.values.shape == (60, max(1, len(CLASSES[task])) if task == "multiclass" else 1, 5)
    assert found.gaps(model.scores[model.material.test[:60]]).max() < 1e-6


@pytest.mark.parametrize("encoding", ["one_hot", "ordinal"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_boosted_trees_are_explained_as_lightgbm_itself_does(task: str, encoding: str) -> None:
    kind = "Regressor" if task == "regression" else "Classifier"
    model = trained(f"lightgbm.LGBM{kind}", task, encoding, n_estimators=40)
    explainer = model.explainer()
    rows = model.rows()
    theirs = model.pipeline[ESTIMATOR].predict(explainer.encoded(*rows), pred_contrib=True)
    theirs = theirs.reshape(60, -1, sum(model.widths) + 1)
    ours = explainer.contributions(*rows)
    starts = np.cumsum([0, *model.widths[:-1]])
    size = max(1.0, float(np.abs(theirs).max()))  # the graph keeps the leaves as float32
    theirs_by_feature = np.add.reduceat(theirs[:, :, :-1], starts, axis=2)
    np.testing.assert_allclose(ours.values / size, theirs_by_feature / size, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.base, theirs[0, :, -1], rtol=1e-6)


def test_a_value_exceeding_zero_alone_is_explained_on_its_logarithm() -> None:
    model = trained("lightgbm.LGBMRegressor", "regression", objective="poisson", n_estimators=20)
    assert model.explainer().record.link == "exp"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("sklearn.naive_bayes.GaussianNB", "GaussianNB gives no exact contributions"),
        ("sklearn.ensemble.AdaBoostClassifier", "AdaBoostClassifier gives no exact contributions"),
        ("sklearn.neural_network.MLPClassifier", "neither one linear model nor one ensemble of trees"),
    ],
)
def test_what_has_no_exact_contributions_says_so(path: str, why: str) -> None:
    made = trained(path, "binary").explain()
    assert made.files == {}
    assert why in made.why_not


def test_a_sum_that_is_not_the_score_is_no_explanation() -> None:
    model = trained("sklearn.linear_model.LogisticRegression", "binary")
    made = replace(model, scores=model.scores**1.01).explain()
    assert made.files == {}
    assert "miss the score by" in made.why_not
    assert "on 150 test rows, more than 1e-06" in made.why_not


def test_each_contribution_belongs_to_its_feature() -> None:
    """A feature is changed: its own contribution moves, and in a linear model nothing else."""
    model = trained("sklearn.linear_model.LogisticRegression", "binary")
    explainer = model.explainer()
    numbers, words = model.rows(1)
    before = explainer.contributions(numbers, words).values[0, 0]
    for place in range(5):
        changed, renamed = numbers.copy(), words.copy()
        if place < 3:
            changed[0, place] = np.nan_to_num(changed[0, place]) + 1000
        else:
            renamed[0, place - 3] = {"a": "b"}.get(words[0, place - 3], "a" if place == 3 else "")
            if renamed[0, place - 3] == words[0, place - 3]:
                renamed[0, place - 3] = "u"
        moved = explainer.contributions(changed, renamed).values[0, 0] != before
        assert moved.tolist() == [other == place for other in range(5)]


def test_a_part_of_the_training_rows_is_counted_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "COUNTED_ROWS", 50)
    model = trained("lightgbm.LGBMClassifier", "binary", n_estimators=20)
    found = model.explainer().contributions(*model.rows())
    assert found.gaps(model.scores[model.material.test[:60]]).max() < 1e-6  # still exact, around another base


def test_strictly_less_is_at_most_the_float_below() -> None:
    said = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [5, 7, 6],  # any numbers, in any order
        "nodes_modes": [b"BRANCH_LT", b"LEAF", b"LEAF"],
        "nodes_truenodeids": [6, 0, 0],
        "nodes_falsenodeids": [7, 0, 0],
        "nodes_featureids": [3, 0, 0],
        "nodes_values": [1.0, 0.0, 0.0],
        "target_ids": [0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [6, 7],
        "target_weights": [10.0, 20.0],
    }
    trees = read_trees(said, 1)
    assert trees.threshold[0] == np.nextafter(np.float32(1), np.float32(0))
    assert trees.feature.tolist() == [3, -1, -1]
    value = dict(zip(trees.leaf_node.tolist(), trees.leaf_value.tolist(), strict=True))
    assert (value[int(trees.left[0])], value[int(trees.right[0])]) == (10.0, 20.0)
    said["nodes_modes"][0] = b"BRANCH_EQ"  # type: ignore[index]
    with pytest.raises(Exception, match="BRANCH_EQ, not for a threshold"):
        read_trees(said, 1)
