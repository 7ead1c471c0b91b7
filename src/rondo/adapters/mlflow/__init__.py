"""MLflow: runs and registered models. Importing this package imports MLflow, which takes seconds.

product.py     the only import of MLflow: quiet, no telemetry; its errors as ours
tracker.py     MlflowTracker, an ExperimentTracker
registry.py    MlflowRegistry, a ModelRegistry
model_files.py an ONNX graph as an MLflow model with its signature
"""

from __future__ import annotations

from rondo.adapters.mlflow.registry import MlflowRegistry
from rondo.adapters.mlflow.tracker import MlflowTracker

__all__ = ["MlflowRegistry", "MlflowTracker"]
