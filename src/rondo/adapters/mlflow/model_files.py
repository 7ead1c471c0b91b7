"""An ONNX graph as an MLflow model: `MLmodel` with flavour, requirements and signature beside the graph."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from rondo.adapters.mlflow.product import mlflow

NEEDED = ("onnx", "onnxruntime", "numpy")  # to run the graph: said outright, so that MLflow need not find out


def signature(*, numerical: int, categorical: int, outputs: int) -> Any:
    """What the graph takes and gives, as MLflow's tensors."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    asked = (("num", np.dtype("float32"), numerical), ("cat", np.dtype("str"), categorical))
    return ModelSignature(
        inputs=Schema([TensorSpec(kind, (-1, width), name) for name, kind, width in asked if width]),
        outputs=Schema(
            [TensorSpec(np.dtype("float32"), (-1, outputs), "probabilities" if outputs > 1 else "number")]
        ),
    )


def write_model(
    graph: Path, folder: Path, *, signature: Any, run_id: str | None = None, model_id: str | None = None
) -> None:
    """Fills the folder with an MLflow model: the graph and what MLflow wants to know of it."""
    import onnx
    from mlflow.onnx import save_model

    save_model(
        onnx.load(str(graph)),
        str(folder),
        mlflow_model=mlflow.models.Model(run_id=run_id, model_id=model_id),
        signature=signature,
        pip_requirements=[f"{name}=={version(name)}" for name in NEEDED],
        onnx_execution_providers=["CPUExecutionProvider"],
    )
