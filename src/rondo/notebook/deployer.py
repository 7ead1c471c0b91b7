"""ModelDeployer over a registry named by its address."""

from __future__ import annotations

from rondo.assembly import default_registry
from rondo.stages import deployment


class ModelDeployer(deployment.ModelDeployer):
    __doc__ = deployment.ModelDeployer.__doc__

    def __init__(self, registry_uri: str) -> None:
        """Takes the MLflow registry behind that URI; of an empty one, what MLFLOW_TRACKING_URI says."""
        super().__init__(default_registry(registry_uri))
