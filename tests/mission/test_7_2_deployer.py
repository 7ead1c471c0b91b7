"""7.2: promotion and rollback on a real MLflow registry, with exactly one version in production."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from mission.document import listing
from rondo import ModelDeployer
from rondo.adapters.mlflow import MlflowRegistry

MODEL = "churn"
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture
def registry_uri(tmp_path: Path) -> str:
    """A registry with the versions 1, 2 and 3."""
    folder = tmp_path
    uri = f"sqlite:///{folder}/mlflow.db"
    registry = MlflowRegistry(uri, artifact_root=folder / "artifacts")
    for number in (1, 2, 3):
        bundle = folder / str(number)
        bundle.mkdir()
        (bundle / "manifest.json").write_text(json.dumps({"version": f"1.{number}.0"}))
        registry.register(MODEL, f"1.{number}.0", run_id="", bundle=bundle, tags={})
    return uri


def production_aliases(uri: str) -> list[str]:
    """The versions that MLflow itself has under the alias: one, or the name is taken by nobody."""
    import mlflow

    found = mlflow.MlflowClient(uri).get_registered_model(MODEL).aliases
    return [str(version) for alias, version in found.items() if alias == "production"]


def stages(uri: str) -> dict[str, str]:
    """What MLflow itself says of each version: the alias, and the tag that keeps the old stage words."""
    import mlflow

    client = mlflow.MlflowClient(uri)
    return {
        str(version.version): client.get_model_version(MODEL, version.version).tags.get("rondo.stage", "None")
        for version in client.search_model_versions(f"name='{MODEL}'")
    }


def test_it_has_the_methods_of_the_listing() -> None:
    for name, arguments in listing("7.2").methods("ModelDeployer").items():
        ours = list(inspect.signature(getattr(ModelDeployer, name)).parameters)[1:]
        assert ours[: len(arguments)] == list(arguments), name


def test_who_is_not_to_be_archived_waits_in_staging(registry_uri: str) -> None:
    """`archive_current=False` leaves the listing with two in Production; here one serves and one waits."""
    deployer = ModelDeployer(registry_uri)
    deployer.promote_to_production(MODEL, "1")
    deployer.promote_to_production(MODEL, "2", archive_current=False)
    assert stages(registry_uri) == {"1": "Staging", "2": "Production", "3": "None"}
    assert production_aliases(registry_uri) == ["2"]


def test_promotions_and_rollbacks_leave_one_version_in_production(registry_uri: str, tmp_path: Path) -> None:
    deployer = ModelDeployer(registry_uri)

    for version in ("1", "2", "3"):
        deployer.promote_to_production(model_name=MODEL, version=version)
        assert production_aliases(registry_uri) == [version]
        found = stages(registry_uri)
        assert [number for number, word in found.items() if word == "Production"] == [version]
        assert {found[str(number)] for number in range(1, int(version))} <= {"Archived"}
    assert deployer.rollback(MODEL) == "2"
    assert stages(registry_uri) == {"1": "Archived", "2": "Production", "3": "Archived"}
    # The listing would go back to 3 here: the highest archived number is the version that just failed.
    assert deployer.rollback(MODEL) == "1"
    assert stages(registry_uri) == {"1": "Production", "2": "Archived", "3": "Archived"}
    with pytest.raises(ValueError, match="no version of churn was in production before 1"):
        deployer.rollback(MODEL)
    assert deployer.get_production_model(MODEL) == "1"
