"""Encoders and scaler: one scikit-learn ColumnTransformer, fitted on training rows only, that ONNX can repeat.

The matrix enters as a frame of float32 columns n0, n1 … and of string columns c0, c1 … ("" where a category is
missing). These names are safe for every estimator whatever the features are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from rondo.contract.features import Features
from rondo.errors import DataError, Problem

MAX_CATEGORIES = 200  # of a feature; rarer ones are treated like unseen ones
ENCODING, ESTIMATOR = "encoding", "estimator"  # steps of the pipeline


def model_frame(matrix: pl.DataFrame, numerical: Sequence[str], categorical: Sequence[str]) -> pd.DataFrame:
    """The matrix as the pipelines take it, row by row in order.

    Raises:
        DataError: a number is infinite.
    """
    columns: dict[str, NDArray[Any]] = {}
    problems = []
    for place, name in enumerate(numerical):
        values = matrix[name].cast(pl.Float32).fill_null(np.nan).to_numpy()
        if infinite := int(np.isinf(values).sum()):
            problems.append(Problem(name, f"{infinite} of {len(values)} values are infinite in float32"))
        columns[f"n{place}"] = values
    for place, name in enumerate(categorical):
        words = np.empty(matrix.height, dtype=object)
        words[:] = matrix[name].cast(pl.String).fill_null("").to_list()
        columns[f"c{place}"] = words
    if problems:
        raise DataError("numbers that no model can learn from", problems=problems)
    return pd.DataFrame(columns, index=pd.RangeIndex(matrix.height))


def arrays(frame: pd.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.object_]]:
    """The frame as the graph takes it: [n, k] float32 and [n, c] strings."""
    numerical, categorical = _columns(frame)
    numbers = (
        frame[numerical].to_numpy(dtype=np.float32) if numerical else np.empty((len(frame), 0), np.float32)
    )
    words = frame[categorical].to_numpy(dtype=object) if categorical else np.empty((len(frame), 0), object)
    return numbers, words


def encoder(frame: pd.DataFrame, how: Features) -> ColumnTransformer:
    """An unfitted encoder for such frames; the categories that it will know are those of these rows."""
    numerical, categorical = _columns(frame)
    parts: list[tuple[str, Any, list[int]]] = []
    if numerical:
        parts.append(("numerical", _for_numbers(how), list(range(len(numerical)))))
    if categorical:
        known = [known_categories(frame[name]) for name in categorical]
        places = list(range(len(numerical), len(numerical) + len(categorical)))
        parts.append(("categorical", _for_words(how, known), places))
    return ColumnTransformer(parts, sparse_threshold=0.0, verbose_feature_names_out=False)


def known_categories(words: pd.Series) -> list[str]:
    """The most frequent categories, in the order of the alphabet; at least one."""
    counted = sorted(Counter(words.tolist()).items(), key=lambda item: (-item[1], item[0]))
    return sorted(word for word, _ in counted[:MAX_CATEGORIES]) or [""]


def encoded_widths(fitted: ColumnTransformer, numerical: int, categorical: int) -> list[int]:
    """How many columns each feature has after encoding, in order."""
    if not categorical:
        return [1] * numerical
    words = fitted.named_transformers_["categorical"]
    widths = (
        [len(known) for known in words.categories_] if isinstance(words, OneHotEncoder) else [1] * categorical
    )
    return [1] * numerical + widths


def _columns(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    names = [str(name) for name in frame.columns]
    return [name for name in names if name[0] == "n"], [name for name in names if name[0] == "c"]


def _for_numbers(how: Features) -> Pipeline:
    match how.numerical.impute:
        case "zero":
            imputer = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
        case strategy:
            imputer = SimpleImputer(strategy=strategy, keep_empty_features=True)
    scaler = [("scaler", StandardScaler())] if how.numerical.scaler == "standard" else []
    return Pipeline([("imputer", imputer), *scaler])


def _for_words(how: Features, known: list[list[str]]) -> Any:
    if how.categorical.encoder == "one_hot":
        return OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return OrdinalEncoder(
        categories=known, handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32
    )
