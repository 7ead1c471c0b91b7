"""9.1: data, code, model and features each have a version and a keeper, and a model knows the others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mission.conftest import Git
from mission.document import listing
from rondo.assembly import Assembly
from rondo.contract import load_project
from rondo.lifecycle.lineage import made_from, trace

MINIMAL = """\
project: churn
ml_problem: {type: binary_classification, target: is_churned}
data: {sources: {customers: {files: customers.parquet}}}
"""
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def test_the_listing_is_a_section_as_it_is_printed(tmp_path: Path) -> None:
    (tmp_path / "rondo.yaml").write_text(MINIMAL + listing("9.1").text, encoding="utf-8")
    versioning = load_project(tmp_path).project.versioning
    assert (versioning.data.strategy, versioning.data.storage) == ("semantic", "dvc")
    assert versioning.model.stages == ("None", "Staging", "Production", "Archived")
    assert (versioning.features.store, versioning.code.strategy) == ("feast", "git")
    assert versioning.code.branching == "git-flow"
    assert (versioning.data.format, versioning.model.strategy) == ("parquet", "semantic")
    assert (versioning.model.registry, versioning.features.strategy) == ("mlflow", "semantic")
    assert isinstance(versioning.lineage, str)
    assert versioning.lineage.count("->") == 3


def test_every_arrow_of_the_lineage_can_be_followed(churn: Assembly, git: Git) -> None:
    arrows = re.findall(r"(\w+)_version", listing("9.1").text)
    assert set(arrows) == {"data", "code", "model", "features"}
    chain = {origin.kind: origin for origin in trace(churn, "1.0.0")}
    for kind in ("data", "features"):
        assert chain[kind].version == "1.0.0"
        assert len(chain[kind].identity) == 64  # the content's hash
    commit = git(churn.layout.root, "rev-parse", "HEAD")
    assert chain["code"].identity == f"{commit} on release/1.0: a release being prepared"
    assert chain["model"].version.startswith("1.0.0")
    assert {"training run", "bundle", "release"} <= chain.keys()


def test_the_lineage_leads_from_the_data_to_its_models_too(again: Assembly) -> None:
    assert [one.version for one in made_from(again, "1.0.0")] == ["1.0.0"]
    assert [one.version for one in made_from(again, "1.0.1")] == ["1.0.1"]


def test_each_part_has_semantic_versions_that_follow_what_changed(again: Assembly) -> None:
    """A month of rows later the data and the model are other ones, and the features are what they were."""
    chain = {origin.kind: origin for origin in trace(again, "1.0.1")}
    assert (chain["data"].version, chain["features"].version) == ("1.0.1", "1.0.0")
    assert chain["model"].version.startswith("1.0.1")


def test_the_data_is_kept_by_dvc_as_parquet(churn: Assembly) -> None:
    lock = yaml.safe_load((churn.layout.root / "dvc.lock").read_text())
    kept = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}
    named = {one.version: one.identity for one in trace(churn, "1.0.0") if one.kind == "data in DVC"}
    assert (churn.layout.processed / "data_v1.0.0.parquet").is_file()
    assert {"data/raw/customers.parquet", "data/processed"} <= named.keys()
    assert all(kept[path] == identity for path, identity in named.items())


def test_the_registry_has_the_stage_words_and_the_lineage(churn: Assembly, git: Git) -> None:
    client = mlflow_of(churn)
    version = client.get_model_version_by_alias("churn", "production")
    commit = git(churn.layout.root, "rev-parse", "HEAD")
    assert (
        version.tags.items()
        >= {
            "rondo.stage": "Production",
            "rondo.version": "1.0.0",
            "rondo.data_version": "1.0.0",
            "rondo.features_version": "1.0.0",
            "rondo.code_version": commit,
            "rondo.code_branch": "release/1.0",
        }.items()
    )


def test_a_version_goes_through_the_stages_of_the_listing(again: Assembly) -> None:
    printed = yaml.safe_load(listing("9.1").text)["versioning"]["model"]["stages"]
    found = {
        version.tags["rondo.version"]: version.tags["rondo.stage"]
        for version in mlflow_of(again).search_model_versions("name='churn'")
    }
    assert found == {"1.0.0": "Archived", "1.0.1": "Production"}
    went = [stage for event in again.state.events() if (stage := event.details.get("stage"))]
    # A registered version that passed its gates waits in Staging; one that did not would be None.
    assert set(went) <= set(printed)
    assert "Staging" in went


def mlflow_of(project: Assembly) -> Any:
    import mlflow

    return mlflow.MlflowClient(f"sqlite:///{project.layout.tracking}")


def test_the_features_are_a_feast_repository(churn: Assembly) -> None:
    definitions = (churn.layout.feature_repo / "definitions.py").read_text()
    for view in churn.project.features.store.views:
        assert view in definitions
