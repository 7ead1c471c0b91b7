"""Graphs that reach outside their file or the standard are refused before the runtime sees them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper

from rondo.bundle.graph import check_graph
from rondo.errors import CorruptArtifact
from rondo.testing.bundles import tiny_graph, tiny_plan


@pytest.fixture
def model() -> ModelProto:
    return ModelProto.FromString(tiny_graph(tiny_plan(), 0.1))


def test_a_standard_graph_passes(model: ModelProto) -> None:
    check_graph(model.SerializeToString(), where="x")


def test_another_domain_is_refused(model: ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(CorruptArtifact, match=r"domain 'com\.microsoft'"):
        check_graph(model.SerializeToString(), where="x")


def test_data_outside_the_file_is_refused(model: ModelProto) -> None:
    weights = model.graph.initializer[0]
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    with pytest.raises(CorruptArtifact, match="data outside the file"):
        check_graph(model.SerializeToString(), where="x")


def test_data_outside_the_file_is_found_inside_attributes(model: ModelProto) -> None:
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    with pytest.raises(CorruptArtifact, match="data outside the file"):
        check_graph(model.SerializeToString(), where="x")


def test_functions_are_refused(model: ModelProto) -> None:
    model.functions.add().name = "f"
    with pytest.raises(CorruptArtifact, match="functions of its own"):
        check_graph(model.SerializeToString(), where="x")


def test_long_runs_of_tree_numbers_hide_nothing(model: ModelProto) -> None:
    node = helper.make_node(
        "TreeEnsembleClassifier",
        [],
        ["c"],
        domain="ai.onnx.ml",
        nodes_values=[0.5] * 1000,
        nodes_treeids=[300] * 1000,
        nodes_modes=["BRANCH_LEQ", "LEAF"] * 500,
    )
    model.graph.node.append(node)
    check_graph(model.SerializeToString(), where="x")
    node.attribute.append(
        helper.make_attribute("t", TensorProto(data_type=1, dims=[1], data_location=TensorProto.EXTERNAL))
    )
    model.graph.node.append(node)
    with pytest.raises(CorruptArtifact, match="data outside the file"):
        check_graph(model.SerializeToString(), where="x")


@given(st.binary(max_size=300))
def test_any_bytes_are_accepted_or_refused_but_never_crash(data: bytes) -> None:
    with contextlib.suppress(CorruptArtifact):
        check_graph(data, where="x")
