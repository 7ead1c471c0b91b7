"""Why a row is answered as it is: contributions of the features that add up to the answer.

A bundle that explains holds three files more:

    explanation.json   this record: which method, on which scale the contributions add up
    explanation.npz    its arrays, without pickle: coefficients, or trees with the training rows of each node
    encoding.onnx      the graph of the encoding alone, as the model's graph has it: its output is what the
                       coefficients and the thresholds speak of

For every row and output: score = link(base + sum of contributions). Contributions of the columns that a feature
was encoded into are summed. Linear models: coefficient times (value - mean over the training rows). Trees: the
path-dependent Shapley values of tree_shap.py.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.model import Model
from rondo.bundle.tree_shap import Trees, TreeShap
from rondo.errors import CorruptArtifact
from rondo.records.files import from_json, to_json

RECORD, ARRAYS, ENCODING = "explanation.json", "explanation.npz", "encoding.onnx"
FILES = (RECORD, ARRAYS, ENCODING)
ADDITIVITY = 1e-6
FLOAT32_ROUNDING = 2.0**-24


def tolerance_for(terms: int) -> float:
    """How far link(base + sum of contributions) may be from the score, where that is the sum of so many terms.

    The contributions are float64, the graph sums in float32: of n terms it may be off by n roundings, relative to
    the sum of their sizes (Higham 2002, 4.2). Measured differences are mostly a tenth of that.
    """
    return max(ADDITIVITY, terms * FLOAT32_ROUNDING)


Floats = NDArray[np.float64]
Link = Literal["identity", "logistic", "softmax", "exp"]
SCALES: Mapping[Link, str] = {
    "logistic": "log-odds",
    "softmax": "log of the unnormalised probability",
    "exp": "log of the value",
}
LINKS: tuple[Link, ...] = ("identity", "logistic", "softmax", "exp")


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the contributions of a model are computed and read."""

    method: Literal["linear", "trees"]
    link: Link
    outputs: int  # 1, or one per class where there are more than two
    widths: tuple[int, ...]  # encoded columns per feature, in the order of the plan
    intercept: tuple[float, ...]  # per output
    tolerance: float = ADDITIVITY
    additivity: float = 0.0  # the largest gap that was found on the rows with which it was verified
    verified_rows: int = 0

    def scale(self, *, classification: bool) -> str:
        """On which scale base and contributions add up, in words."""
        return SCALES.get(self.link) or ("probability" if classification else "value")


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """`values` [n, outputs, features] in the order of the plan; `base` [outputs] the same for every row."""

    base: Floats
    values: Floats
    link: Link

    @property
    def margins(self) -> Floats:
        """[n, outputs]: base and contributions summed, before the link."""
        result: Floats = self.base + self.values.sum(axis=2)
        return result

    @property
    def scores(self) -> Floats:
        """[n] or [n, classes], as the model's scores are."""
        return apply_link(self.link, self.margins)

    def gaps(self, scores: Floats) -> Floats:
        """[n]: how far the scores are from these contributions, relative to the size of what is summed where that
        is greater than 1; infinite for NaN."""
        recorded = scores.reshape(len(scores), -1)
        terms = np.abs(self.base) + np.abs(self.values).sum(axis=2)
        size = np.maximum(1.0, np.abs(recorded))
        if self.link == "identity":
            size = np.maximum(size, terms)
        elif self.link == "exp":
            size *= np.maximum(1.0, terms)
        gap = np.abs(self.scores.reshape(recorded.shape) - recorded) / size
        result: Floats = np.nan_to_num(gap, nan=np.inf, posinf=np.inf).max(axis=1, initial=0.0)
        return result


def apply_link(link: Link, margins: Floats) -> Floats:
    """The scores of these margins [n, outputs]: [n] for one output, else [n, outputs]."""
    with np.errstate(over="ignore", under="ignore"):
        match link:
            case "identity":
                scores = margins
            case "exp":
                scores = np.exp(margins)
            case "logistic":
                scores = 1.0 / (1.0 + np.exp(-margins))
            case "softmax":
                shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
                scores = shifted / shifted.sum(axis=1, keepdims=True)
    return scores[:, 0] if scores.shape[1] == 1 else scores


class Explainer:
    """Computes contributions. Safe to use from several threads."""

    def __init__(
        self,
        record: Explanation,
        arrays: Mapping[str, NDArray[np.generic]],
        encoding: bytes,
        *,
        numerical: int,
        categorical: int,
        where: str,
    ) -> None:
        """
        Args:
            record: what explanation.json holds.
            arrays: what explanation.npz holds.
            encoding: the graph of encoding.onnx.
            numerical: how many numerical features the model takes.
            categorical: how many categorical ones.
            where: for errors.

        Raises:
            CorruptArtifact: the parts do not fit each other.
        """
        self.record = record
        self._encoding = Model(encoding, numerical=numerical, categorical=categorical, where=where)
        try:
            feature_of = np.repeat(np.arange(len(record.widths)), record.widths)
            made = _Linear if record.method == "linear" else _Forest
            self._parts: _Linear | _Forest = made(arrays, feature_of, record)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise CorruptArtifact(
                f"the explanation's arrays do not fit its record: {error}",
                where=where,
                mend="Package the model again.",
            ) from error
        self.base: Floats = np.asarray(record.intercept) + self._parts.base
        """[outputs]: what the margin is for a row of which nothing is known."""

    def contributions(
        self, numerical: NDArray[np.float32], categorical: NDArray[np.object_]
    ) -> Contributions:
        """The contributions to the scores of these rows, given as to `Bundle.scores`."""
        encoded = self.encoded(numerical, categorical)
        return Contributions(self.base, self._parts.contributions(encoded), self.record.link)

    def encoded(
        self, numerical: NDArray[np.float32], categorical: NDArray[np.object_]
    ) -> NDArray[np.float32]:
        """[n, columns]: the rows as coefficients and thresholds take them."""
        return self._encoding.run(numerical, categorical).astype(np.float32)


class _Linear:
    """Coefficient times distance from the mean of the training rows."""

    def __init__(
        self, arrays: Mapping[str, NDArray[np.generic]], feature_of: NDArray[np.intp], record: Explanation
    ) -> None:
        self._coefficients = np.asarray(arrays["coefficients"], dtype=np.float64)
        self._background = np.asarray(arrays["background"], dtype=np.float64)
        if self._coefficients.shape != (record.outputs, len(feature_of)):
            raise ValueError(f"coefficients of the shape {self._coefficients.shape}")
        self._starts = np.searchsorted(feature_of, np.arange(len(record.widths)))
        self.base: Floats = self._coefficients @ self._background

    def contributions(self, encoded: NDArray[np.float32]) -> Floats:
        """[n, outputs, features]"""
        parts = self._coefficients * (encoded - self._background)[:, None, :]
        summed: Floats = np.add.reduceat(parts, self._starts, axis=2)
        return summed


class _Forest:
    """Path-dependent Shapley values."""

    def __init__(
        self, arrays: Mapping[str, NDArray[np.generic]], feature_of: NDArray[np.intp], record: Explanation
    ) -> None:
        self._shap = TreeShap(trees_from(arrays), feature_of, record.outputs)
        self.base = self._shap.base

    def contributions(self, encoded: NDArray[np.float32]) -> Floats:
        """[n, outputs, features]"""
        return self._shap.contributions(encoded)


_TREE_ARRAYS: Mapping[str, tuple[str, str]] = {  # name -> in the file, in memory
    "roots": ("<i4", "intp"),
    "feature": ("<i4", "intp"),
    "threshold": ("<f4", "float32"),
    "left": ("<i4", "intp"),
    "right": ("<i4", "intp"),
    "cover": ("<f8", "float64"),
    "leaf_node": ("<i4", "intp"),
    "leaf_output": ("<i4", "intp"),
    "leaf_value": ("<f4", "float64"),
}


def trees_from(arrays: Mapping[str, NDArray[np.generic]]) -> Trees:
    """The trees of these arrays."""
    return Trees(**{name: np.asarray(arrays[name]).astype(kind) for name, (_, kind) in _TREE_ARRAYS.items()})


def arrays_of(trees: Trees) -> dict[str, NDArray[np.generic]]:
    """The arrays of these trees, as a file keeps them."""
    return {name: np.asarray(getattr(trees, name)).astype(kind) for name, (kind, _) in _TREE_ARRAYS.items()}


def explanation_files(
    record: Explanation, arrays: Mapping[str, NDArray[np.generic]], encoding: bytes
) -> dict[str, bytes]:
    """The three files of a bundle that explains, by name."""
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    return {RECORD: to_json(record), ARRAYS: packed.getvalue(), ENCODING: encoding}


def read_explainer(
    contents: Mapping[str, bytes], *, numerical: int, categorical: int, where: str
) -> Explainer:
    """The explainer in these files, by name.

    Raises:
        CorruptArtifact: they are not what `explanation_files` makes.
    """
    record = from_json(contents[RECORD], Explanation, where=f"{where}/{RECORD}")
    try:
        with np.load(io.BytesIO(contents[ARRAYS]), allow_pickle=False) as packed:
            arrays = {name: packed[name] for name in packed.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise CorruptArtifact(f"not arrays: {error}", where=f"{where}/{ARRAYS}") from error
    return Explainer(
        record, arrays, contents[ENCODING], numerical=numerical, categorical=categorical, where=where
    )
