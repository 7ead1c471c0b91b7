"""Encoders and model as one ONNX graph: inputs `num` float32 [n, k] and `cat` string [n, c], one matrix of answers.

The same fitted pipeline gives the same bytes. A graph is compared with the pipeline before it is believed.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from rondo.bundle.golden import TOLERANCE, differences
from rondo.bundle.model import Model
from rondo.errors import ContractError
from rondo.records.weighted_metrics import Task
from rondo.stages.training import estimators
from rondo.stages.training.encoding import ENCODING, ESTIMATOR, arrays

OPSET = {"": 15, "ai.onnx.ml": 3}
ROWS_AT_ONCE = 50_000
Floats = NDArray[np.float64]


def to_graph(fitted: Any, frame: pd.DataFrame, *, classifier: bool) -> bytes:
    """The graph of a fitted pipeline (or of its encoding alone) for such frames.

    Raises:
        ContractError: the estimator cannot be written as a graph.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converters' own deprecations
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType

        numbers, words = arrays(frame[:0])
        inputs = [
            (name, kind([None, width]))
            for name, kind, width in (
                ("num", FloatTensorType, numbers.shape[1]),
                ("cat", StringTensorType, words.shape[1]),
            )
            if width
        ]
        _register_lightgbm()
        options = {id(fitted): {"zipmap": False}} if classifier else None
        try:
            graph = convert_sklearn(
                fitted, name="rondo", initial_types=inputs, options=options, target_opset=OPSET
            )
        except Exception as error:  # each converter raises its own
            raise ContractError(
                f"the model cannot be written as an ONNX graph: {' '.join(str(error).split())[:300]}",
                where="training.candidates",
                rule="A model is served as a graph, without Python code of its own",
                mend="Choose an estimator that skl2onnx converts, such as LightGBM, a forest or a linear model.",
            ) from error
    return bytes(graph.SerializeToString(deterministic=True))


def run_graph(graph: bytes, frame: pd.DataFrame) -> Floats:
    """[n, outputs]: what the graph says of the rows."""
    numbers, words = arrays(frame)
    model = Model(graph, numerical=numbers.shape[1], categorical=words.shape[1], where="model.onnx")
    parts = [
        model.run(numbers[start : start + ROWS_AT_ONCE], words[start : start + ROWS_AT_ONCE])
        for start in range(0, len(frame), ROWS_AT_ONCE)
    ]
    return np.concatenate(parts)


def answers(outputs: Floats, task: Task) -> Floats:
    """The graph's outputs in the shape of `estimators.scores`."""
    if task == "multiclass":
        return outputs
    return outputs[:, -1]


class Trained:
    """A fitted pipeline with its graph, and how far apart they are on rows that it was not fitted on."""

    def __init__(
        self, pipeline: Pipeline, graph: bytes, scores: Floats, difference: float, mended: bool
    ) -> None:
        self.pipeline, self.graph = pipeline, graph
        self.scores = scores  # of the trained model, not of the graph, on the rows that were compared
        self.difference, self.mended = difference, mended


def convert(pipeline: Pipeline, frame: pd.DataFrame, y: Floats, compare: pd.DataFrame, task: Task) -> Trained:
    """The fitted pipeline with a graph that agrees with it within 1e-5 on every row of `compare`.

    Where rounding in the scaler lets a row fall to another side of a split, the estimator is fitted again on what
    the graph of the encoding gives, so that it has seen exactly what it will be served.

    Raises:
        ContractError: they do not agree then either, or there is no graph of such an estimator.
    """
    classifier = task != "regression"
    graph = to_graph(pipeline, compare, classifier=classifier)
    scores = estimators.scores(pipeline, compare, task)
    difference = _largest(answers(run_graph(graph, compare), task), scores)
    if difference <= TOLERANCE:
        return Trained(pipeline, graph, scores, difference, mended=False)
    encoding = to_graph(pipeline[ENCODING], compare, classifier=False)
    estimator = pipeline[ESTIMATOR]
    estimators.fit(estimator, run_graph(encoding, frame).astype(np.float32), y, classification=classifier)
    graph = to_graph(pipeline, compare, classifier=classifier)
    scores = estimators.scores(estimator, run_graph(encoding, compare).astype(np.float32), task)
    mended = _largest(answers(run_graph(graph, compare), task), scores)
    if mended > TOLERANCE:
        raise ContractError(
            f"the graph of {type(estimator).__name__} answers otherwise than the model, by up to {mended:.2g}",
            where="training.candidates",
            rule=f"They agree within {TOLERANCE:g} on every test row",
            mend="Choose another estimator, or features whose values float32 can hold.",
        )
    return Trained(pipeline, graph, scores, mended, mended=True)


def _largest(found: Floats, recorded: Floats) -> float:
    return float(differences(found, recorded.reshape(len(recorded), -1)).max(initial=0.0))


class _FlooredThresholds:
    """A converter's container that rounds the thresholds of trees down to float32.

    LightGBM splits between two float32 values at a float64; rounded to the nearest float32 it may become the upper
    one, and that value falls to the other side. For every float32 x, x <= t exactly when x <= t rounded down.
    """

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *args: Any, **attributes: Any) -> None:
        """As the container does."""
        if (values := attributes.get("nodes_values")) is not None:
            exact = np.asarray(values, dtype=np.float64)
            near = exact.astype(np.float32)
            below = np.nextafter(near, np.float32(-np.inf))
            attributes["nodes_values"] = np.where(near > exact, below, near).tolist()
        self._container.add_node(*args, **attributes)


@cache
def _register_lightgbm() -> None:
    """Makes LightGBM's estimators known to skl2onnx, where LightGBM is installed."""
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    except ImportError:
        return
    from skl2onnx import update_registered_converter

    def convert_exactly(scope: Any, operator: Any, container: Any) -> None:
        convert_lightgbm(scope, operator, _FlooredThresholds(container))

    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        calculate_linear_classifier_output_shapes,
        convert_exactly,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        LGBMRegressor,
        "LightGbmLGBMRegressor",
        calculate_linear_regressor_output_shapes,
        convert_exactly,
        options={"split": None},
    )
