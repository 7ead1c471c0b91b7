"""The manifest of a release bundle: which files, with which bytes, made from what.

A bundle is a folder:

    manifest.json    this record; the bundle's id is the SHA-256 of this file
    manifest.sha256  that id, so that a damaged manifest is told from another one
    model.onnx       encoders, scaler and model as one graph; inputs `num` float32 [n, k], `cat` string [n, c]
    plan.json        FeaturePlan
    python/…         the user's feature functions, when there are any
    reference.json   statistics of the judged rows, for monitoring
    golden.json      rows with the answers that the trained model gave
    explanation.…    contributions of the features, where the model can give them (explanation.py), and with
    encoding.onnx    them the encoders alone
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file of the bundle."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the bundle is and what it was made from."""

    project: str
    version: str  # MAJOR.MINOR.PATCH
    version_reason: str
    problem_type: str
    target: str
    positive: str  # the class whose probability is the score; empty for regression
    classes: tuple[str, ...]
    threshold: float
    created_at: datetime
    files: Mapping[str, BundleFile]
    numerical: tuple[str, ...]
    categorical: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]  # values of each categorical feature that training knew
    estimator: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]  # of the test rows
    lineage: Mapping[str, Any] = field(
        default_factory=dict
    )  # data_version, data_hash, features_version, plan_hash, code, run_id …
    largest_difference: float = 0.0  # between the trained model and the graph, on the golden rows
    unexplained: str = ""  # why there are no contributions, where there are none
    format: int = 1
