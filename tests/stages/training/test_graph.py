"""Every kind of model gives a graph that agrees with it, and the same model the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from lightgbm import LGBMRegressor
from sklearn.pipeline import Pipeline

from rondo.bundle.model import Model
from rondo.contract.features import Features
from rondo.errors import ContractError, DataError
from rondo.stages.training import estimators
from rondo.stages.training.encoding import ENCODING, ESTIMATOR, encoded_widths, encoder, model_frame
from rondo.stages.training.graph import convert, run_graph, to_graph

ROWS = 600


def frame_and_signal(seed: int = 0, words: bool = True) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(ROWS, 3)).astype(np.float32)
    plans = rng.choice(["basic", "pro", "team"], ROWS)
    signal = numbers[:, 0] + (plans == "pro") + rng.normal(0, 0.5, ROWS)
    table = pl.DataFrame(
        {
            "age": pl.Series(numbers[:, 0]).set(pl.Series(rng.random(ROWS) < 0.1), None),
            "spend": np.round(numbers[:, 1] * 100),
            "empty": pl.Series([None] * ROWS, dtype=pl.Float32),
            "plan": pl.Series(plans).set(pl.Series(rng.random(ROWS) < 0.1), None),
            "country": rng.choice(["at", "kr"], ROWS),
        }
    )
    return model_frame(table, ["age", "spend", "empty"], ["plan", "country"] if words else []), signal


def fitted(path: str, task: Any, how: dict[str, Any] | None = None, words: bool = True, **params: Any) -> Any:
    frame, signal = frame_and_signal(words=words)
    y = {
        "binary": (signal > 0.3).astype(float),
        "multiclass": np.digitize(signal, [-0.3, 0.8]).astype(float),
        "regression": signal * 1000,
    }[task]
    pipeline = Pipeline(
        [
            (ENCODING, encoder(frame[:400], Features.model_validate(how or {}))),
            (ESTIMATOR, estimators.make(path, params, task=task, seed=1)),
        ]
    )
    estimators.fit(pipeline, frame[:400], y[:400], classification=task != "regression")
    return convert(pipeline, frame[:400], y[:400], frame[400:], task), frame[400:]


CLASSIFIERS = [
    ("lightgbm.LGBMClassifier", {"n_estimators": 20}),
    ("sklearn.linear_model.LogisticRegression", {}),
    ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 20}),
    ("sklearn.ensemble.ExtraTreesClassifier", {"n_estimators": 20}),
    ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": 20}),
    ("sklearn.tree.DecisionTreeClassifier", {}),
    ("sklearn.naive_bayes.GaussianNB", {}),
    ("sklearn.neural_network.MLPClassifier", {"hidden_layer_sizes": [8], "max_iter": 30}),
]
REGRESSORS = [
    ("lightgbm.LGBMRegressor", {"n_estimators": 20}),
    ("sklearn.linear_model.Ridge", {}),
    ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": 20}),
]


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize(("path", "params"), CLASSIFIERS)
def test_classifiers_agree_with_their_graph(path: str, params: dict[str, Any], task: str) -> None:
    trained, rows = fitted(path, task, **params)
    assert trained.difference <= 1e-5
    assert run_graph(trained.graph, rows).shape == (len(rows), 2 if task == "binary" else 3)


@pytest.mark.parametrize(("path", "params"), REGRESSORS)
def test_regressors_agree_with_their_graph(path: str, params: dict[str, Any]) -> None:
    trained, rows = fitted(path, "regression", **params)
    assert trained.difference <= 1e-5
    assert run_graph(trained.graph, rows).shape == (len(rows), 1)


@pytest.mark.parametrize(
    "how",
    [
        {"categorical": {"encoder": "ordinal"}},
        {"numerical": {"scaler": "none", "impute": "zero"}},
        {"numerical": {"impute": "mean"}},
    ],
)
def test_every_encoding_agrees_with_its_graph_for_unseen_and_missing_words_too(how: dict[str, Any]) -> None:
    trained, rows = fitted("lightgbm.LGBMClassifier", "binary", how, n_estimators=10)
    strange = rows.assign(c0="never seen", n0=np.float32("nan"))
    np.testing.assert_allclose(
        run_graph(trained.graph, strange), trained.pipeline.predict_proba(strange), atol=1e-5
    )


def test_without_categories_the_graph_has_one_input() -> None:
    trained, _ = fitted("sklearn.linear_model.LogisticRegression", "binary", words=False)
    Model(trained.graph, numerical=3, categorical=0, where="model.onnx")


def test_the_same_model_gives_the_same_bytes() -> None:
    assert fitted("lightgbm.LGBMClassifier", "binary", n_estimators=5)[0].graph == (
        fitted("lightgbm.LGBMClassifier", "binary", n_estimators=5)[0].graph
    )


def test_a_scaler_that_rounds_otherwise_is_mended_or_harmless() -> None:
    """Forests grown to the last row have thresholds within a rounding of the values."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"n0": (1e6 + rng.normal(size=4000)).astype(np.float32)})
    y = rng.normal(size=4000)
    pipeline = Pipeline(
        [
            (ENCODING, encoder(frame, Features())),
            (ESTIMATOR, estimators.make("sklearn.tree.DecisionTreeRegressor", {}, task="regression", seed=1)),
        ]
    )
    estimators.fit(pipeline, frame, y, classification=False)
    assert convert(pipeline, frame, y, frame, "regression").difference <= 1e-5


def test_an_estimator_without_a_graph_is_refused() -> None:
    from sklearn.dummy import DummyRegressor

    frame, signal = frame_and_signal()
    pipeline = Pipeline([(ENCODING, encoder(frame, Features())), (ESTIMATOR, DummyRegressor())]).fit(
        frame, signal
    )
    with pytest.raises(ContractError, match="cannot be written as an ONNX graph"):
        to_graph(pipeline, frame, classifier=False)


def test_importance_is_of_features_not_of_columns() -> None:
    for path, params in CLASSIFIERS[:3]:
        trained, rows = fitted(path, "binary", **params)
        widths = encoded_widths(trained.pipeline[ENCODING], 3, 2)
        encoded = trained.pipeline[ENCODING].transform(rows)
        found = estimators.importance(
            trained.pipeline[ESTIMATOR], encoded, ["age", "spend", "empty", "plan", "country"], widths
        )
        assert widths == [1, 1, 1, 4, 2]
        assert sum(found.values()) == pytest.approx(1.0)
        assert next(iter(found)) in {"age", "plan"}
        assert found["empty"] == 0.0


@pytest.mark.parametrize(
    ("path", "task", "params", "match"),
    [
        ("sklearn.ensemble.RandomForrest", "binary", {}, "no estimator"),
        ("nowhere", "binary", {}, "no estimator"),
        ("sklearn.svm.LinearSVC", "binary", {}, "no probabilities"),
        ("sklearn.linear_model.Ridge", "binary", {}, "no probabilities"),
        ("lightgbm.LGBMClassifier", "regression", {}, "does not predict numbers"),
        ("sklearn.linear_model.LogisticRegression", "binary", {"depth": 3}, "has no parameter depth"),
        ("collections.Counter", "binary", {}, "not an estimator"),
    ],
)
def test_estimators_that_cannot_be_are_told(path: str, task: Any, params: dict[str, Any], match: str) -> None:
    with pytest.raises(ContractError, match=match):
        estimators.make(path, params, task=task, seed=0)


def test_infinite_numbers_are_named() -> None:
    with pytest.raises(DataError, match="spend: 1 of 2 values are infinite"):
        model_frame(pl.DataFrame({"spend": [1e39, 1.0]}), ["spend"], [])


def test_a_threshold_between_two_neighbouring_floats_divides_them_in_the_graph_too() -> None:
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    values = np.tile(np.array([low, high], dtype=np.float32), 50)
    x = model_frame(pl.DataFrame({"x": values}), ["x"], [])
    y = np.tile([0.0, 100.0], 50)
    features = Features.model_validate({"numerical": {"scaler": "none"}})
    model = LGBMRegressor(n_estimators=5, min_child_samples=5, learning_rate=1.0, verbosity=-1)
    pipeline = Pipeline([(ENCODING, encoder(x, features)), (ESTIMATOR, model)]).fit(x, y)
    scores = pipeline.predict(x)
    assert len(set(scores)) == 2
    found = run_graph(to_graph(pipeline, x, classifier=False), x)[:, -1]
    np.testing.assert_allclose(found, scores, rtol=1e-5)
