"""The explanation of a model, read out of its own graph, so that what is explained is what is served.

Coefficients, trees and thresholds are those of the graph, the encoding is the part of the graph before them. The
training rows give what a graph does not hold: the mean of each column, and how many rows came to each node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.explanation import (
    LINKS,
    Explainer,
    Explanation,
    arrays_of,
    explanation_files,
    tolerance_for,
)
from rondo.bundle.manifest import Manifest
from rondo.bundle.model import Model
from rondo.bundle.tree_shap import Trees, count_rows
from rondo.stages.packaging.inputs import Material

COUNTED_ROWS = 200_000  # training rows that are led through the trees
VERIFIED_ROWS, LEAST_VERIFIED, VERIFIED_NODES = 500, 50, 5_000_000  # test rows; rows times nodes
_CHUNK_ROWS = 50_000

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Explained:
    """The files of the explanation by name, or why there are none."""

    files: Mapping[str, bytes]
    why_not: str = ""


class _CannotExplain(Exception):
    """Its text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """The part of the graph that is the model, and its attributes."""

    kind: str
    columns: str  # the tensor that it reads
    said: Mapping[str, Any]


def explain(manifest: Manifest, material: Material, scores: NDArray[np.float64]) -> Explained:
    """What the bundle needs to explain its answers, verified on test rows.

    Args:
        manifest: of the bundle that is made.
        material: what it is made from.
        scores: the graph's answers to the rows of the matrix, as `Bundle.scores` gives them.
    """
    try:
        return Explained(_files(manifest, material, scores))
    except _CannotExplain as reason:
        return Explained({}, str(reason))


def _files(manifest: Manifest, material: Material, scores: NDArray[np.float64]) -> dict[str, bytes]:
    import onnx

    graph = onnx.load_from_string(material.model)
    node = _model_node(graph, manifest.estimator)
    encoding = _encoding(graph, node.columns)
    widths = _widths(graph, len(manifest.numerical), len(manifest.categorical))
    encoded = _encoded(encoding, material, _fitted(material))
    if encoded.shape[1] != sum(widths):
        raise _CannotExplain(f"its {encoded.shape[1]} encoded columns cannot be told apart by feature")
    outputs = len(manifest.classes) if len(manifest.classes) > 2 else 1
    if node.kind.startswith("Linear"):
        made, arrays = _linear(node.said, encoded, outputs)
    else:
        made, arrays = _trees(node.said, encoded, outputs)
    made = replace(made, widths=widths)
    verified = _verified(manifest, material, scores, made, arrays, encoding)
    return explanation_files(verified, arrays, encoding)


_MODELS = ("TreeEnsembleClassifier", "TreeEnsembleRegressor", "LinearClassifier", "LinearRegressor")
_NOT_ONE = "its graph is neither one linear model nor one ensemble of trees that are summed"


def _model_node(graph: Any, estimator: str) -> _Node:
    from onnx import helper

    found = [node for node in graph.graph.node if node.op_type in _MODELS]
    if len(found) != 1:
        raise _CannotExplain(f"{estimator.rpartition('.')[2]} gives no exact contributions: {_NOT_ONE}")
    said = {each.name: helper.get_attribute_value(each) for each in found[0].attribute}
    return _Node(found[0].op_type, found[0].input[0], said)


def _encoding(graph: Any, columns: str) -> bytes:
    """The graph that ends where the model begins."""
    from onnx import TensorProto, helper

    needed, nodes = {columns}, []
    for node in reversed(graph.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    if not nodes:
        nodes, columns = [helper.make_node("Identity", [columns], ["columns"])], "columns"
    part = helper.make_graph(
        nodes[::-1],
        "encoding",
        list(graph.graph.input),
        [helper.make_tensor_value_info(columns, TensorProto.FLOAT, [None, None])],
        [tensor for tensor in graph.graph.initializer if tensor.name in needed],
    )
    made = helper.make_model(part, opset_imports=list(graph.opset_import), ir_version=graph.ir_version)
    return bytes(made.SerializeToString(deterministic=True))


def _widths(graph: Any, numerical: int, categorical: int) -> tuple[int, ...]:
    """Columns per feature: a number has one, a category one or, one-hot, one per known value."""
    from onnx import helper

    hot = [
        len(next(helper.get_attribute_value(each) for each in node.attribute if each.name == "cats_strings"))
        for node in graph.graph.node
        if node.op_type == "OneHotEncoder"
    ]
    return (1,) * numerical + (tuple(hot) if len(hot) == categorical else (1,) * categorical)


def _fitted(material: Material) -> NDArray[np.intp]:
    """The rows that the model was fitted on, at most COUNTED_ROWS of them, evenly chosen."""
    fitted = material.learned | material.judged
    fitted[material.test] = False
    rows = np.flatnonzero(fitted)
    if len(rows) <= COUNTED_ROWS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, COUNTED_ROWS).round().astype(np.intp)]


def _encoded(encoding: bytes, material: Material, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    k, c = material.numerical.shape[1], material.categorical.shape[1]
    model = Model(encoding, numerical=k, categorical=c, where="encoding.onnx")
    parts = [
        model.run(material.numerical[some], material.categorical[some]).astype(np.float32)
        for some in np.split(rows, range(_CHUNK_ROWS, len(rows), _CHUNK_ROWS))
    ]
    return np.concatenate(parts)


def _linear(
    said: Mapping[str, Any], encoded: NDArray[np.float32], outputs: int
) -> tuple[Explanation, Arrays]:
    columns = encoded.shape[1]
    coefficients = np.asarray(said["coefficients"], dtype=np.float64).reshape(-1, columns)[-outputs:]
    intercepts = np.asarray(said.get("intercepts") or [0.0] * outputs, dtype=np.float64)[-outputs:]
    arrays = {"coefficients": coefficients, "background": encoded.mean(axis=0, dtype=np.float64)}
    return Explanation("linear", "identity", outputs, (), tuple(intercepts.tolist())), arrays


def _trees(said: Mapping[str, Any], encoded: NDArray[np.float32], outputs: int) -> tuple[Explanation, Arrays]:
    if said.get("aggregate_function", b"SUM") != b"SUM":
        raise _CannotExplain("its trees are not summed")
    trees = read_trees(said, outputs)
    trees = replace(trees, cover=count_rows(trees, encoded))
    intercept = np.zeros(outputs)
    if base := said.get("base_values"):
        intercept = np.asarray(base, dtype=np.float64)[-outputs:]
    return Explanation("trees", "identity", outputs, (), tuple(intercept.tolist())), arrays_of(trees)


def read_trees(said: Mapping[str, Any], outputs: int) -> Trees:
    """The trees of these attributes of a TreeEnsemble node, roots first; nothing is known of the rows yet."""
    what = "class" if "class_ids" in said else "target"
    tree, number = np.asarray(said["nodes_treeids"]), np.asarray(said["nodes_nodeids"])
    modes = np.asarray(said["nodes_modes"])
    leaf = modes == b"LEAF"
    if strange := set(np.unique(modes[~leaf]).tolist()) - {b"BRANCH_LEQ", b"BRANCH_LT"}:
        raise _CannotExplain(f"its trees ask {sorted(strange)[0].decode()}, not for a threshold")
    by_name = _Names(tree, number)
    left = by_name.places(tree[~leaf], np.asarray(said["nodes_truenodeids"])[~leaf])
    right = by_name.places(tree[~leaf], np.asarray(said["nodes_falsenodeids"])[~leaf])
    child = np.zeros(len(tree), dtype=np.bool_)
    child[left] = child[right] = True
    order = np.lexsort((number, child, tree))
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    ids = np.asarray(said[f"{what}_ids"], dtype=np.intp)
    leaves = by_name.places(np.asarray(said[f"{what}_treeids"]), np.asarray(said[f"{what}_nodeids"]))
    weights = np.asarray(said[f"{what}_weights"], dtype=np.float64)
    if outputs == 1:  # of two classes some graphs weigh both; the second is the one that the score is of
        mine = ids == ids.max()
        ids, leaves, weights = np.zeros(int(mine.sum()), dtype=np.intp), leaves[mine], weights[mine]
    threshold = np.asarray(said["nodes_values"], dtype=np.float32)
    threshold = np.where(modes == b"BRANCH_LT", np.nextafter(threshold, np.float32(-np.inf)), threshold)

    def placed(values: NDArray[np.intp]) -> NDArray[np.intp]:
        whole = np.zeros(len(tree), dtype=np.intp)
        whole[~leaf] = place[values]
        return whole[order]

    return Trees(
        roots=place[np.flatnonzero(~child)][np.argsort(tree[~child], kind="stable")],
        feature=np.where(leaf, -1, np.asarray(said["nodes_featureids"]))[order].astype(np.intp),
        threshold=threshold[order],
        left=placed(left),
        right=placed(right),
        cover=np.zeros(len(tree)),
        leaf_node=place[leaves],
        leaf_output=ids,
        leaf_value=weights,
    )


class _Names:
    """Nodes by the numbers of tree and node."""

    def __init__(self, tree: NDArray[Any], number: NDArray[Any]) -> None:
        self._span = int(number.max()) + 1
        names = tree * self._span + number
        self._order = np.argsort(names)
        self._names = names[self._order]

    def places(self, tree: NDArray[Any], number: NDArray[Any]) -> NDArray[np.intp]:
        """Where those nodes are."""
        found: NDArray[np.intp] = self._order[np.searchsorted(self._names, tree * self._span + number)]
        return found


def _verified(
    manifest: Manifest,
    material: Material,
    scores: NDArray[np.float64],
    made: Explanation,
    arrays: Arrays,
    encoding: bytes,
) -> Explanation:
    """The explanation with the link under which the contributions to test rows add up to their scores."""
    explainer = Explainer(
        made,
        arrays,
        encoding,
        numerical=len(manifest.numerical),
        categorical=len(manifest.categorical),
        where="explanation",
    )
    rows = material.test[
        np.linspace(0, len(material.test) - 1, _affordable(material, arrays)).round().astype(int)
    ]
    found = explainer.contributions(material.numerical[rows], material.categorical[rows])
    worst, within = np.inf, tolerance_for(_terms(arrays))
    for link in LINKS:
        gap = float(replace(found, link=link).gaps(scores[rows]).max())
        if gap <= within:
            return replace(made, link=link, tolerance=within, additivity=gap, verified_rows=len(rows))
        worst = min(worst, gap)
    raise _CannotExplain(
        f"base and contributions miss the score by {worst:.2g} on {len(rows)} test rows, more than {within:.2g}"
    )


def _terms(arrays: Arrays) -> int:
    """How many terms the graph adds up: one per tree, or one per column."""
    return len(arrays["roots"]) if "roots" in arrays else arrays["coefficients"].shape[1]


def _affordable(material: Material, arrays: Arrays) -> int:
    """How many test rows are explained: a forest of many nodes takes longer for each."""
    nodes = len(arrays["feature"]) if "feature" in arrays else 1
    wished = min(VERIFIED_ROWS, max(LEAST_VERIFIED, VERIFIED_NODES // nodes))
    return min(wished, len(material.test))
