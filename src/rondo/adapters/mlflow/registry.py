"""Release bundles as model versions in MLflow's registry.

A version's source is a folder that MLflow itself can load and serve (`MLmodel` with the graph beside it), and in it
`bundle/`, the bundle byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from rondo.adapters.mlflow.model_files import signature, write_model
from rondo.adapters.mlflow.product import asked, mlflow, open_client
from rondo.adapters.mlflow.tracker import MlflowTracker
from rondo.errors import Conflict, NotAvailable
from rondo.records.files import publish_folder
from rondo.records.release import RegistryStage

VERSION, BUNDLE, STAGE = "rondo.version", "rondo.bundle", "rondo.stage"  # tags of a model version
RELEASE = "release"  # artefact folder of the run


class MlflowRegistry:
    """A ModelRegistry; one model per project, one version per bundle."""

    def __init__(self, tracking_uri: str, artifact_root: Path | str | None = None) -> None:
        """Args as MlflowTracker: the registry lives in the same store."""
        self._uri = tracking_uri
        self._tracker = MlflowTracker(tracking_uri, artifact_root)

    @cached_property
    def client(self) -> Any:
        """MLflow's client."""
        return open_client(self._uri)

    def register(
        self, model: str, version: str, *, run_id: str, bundle: Path, tags: Mapping[str, str]
    ) -> str:
        """Registers the bundle and returns MLflow's number; the same bundle twice is one version.

        Without a `run_id` the bundle gets a run of its own in the experiment named like the model.

        Raises:
            Conflict: the version is there already, with another bundle.
        """
        bundle_id = hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()
        for known in self._versions(model):
            if known.tags.get(VERSION) == version:
                if known.tags.get(BUNDLE) == bundle_id:
                    return str(known.version)
                raise Conflict(
                    f"version {version} of {model} is another bundle in MLflow",
                    where=f"{model} {known.version}",
                    rule="A version is one bundle for ever",
                )
        if not run_id:
            with self._tracker.run(model, f"register {version}") as run:
                run_id = run.run_id
        source = self._upload(run_id, bundle)
        if self._model(model) is None:
            asked(self.client.create_registered_model, model)
        made = asked(
            self.client.create_model_version,
            model,
            source,
            run_id=run_id,
            tags={**tags, VERSION: version, BUNDLE: bundle_id, STAGE: "None"},
            description=f"{model} {version}",
        )
        return str(made.version)

    def set_roles(
        self, model: str, roles: Mapping[str, str | None], stages: Mapping[str, RegistryStage]
    ) -> None:
        """Points aliases at numbers and mirrors the stage words as tags; only what differs is written."""
        now = self.roles(model)
        for alias, number in roles.items():
            if number is None and alias in now:
                asked(self.client.delete_registered_model_alias, model, alias)
            elif number is not None and now.get(alias) != number:
                asked(self.client.set_registered_model_alias, model, alias, number)
        words = {str(each.version): each.tags.get(STAGE) for each in self._versions(model)}
        for number, word in stages.items():
            if words.get(number) != word:
                asked(self.client.set_model_version_tag, model, number, STAGE, word)

    def roles(self, model: str) -> Mapping[str, str]:
        """Alias -> MLflow's number; none before the first version."""
        found = self._model(model)
        return {alias: str(number) for alias, number in found.aliases.items()} if found else {}

    def fetch(self, model: str, registry_version: str, into: Path) -> None:
        """Puts the version's bundle in the place of the folder, whole.

        Raises:
            NotAvailable: there is no such version, or its files are gone.
        """
        where = f"{model} {registry_version}"
        source = asked(self.client.get_model_version_download_uri, model, registry_version, where=where)
        with tempfile.TemporaryDirectory() as folder:
            got = asked(
                mlflow.artifacts.download_artifacts,
                artifact_uri=f"{source}/bundle",
                dst_path=folder,
                tracking_uri=self._uri,
                where=where,
            )
            if not (Path(got) / "manifest.json").is_file():
                raise NotAvailable(
                    "the version's files hold no bundle", where=where, rule=f"They lie at {source}"
                )
            with publish_folder(into) as fresh:
                shutil.copytree(got, fresh, dirs_exist_ok=True)

    def _model(self, model: str) -> Any | None:
        try:
            return asked(self.client.get_registered_model, model)
        except NotAvailable:
            # An unknown model and a store that does not answer are told apart by asking something else.
            asked(self.client.search_registered_models, max_results=1)
            return None

    def _versions(self, model: str) -> list[Any]:
        quoted = model.replace("'", "")
        found: list[Any] = asked(self.client.search_model_versions, f"name='{quoted}'")
        return found

    def _upload(self, run_id: str, bundle: Path) -> str:
        run = asked(self.client.get_run, run_id)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / RELEASE
            if (bundle / "model.onnx").exists():
                manifest = json.loads((bundle / "manifest.json").read_bytes())
                outputs = len(manifest["classes"]) or 1
                widths = {kind: len(manifest[kind]) for kind in ("numerical", "categorical")}
                write_model(
                    bundle / "model.onnx",
                    place,
                    signature=signature(**widths, outputs=outputs),
                    run_id=run_id,
                )
            shutil.copytree(bundle, place / "bundle")
            asked(self.client.log_artifacts, run_id, str(place), RELEASE)
        return f"{run.info.artifact_uri}/{RELEASE}"
