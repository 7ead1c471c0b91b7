"""Which scheme names the versions of data, code, model and features, and who keeps them."""

from __future__ import annotations

from typing import Literal

from rondo.contract._base import Section


class DataVersioning(Section):
    """Data versions."""

    strategy: Literal["semantic"] = "semantic"
    storage: Literal["dvc"] = "dvc"
    format: Literal["parquet"] = "parquet"


class CodeVersioning(Section):
    """Code versions."""

    strategy: Literal["git"] = "git"
    branching: Literal["git-flow", "trunk-based"] = "git-flow"
    """What the branch of a model's code stands for: recorded with every model, told by `rondo lineage`."""


class ModelVersioning(Section):
    """Model versions."""

    strategy: Literal["semantic"] = "semantic"
    registry: Literal["mlflow"] = "mlflow"
    stages: tuple[Literal["None", "Staging", "Production", "Archived"], ...] = (
        "None",
        "Staging",
        "Production",
        "Archived",
    )
    """The words that Rondo writes; said for people to read, another order or fewer change nothing."""


class FeatureVersioning(Section):
    """Feature versions."""

    strategy: Literal["semantic"] = "semantic"
    store: Literal["feast"] = "feast"


class Versioning(Section):
    """The versioning section."""

    data: DataVersioning = DataVersioning()
    code: CodeVersioning = CodeVersioning()
    model: ModelVersioning = ModelVersioning()
    features: FeatureVersioning = FeatureVersioning()
    lineage: str | tuple[str, ...] = (
        "data_version -> code_version -> model_version",
        "features_version -> model_version",
    )
    """Arrows between kinds of versions, for people to read; Rondo records all of them, whatever stands here."""
