"""Runs in MLflow. Only MLflow's client is used: its fluent interface keeps one active run per process."""

from __future__ import annotations

import getpass
import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rondo.adapters.mlflow.model_files import signature, write_model
from rondo.adapters.mlflow.product import artifact_base, asked, open_client
from rondo.errors import RondoError
from rondo.records.files import to_json

MAX_VALUE = 6000  # MLflow refuses longer parameters
BATCH = 100  # parameters that MLflow takes at once
FINISHED, FAILED, KILLED = "FINISHED", "FAILED", "KILLED"


class MlflowTracker:
    """An ExperimentTracker; opens its store at the first run."""

    def __init__(self, tracking_uri: str, artifact_root: Path | str | None = None) -> None:
        """Args:
        tracking_uri: `sqlite:///…/mlflow.db`, `postgresql://…` or the URL of a tracking server.
        artifact_root: where new experiments keep their files; a tracking server keeps its own.
        """
        self._uri = tracking_uri
        self._artifacts = artifact_base(tracking_uri, artifact_root)

    @cached_property
    def client(self) -> Any:
        """MLflow's client."""
        return open_client(self._uri)

    @contextmanager
    def run(
        self, experiment: str, name: str, *, tags: Mapping[str, str] | None = None, parent: str | None = None
    ) -> Iterator[MlflowRun]:
        """A new run; failed (with the tag `rondo.error`) when an exception passes, killed when it is an interrupt."""
        all_tags = {"mlflow.user": _user(), "mlflow.source.name": "rondo", "mlflow.source.type": "LOCAL"}
        if parent:
            all_tags["mlflow.parentRunId"] = parent
        made = asked(
            self.client.create_run,
            self._experiment(experiment),
            run_name=name,
            tags=all_tags | dict(tags or {}),
        )
        yield from self._within(MlflowRun(self.client, made))

    @contextmanager
    def resume(self, run_id: str) -> Iterator[MlflowRun]:
        """An earlier run, to add to it; it ends again like a new one.

        Raises:
            NotAvailable: there is no such run.
        """
        found = asked(self.client.get_run, run_id)
        asked(self.client.update_run, run_id, status="RUNNING")
        yield from self._within(MlflowRun(self.client, found))

    def _within(self, run: MlflowRun) -> Iterator[MlflowRun]:
        try:
            yield run
        except BaseException as error:
            run.set_tags({"rondo.error": f"{type(error).__name__}: {error}"[:MAX_VALUE]})
            status = FAILED if isinstance(error, Exception) else KILLED
            asked(self.client.set_terminated, run.run_id, status)
            raise
        asked(self.client.set_terminated, run.run_id, FINISHED)

    def _experiment(self, name: str) -> str:
        """The id of the experiment; made, or taken back from MLflow's bin, when it has to be."""
        if (found := asked(self.client.get_experiment_by_name, name)) is None:
            place = f"{self._artifacts}/{quote(name, safe='')}" if self._artifacts else None
            return str(asked(self.client.create_experiment, name, artifact_location=place))
        if found.lifecycle_stage == "deleted":
            asked(self.client.restore_experiment, found.experiment_id)
        return str(found.experiment_id)


class MlflowRun:
    """A Run."""

    def __init__(self, client: Any, run: Any) -> None:
        self._client = client
        self._info = run.info

    @property
    def run_id(self) -> str:
        """MLflow's id."""
        return str(self._info.run_id)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Parameters; texts beyond MLflow's limit are cut.

        Raises:
            RondoError: the run has one of them already, with another value.
        """
        from mlflow.entities import Param

        all_params = [Param(name, _text(value)) for name, value in params.items()]
        for start in range(0, len(all_params), BATCH):
            asked(self._client.log_batch, self.run_id, params=all_params[start : start + BATCH])

    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        """Figures; those that are not finite are named in the tag `rondo.not_finite` instead.

        MLflow's names have no @: ndcg@20 is kept as ndcg_at_20.
        """
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        finite = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
        asked(
            self._client.log_batch,
            self.run_id,
            metrics=[
                Metric(name.replace("@", "_at_"), value, now_ms, step or 0) for name, value in finite.items()
            ],
        )
        if left_out := sorted(set(metrics) - set(finite)):
            self.set_tags({"rondo.not_finite": ", ".join(left_out)})

    def log_dataset(self, name: str, *, digest: str, rows: int, context: str, source: str) -> None:
        """A dataset with its size and digest."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=name,
            digest=digest[:36],
            source_type="local",
            source=json.dumps({"uri": source}),
            profile=json.dumps({"num_rows": rows}),
        )
        tags = [InputTag("mlflow.data.context", context)]
        asked(self._client.log_inputs, self.run_id, datasets=[DatasetInput(dataset, tags)])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Words to find the run by."""
        from mlflow.entities import RunTag

        asked(self._client.log_batch, self.run_id, tags=[RunTag(name, text) for name, text in tags.items()])

    def log_json(self, file: str, content: Any) -> None:
        """A small artefact."""
        asked(self._client.log_text, self.run_id, to_json(content).decode(), file)

    def log_folder(self, folder: Path, *, under: str) -> None:
        """Every file of a folder as artefacts."""
        asked(self._client.log_artifacts, self.run_id, str(folder), under)

    def log_model(self, graph: Path, *, name: str, numerical: int, categorical: int, outputs: int) -> None:
        """An ONNX graph as a logged model of the run, with its signature."""
        from mlflow.entities import LoggedModelOutput

        model = asked(
            self._client.create_logged_model, self._info.experiment_id, name=name, source_run_id=self.run_id
        )
        try:
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "model"
                asked(
                    write_model,
                    graph,
                    place,
                    signature=signature(numerical=numerical, categorical=categorical, outputs=outputs),
                    run_id=self.run_id,
                    model_id=model.model_id,
                )
                asked(self._client.log_model_artifacts, model.model_id, str(place))
        except RondoError:
            asked(self._client.finalize_logged_model, model.model_id, FAILED)
            raise
        asked(self._client.finalize_logged_model, model.model_id, "READY")
        asked(self._client.log_outputs, self.run_id, [LoggedModelOutput(model.model_id, 0)])


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else to_json(value, indent=-1).decode().strip()
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        return "unknown"
