"""Artefacts in S3: the registry keeps its promises there, and tells what the store says without its keys."""

from __future__ import annotations

import shutil
import sys
import uuid
from pathlib import Path

import pytest

from rondo.adapters.memory import MemoryStateStore
from rondo.adapters.mlflow import MlflowRegistry, MlflowTracker
from rondo.errors import MissingExtra, NotAvailable, TemporaryPortError
from rondo.stages.deployment import Means, promote, verify_bundle
from rondo.testing.bundles import tiny_bundle
from rondo.testing.deployment import registered
from rondo.testing.registry import MODEL, ModelRegistryTests
from rondo.testing.servers import S3Server, free_port


@pytest.fixture
def artifacts(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix in a fresh bucket, reached by the environment alone."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return f"{s3_server.bucket(f'models-{uuid.uuid4().hex[:8]}')}/churn/artifacts"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "made").folder


class TestRegistryOnS3(ModelRegistryTests):
    @pytest.fixture
    def registry(self, uri: str, artifacts: str) -> MlflowRegistry:
        return MlflowRegistry(uri, artifacts)

    def test_the_files_lie_below_the_prefix(
        self, registry: MlflowRegistry, bundle: Path, artifacts: str, project: Path
    ) -> None:
        number = registry.register(MODEL, "1.0.0", run_id="", bundle=bundle, tags={})
        source = registry.client.get_model_version_download_uri(MODEL, number)
        assert source.startswith(f"{artifacts}/")
        assert not (project / "mlartifacts").exists()


def test_a_run_logs_its_files_there(uri: str, artifacts: str, tmp_path: Path) -> None:
    tracker = MlflowTracker(uri, artifact_root=artifacts)
    with tracker.run("churn", "training") as run:
        run.log_json("metrics.json", {"auc": 0.8})
    found = tracker.client.list_artifacts(run.run_id)
    assert [file.path for file in found] == ["metrics.json"]
    assert tracker.client.get_run(run.run_id).info.artifact_uri.startswith(f"{artifacts}/churn/")


def test_a_lost_bundle_comes_back_from_the_bucket_before_it_may_serve(
    uri: str, artifacts: str, tmp_path: Path
) -> None:
    registry, store = MlflowRegistry(uri, artifacts), MemoryStateStore()
    release = registered(tmp_path, store, registry, "1.0.0")
    folder = tmp_path / release.bundle
    shutil.rmtree(folder)
    promote("1.0.0", Means("tiny", tmp_path, store, registry), by="ann", reason="first")
    assert verify_bundle(folder).bundle_id == release.bundle_id
    assert store.production() is not None


@pytest.mark.parametrize(
    ("changed", "kind", "told"),
    [
        ({"MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}, TemporaryPortError, "did not answer"),
        ({"MLFLOW_S3_ENDPOINT_URL": "not a url"}, NotAvailable, "not a url"),
    ],
)
def test_a_store_that_does_not_answer_is_told_without_keys(
    uri: str,
    artifacts: str,
    bundle: Path,
    changed: dict[str, str],
    kind: type[NotAvailable],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**changed, "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    registry = MlflowRegistry(uri, artifacts)
    with pytest.raises(kind, match=told) as refused:
        registry.register(MODEL, "1.0.0", run_id="", bundle=bundle, tags={})
    assert "secret-of-the-tests" not in str(refused.value)
    assert "key-of-the-tests" not in str(refused.value)


def test_a_bucket_that_is_not_there_is_told(uri: str, artifacts: str, bundle: Path) -> None:
    registry = MlflowRegistry(uri, "s3://no-such-bucket/prefix")
    with pytest.raises(NotAvailable, match="NoSuchBucket"):
        registry.register(MODEL, "1.0.0", run_id="", bundle=bundle, tags={})


def test_a_missing_client_says_what_to_install(
    uri: str, artifacts: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setenv(
        "MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:1"
    )  # MLflow remembers the client per address
    registry = MlflowRegistry(uri, artifacts)
    with pytest.raises(MissingExtra, match=r"pip install 'rondo-ml\[s3\]'"):
        registry.register(MODEL, "1.0.0", run_id="", bundle=bundle, tags={})
