"""The model graph, run by ONNX Runtime: matrix in, numbers out."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rondo.bundle.graph import check_graph
from rondo.errors import CorruptArtifact

NUMERICAL, CATEGORICAL = "num", "cat"
_FLOATS = frozenset({"tensor(float)", "tensor(double)"})
_NONE = np.array(None, dtype=object)


def missing_words(categorical: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Where a category is missing (None), in the shape of the argument."""
    return np.asarray(np.equal(categorical, _NONE), dtype=np.bool_)


class Model:
    """A loaded graph. Safe to call from several threads; one call uses one core."""

    def __init__(self, graph: bytes, *, numerical: int, categorical: int, where: str) -> None:
        """Loads it.

        Args:
            graph: the bytes of the ONNX file.
            numerical: how many numerical features it takes.
            categorical: how many categorical ones.
            where: for errors.

        Raises:
            CorruptArtifact: it is no graph, or one with other inputs or outputs than a bundle's.
        """
        check_graph(graph, where=where)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's own errors share no public base
            raise CorruptArtifact(
                f"ONNX Runtime cannot load the graph: {str(error)[:300]}",
                where=where,
                mend="Convert the model again, for this version of ONNX Runtime",
            ) from error
        self._where = where
        self._takes_numbers, self._takes_words = self._check_inputs(numerical, categorical)
        self._outputs = [self._numbers_out()]
        self._run = self._session.run

    def _check_inputs(self, numerical: int, categorical: int) -> tuple[bool, bool]:
        found = {one.name: (one.type, one.shape) for one in self._session.get_inputs()}
        asked = {NUMERICAL: ("tensor(float)", numerical), CATEGORICAL: ("tensor(string)", categorical)}
        for name, (kind, width) in asked.items():
            if not width:
                if name in found:
                    raise self._refuse(f"it takes {name!r}, for which the plan has no features")
                continue
            if name not in found:
                raise self._refuse(f"it has no input {name!r}; its inputs are {sorted(found)}")
            found_kind, shape = found[name]
            if found_kind != kind or len(shape) != 2 or shape[1] not in (width, None):
                raise self._refuse(f"its input {name!r} is {found_kind} {shape}, not {kind} [n, {width}]")
        if strange := sorted(set(found) - set(asked)):
            raise self._refuse(f"it has inputs that a bundle does not know: {strange}")
        return bool(numerical), bool(categorical)

    def _numbers_out(self) -> str:
        names = [one.name for one in self._session.get_outputs() if one.type in _FLOATS]
        if not names:
            raise self._refuse("it gives no tensor of numbers")
        return str(names[-1])  # a classifier gives its label first, its probabilities last

    def _refuse(self, what: str) -> CorruptArtifact:
        return CorruptArtifact(
            f"the graph cannot be served: {what}",
            where=self._where,
            rule=f"Inputs are {NUMERICAL!r} float [n, k] and {CATEGORICAL!r} string [n, c]; "
            "the last output is the probabilities or the number",
        )

    def run(self, numerical: NDArray[np.float32], categorical: NDArray[np.object_]) -> NDArray[np.float64]:
        """[n, outputs]: the probability of every class, or the number, row by row in order.

        Args:
            numerical: [n, k]; missing = NaN.
            categorical: [n, c]; missing = None or "".
        """
        inputs: dict[str, Any] = {}
        if self._takes_numbers:
            inputs[NUMERICAL] = numerical
        if self._takes_words:
            inputs[CATEGORICAL] = np.where(missing_words(categorical), "", categorical)
        (answer,) = self._run(self._outputs, inputs)
        numbers = np.asarray(answer, dtype=np.float64)
        return numbers.reshape(len(numbers), -1)
