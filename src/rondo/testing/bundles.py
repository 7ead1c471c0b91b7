"""Small real bundles for tests: a logistic model over the features of a plan, written as an ONNX graph.

The answers of their golden rows are computed here with NumPy, so a bundle that loads has been checked against
something that is not ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.bundle import Bundle, load_bundle, write_bundle
from rondo.bundle.explanation import Explanation, explanation_files
from rondo.bundle.golden import as_golden
from rondo.bundle.manifest import Manifest
from rondo.bundle.plan import FeaturePlan, HistoryFeature, PlanInput, StatelessFeature
from rondo.bundle.reference import describe_rows

PLANS = ("basic", "pro", "team")


def tiny_plan(*, with_store: bool = True, width: int = 1) -> FeaturePlan:
    """A plan with numbers `age`, `age_2`, …, a category `plan` and, from the store, a history `spend_30d`."""
    numbers = tuple("age" if place == 0 else f"age_{place + 1}" for place in range(width))
    history = (HistoryFeature("spend_30d", "sum", "spend", 30 * 86_400.0, default=0.0),) if with_store else ()
    return FeaturePlan(
        entity="user_id",
        event_time="event_time",
        inputs=(*(PlanInput(name, "float") for name in numbers), PlanInput("plan", "string")),
        history=history,
        stateless=tuple(StatelessFeature(name, "column", (name,)) for name in (*numbers, "plan")),
        numerical=(*numbers, *(feature.name for feature in history)),
        categorical=("plan",),
        views={"user_features": ("spend_30d", "plan", *numbers)} if with_store else {},
        entity_type="int",
    )


def tiny_bundle(
    folder: Path,
    version: str = "1.0.0",
    *,
    plan: FeaturePlan | None = None,
    slope: float = 0.05,
    rows: int = 200,
    project: str = "tiny",
    python: Mapping[str, bytes] | None = None,
    explained: bool = False,
) -> Bundle:
    """A verified bundle at `folder`; another `slope` gives another model of the same features.

    With `explained` it tells what its answers are made of.
    """
    plan = plan or tiny_plan()
    numbers, words = tiny_rows(plan, rows)
    probabilities = tiny_answers(plan, numbers, words, slope)
    labels = ["yes" if score >= 0.5 else "no" for score in probabilities]
    manifest = Manifest(
        project=project,
        version=version,
        version_reason="made for a test",
        problem_type="binary_classification",
        target="churned",
        positive="yes",
        classes=("no", "yes"),
        threshold=0.5,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        files={},
        numerical=plan.numerical,
        categorical=plan.categorical,
        categories=dict.fromkeys(plan.categorical, PLANS),
        estimator="logistic",
        params={"slope": slope},
        metrics={"auc_roc": 0.8},
        lineage={"plan_hash": plan.hash},
    )
    reference = describe_rows(
        (plan.numerical, plan.categorical), numbers, words, probabilities, labels, bins=10
    )
    write_bundle(
        folder,
        manifest,
        model=tiny_graph(plan, slope),
        plan=plan,
        reference=reference,
        golden=as_golden(numbers[:8], words[:8], probabilities[:8]),
        python=python,
        explanation=tiny_explanation(plan, slope, numbers, words) if explained else None,
    )
    return load_bundle(folder)


def tiny_rows(plan: FeaturePlan, rows: int) -> tuple[NDArray[np.float32], NDArray[np.object_]]:
    """Rows of the plan's features, some values missing."""
    chance = np.random.default_rng(7)
    numbers = chance.normal(40.0, 15.0, (rows, len(plan.numerical))).astype(np.float32)
    numbers[chance.random(numbers.shape) < 0.05] = np.nan
    words = np.empty((rows, len(plan.categorical)), dtype=object)
    for row, column in np.ndindex(words.shape):
        words[row, column] = None if chance.random() < 0.05 else str(chance.choice(PLANS))
    return numbers, words


def tiny_answers(
    plan: FeaturePlan, numbers: NDArray[np.float32], words: NDArray[np.object_], slope: float
) -> NDArray[np.float64]:
    """What the model says, computed without it: missing numbers count as 0, unknown categories as nothing."""
    total = np.nan_to_num(numbers.astype(np.float64), nan=0.0) @ np.full(len(plan.numerical), slope)
    for place, name in enumerate(PLANS):
        total += (words == name).sum(axis=1) * 0.5 * place
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(2.0 - total))
    return result


def tiny_graph(plan: FeaturePlan, slope: float, *, shift: float = 0.0) -> bytes:
    """The model as ONNX; `shift` makes it answer otherwise than `tiny_answers` says."""
    from onnx import TensorProto, helper, numpy_helper

    width, words = len(plan.numerical), len(plan.categorical)

    def constant(name: str, values: Sequence[float] | NDArray[np.float32]) -> TensorProto:
        return numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)

    nodes = [
        helper.make_node("IsNaN", ["num"], ["absent"]),
        helper.make_node("Where", ["absent", "zero", "num"], ["filled"]),
        helper.make_node("MatMul", ["filled", "slopes"], ["from_numbers"]),
        helper.make_node(
            "OneHotEncoder", ["cat"], ["codes"], domain="ai.onnx.ml", cats_strings=list(PLANS), zeros=1
        ),
        helper.make_node("ReduceSum", ["codes", "axis"], ["code"], keepdims=0),
        helper.make_node("MatMul", ["code", "steps"], ["from_words"]),
        helper.make_node("Sum", ["from_numbers", "from_words", "offset"], ["total"]),
        helper.make_node("Sigmoid", ["total"], ["yes"]),
        helper.make_node("Sub", ["one", "yes"], ["no"]),
        helper.make_node("Concat", ["no", "yes"], ["probabilities"], axis=1),
    ]
    constants = [
        constant("zero", [0.0]),
        constant("one", [1.0]),
        constant("offset", [-2.0 + shift]),
        constant("slopes", np.full((width, 1), slope)),
        constant("steps", np.array([[0.5 * place] for place in range(len(PLANS))])),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("num", TensorProto.FLOAT, [None, width]),
            helper.make_tensor_value_info("cat", TensorProto.STRING, [None, words]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
        initializer=constants,
    )
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(made.SerializeToString())


def tiny_explanation(
    plan: FeaturePlan, slope: float, numbers: NDArray[np.float32], words: NDArray[np.object_]
) -> dict[str, bytes]:
    """The contributions of the model of `tiny_graph`, around the means of these rows; of one category."""
    width = len(plan.numerical)
    filled = np.nan_to_num(numbers.astype(np.float64), nan=0.0).mean(axis=0)
    shares = [(words == name).mean() for name in PLANS]
    arrays = {
        "coefficients": np.array([[slope] * width + [0.5 * place for place in range(len(PLANS))]]),
        "background": np.array([*filled, *shares]),
    }
    record = Explanation("linear", "logistic", 1, (1,) * width + (len(PLANS),), (-2.0,))
    return explanation_files(record, arrays, _tiny_encoding(width))


def _tiny_encoding(width: int) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("IsNaN", ["num"], ["absent"]),
        helper.make_node("Where", ["absent", "zero", "num"], ["filled"]),
        helper.make_node(
            "OneHotEncoder", ["cat"], ["codes"], domain="ai.onnx.ml", cats_strings=list(PLANS), zeros=1
        ),
        helper.make_node("Reshape", ["codes", "flat"], ["hot"]),
        helper.make_node("Concat", ["filled", "hot"], ["columns"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "encoding",
        [
            helper.make_tensor_value_info("num", TensorProto.FLOAT, [None, width]),
            helper.make_tensor_value_info("cat", TensorProto.STRING, [None, 1]),
        ],
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, [None, width + len(PLANS)])],
        initializer=[
            numpy_helper.from_array(np.zeros(1, dtype=np.float32), "zero"),
            numpy_helper.from_array(np.array([-1, len(PLANS)], dtype=np.int64), "flat"),
        ],
    )
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


STORED: Mapping[int, Mapping[str, object]] = {
    key: {
        "spend_30d": 10.0 * key,
        "plan": PLANS[key % len(PLANS)],
        "age": 20.0 + key,
        "_event_timestamp": datetime(2026, 1, 1, tzinfo=UTC),
    }
    for key in range(1, 51)
}
"""What a store may hold for the entities 1 to 50 of `tiny_plan()`."""
