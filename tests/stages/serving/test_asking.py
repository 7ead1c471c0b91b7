"""The protocols' bodies, as rows by name."""

from __future__ import annotations

from typing import Any

import pytest

from rondo.stages.serving.asking import read_infer, read_invocations, read_predict
from rondo.stages.serving.problems import Refusal
from rondo.testing.bundles import tiny_plan

PLAN = tiny_plan()
ROW = {"age": 1.5, "plan": "pro"}


def tensor(name: str, data: list[Any], datatype: str = "FP64", shape: Any = None) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def test_predict_takes_one_row_or_many() -> None:
    assert read_predict(ROW, PLAN).rows == (ROW,)
    assert read_predict({"rows": [ROW, ROW]}, PLAN).rows == [ROW, ROW]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["age", "plan"], "index": [0], "data": [[1.5, "pro"]]}},
        {"dataframe_records": [ROW]},
        {"instances": [ROW]},
        {"inputs": [ROW]},
        {"inputs": {"age": [1.5], "plan": ["pro"]}},
        {"dataframe_records": [ROW], "params": {}},
    ],
)
def test_every_form_of_mlflow_gives_the_row(body: Any) -> None:
    assert read_invocations(body, PLAN).rows == [ROW]


def test_instances_without_names_are_in_the_order_of_the_features() -> None:
    assert read_invocations({"instances": [[1.5, 2.0, "pro"]]}, PLAN).rows == [
        {"age": 1.5, "spend_30d": 2.0, "plan": "pro"}
    ]


def test_tensors_are_columns() -> None:
    body = {
        "id": "mine",
        "inputs": [tensor("age", [1.5, 2]), tensor("plan", ["pro", "basic"], "BYTES", [2, 1])],
    }
    asked = read_infer(body, PLAN)
    assert asked.rows == [{"age": 1.5, "plan": "pro"}, {"age": 2, "plan": "basic"}]
    assert asked.id == "mine"


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (read_predict, None),
        (read_predict, []),
        (read_predict, "str"),
        (read_predict, 42),
        (read_predict, {}),
        (read_predict, {"rows": []}),
        (read_predict, {"rows": {}}),
        (read_predict, {"rows": [1]}),
        (read_predict, {"rows": [ROW], "age": 1}),
        (read_invocations, {}),
        (read_invocations, {"instances": [ROW], "inputs": [ROW]}),
        (read_invocations, {"instances": [ROW], "more": 1}),
        (read_invocations, {"instances": [ROW], "params": {"temperature": 1}}),
        (read_invocations, {"instances": []}),
        (read_invocations, {"inputs": {"age": [1, 2], "plan": ["pro"]}}),
        (read_invocations, {"inputs": {"age": 1}}),
        (read_invocations, {"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}),
        (read_invocations, {"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}),
        (read_invocations, {"dataframe_split": {"columns": ["a"], "data": [[1]], "x": 1}}),
        (read_invocations, {"dataframe_split": [1]}),
        (read_infer, {}),
        (read_infer, {"inputs": []}),
        (read_infer, {"inputs": [1]}),
        (read_infer, {"inputs": [tensor("a", [1]), tensor("a", [1])]}),
        (read_infer, {"inputs": [tensor("a", [1], shape=[2])]}),
        (read_infer, {"inputs": [tensor("a", [1.5], "INT64")]}),
        (read_infer, {"inputs": [tensor("a", [True], "FP32")]}),
        (read_infer, {"inputs": [tensor("a", [1], "STRING")]}),
        (read_infer, {"inputs": [tensor("a", [1]), tensor("b", [1, 2])]}),
    ],
)
def test_what_asks_nothing_that_can_be_answered_is_refused(read: Any, body: Any) -> None:
    with pytest.raises(Refusal) as refused:
        read(body, PLAN)
    assert refused.value.status == 422
    assert refused.value.faults
