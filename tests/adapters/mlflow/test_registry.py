"""MLflow keeps the promises of a registry, and its own client loads what is registered."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pytest

from rondo.adapters.mlflow import MlflowRegistry
from rondo.errors import NotAvailable
from rondo.testing.bundles import tiny_bundle
from rondo.testing.registry import MODEL, ModelRegistryTests


class TestMlflowRegistry(ModelRegistryTests):
    @pytest.fixture
    def registry(self, uri: str, project: Path) -> MlflowRegistry:
        return MlflowRegistry(uri, project / "mlartifacts")

    def test_a_version_carries_its_words(self, registry: MlflowRegistry, bundle: Path) -> None:
        number = registry.register(MODEL, "1.2.0", run_id="", bundle=bundle, tags={"data": "1.0.0"})
        registry.set_roles(MODEL, {"production": number}, {number: "Production"})
        found = registry.client.get_model_version_by_alias(MODEL, "production")
        assert found.tags["rondo.version"] == "1.2.0"
        assert found.tags["rondo.stage"] == "Production"
        assert found.tags["data"] == "1.0.0"

    def test_mlflow_itself_loads_the_production_version(
        self, registry: MlflowRegistry, tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bundle = tiny_bundle(tmp_path / "made")
        number = registry.register(MODEL, "1.0.0", run_id="", bundle=bundle.folder, tags={})
        registry.set_roles(MODEL, {"production": number}, {number: "Production"})
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}@production")
        numbers, words = np.float32([[30, 10], [60, 0]]), np.array([["pro"], ["basic"]])
        answer = loaded.predict({"num": numbers, "cat": words})["probabilities"]
        assert answer[:, 1] == pytest.approx(bundle.scores(numbers, words.astype(object)))

    def test_a_bundle_whose_files_are_gone_is_told(
        self, registry: MlflowRegistry, bundle: Path, project: Path, tmp_path: Path
    ) -> None:
        number = registry.register(MODEL, "1.0.0", run_id="", bundle=bundle, tags={})
        for file in project.rglob("manifest.json"):
            file.unlink()
        with pytest.raises(NotAvailable, match="hold no bundle"):
            registry.fetch(MODEL, number, tmp_path / "back")
        assert not (tmp_path / "back").exists()
