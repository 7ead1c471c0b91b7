"""9.1: data, code, model and features each have a version and a keeper, and a model knows the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from mission.document import listing
from rondo.assembly import Assembly
from rondo.contract import load_project
from rondo.lifecycle.lineage import trace

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
    assert isinstance(versioning.lineage, str)
    assert versioning.lineage.count("->") == 3


def test_every_arrow_of_the_lineage_can_be_followed(churn: Assembly) -> None:
    chain = {origin.kind: origin for origin in trace(churn, "1.0.0")}
    for kind in ("data", "features"):
        assert chain[kind].version == "1.0.0"
        assert len(chain[kind].identity) == 64  # the content's hash
    assert {"code", "model", "training run", "bundle", "release"} <= chain.keys()


def test_the_data_is_kept_by_dvc_as_parquet(churn: Assembly) -> None:
    lock = yaml.safe_load((churn.layout.root / "dvc.lock").read_text())
    kept = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}
    named = {one.version: one.identity for one in trace(churn, "1.0.0") if one.kind == "data in DVC"}
    assert (churn.layout.processed / "data_v1.0.0.parquet").is_file()
    assert {"data/raw/customers.parquet", "data/processed"} <= named.keys()
    assert all(kept[path] == identity for path, identity in named.items())


def test_the_registry_has_the_stage_words_and_the_lineage(churn: Assembly) -> None:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{churn.layout.tracking}")
    version = client.get_model_version_by_alias("churn", "production")
    assert version.tags["rondo.stage"] == "Production"
    assert version.tags["rondo.version"] == "1.0.0"
    assert version.tags["rondo.data_version"] == "1.0.0"
    assert version.tags["rondo.features_version"] == "1.0.0"


def test_the_features_are_a_feast_repository(churn: Assembly) -> None:
    definitions = (churn.layout.feature_repo / "definitions.py").read_text()
    for view in churn.project.features.store.views:
        assert view in definitions
    assert shutil.which("feast", path=str(Path(yaml.__file__).parents[4] / "bin"))
