"""MLflow keeps the promises of a tracker, and its own client reads what it leaves."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pytest

from rondo.adapters.mlflow import MlflowTracker
from rondo.errors import NotAvailable, TemporaryPortError
from rondo.ports.tracking import ExperimentTracker
from rondo.testing.bundles import tiny_bundle
from rondo.testing.tracking import ExperimentTrackerTests, SeenRun

STATUS = {"RUNNING": "running", "FINISHED": "finished", "FAILED": "failed", "KILLED": "killed"}


class TestMlflowTracker(ExperimentTrackerTests):
    @pytest.fixture
    def tracker(self, uri: str, project: Path) -> MlflowTracker:
        return MlflowTracker(uri, project / "mlartifacts")

    def seen(self, tracker: ExperimentTracker, run_id: str) -> SeenRun:
        assert isinstance(tracker, MlflowTracker)
        client = tracker.client
        run = client.get_run(run_id)
        files: dict[str, bytes] = {}
        waiting = [None]
        while waiting:
            for entry in client.list_artifacts(run_id, waiting.pop()):
                if entry.is_dir:
                    waiting.append(entry.path)
                else:
                    files[entry.path] = Path(client.download_artifacts(run_id, entry.path)).read_bytes()
        return SeenRun(
            run_id,
            run.data.tags["mlflow.runName"],
            client.get_experiment(run.info.experiment_id).name,
            run.data.tags.get("mlflow.parentRunId"),
            STATUS[run.info.status],
            dict(run.data.params),
            dict(run.data.metrics),
            {
                name: [step.value for step in client.get_metric_history(run_id, name)]
                for name in run.data.metrics
            },
            dict(run.data.tags),
            {one.tags[0].value: one.dataset.digest for one in run.inputs.dataset_inputs},
            files,
        )

    def test_a_model_opens_with_its_signature_and_answers(
        self, tracker: MlflowTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
    ) -> None:
        bundle = tiny_bundle(tmp_path / "bundle")
        with tracker.run("churn", "model") as run:
            run.log_model(bundle.folder / "model.onnx", name="model", numerical=2, categorical=1, outputs=2)
        (made,) = tracker.client.search_logged_models(
            [tracker.client.get_experiment_by_name("churn").experiment_id]
        )
        assert (made.status.value, made.source_run_id) == ("READY", run.run_id)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        loaded = mlflow.pyfunc.load_model(made.artifact_location)
        assert [(one.name, one.shape) for one in loaded.metadata.signature.inputs] == [
            ("num", (-1, 2)),
            ("cat", (-1, 1)),
        ]
        numbers, words = np.float32([[30, 10]]), np.array([["pro"]])
        answer = loaded.predict({"num": numbers, "cat": words})["probabilities"]
        assert answer[0, 1] == pytest.approx(bundle.scores(numbers, words.astype(object))[0])

    def test_a_deleted_experiment_is_taken_back(self, tracker: MlflowTracker) -> None:
        with tracker.run("churn", "one"):
            pass
        tracker.client.delete_experiment(tracker.client.get_experiment_by_name("churn").experiment_id)
        with tracker.run("churn", "two") as run:
            pass
        assert self.seen(tracker, run.run_id).status == "finished"

    def test_very_long_parameters_are_cut(self, tracker: MlflowTracker) -> None:
        with tracker.run("churn", "long") as run:
            run.log_params({"many": "x" * 10_000})
        assert len(self.seen(tracker, run.run_id).params["many"]) == 6000

    def test_files_lie_in_the_project(self, tracker: MlflowTracker, project: Path) -> None:
        with tracker.run("churn one", "run") as run:
            run.log_json("a.json", 1)
        (found,) = (project / "mlartifacts").rglob("a.json")
        assert found.relative_to(project).parts[1:] == ("churn%20one", run.run_id, "artifacts", "a.json") or (
            found.relative_to(project).parts[1:] == ("churn one", run.run_id, "artifacts", "a.json")
        )

    def test_mlflow_finds_the_store_in_the_project_folder(
        self, tracker: MlflowTracker, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with tracker.run("churn", "here") as run:
            pass
        monkeypatch.chdir(project)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        found = mlflow.MlflowClient().get_run(run.run_id)  # what `mlflow ui` opens without arguments
        assert found.info.run_name == "here"


def test_a_server_that_does_not_answer_is_a_temporary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracker = MlflowTracker("http://user:secret@127.0.0.1:9")
    with pytest.raises(TemporaryPortError) as caught, tracker.run("churn", "x"):
        pass
    assert "secret" not in str(caught.value)


def test_a_store_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database at all, but text " * 40)
    with pytest.raises(NotAvailable), MlflowTracker(f"sqlite:///{tmp_path}/mlflow.db").run("churn", "x"):
        pass
