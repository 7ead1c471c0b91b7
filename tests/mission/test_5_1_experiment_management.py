"""5.1: runs that end whatever happens, parameters first, a signature with the model, a search that learns."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mission.document import listing
from rondo import ModelTrainer

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def rows() -> tuple[pd.DataFrame, np.ndarray]:
    chance = np.random.default_rng(3)
    table = pd.DataFrame({"visits": chance.poisson(4, 400), "plan": chance.choice(["a", "b"], 400)})
    return table, (table["visits"] + (table["plan"] == "a") * 2 + chance.normal(0, 1, 400) > 5).to_numpy(int)


def search_of_the_listing() -> dict[str, str]:
    """The ranges of its `suggest_int` calls, as the project file writes them."""
    found = {}
    for call in ast.walk(ast.parse(listing("5.1").text)):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "suggest_int":
            name, low, high = (ast.literal_eval(argument) for argument in call.args)
            found[name] = f"int({low}, {high})"
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_it_has_the_methods_of_the_listing() -> None:
    for name, arguments in listing("5.1").methods("ModelTrainer").items():
        ours = inspect.signature(getattr(ModelTrainer, name)).parameters
        assert set(arguments) <= set(ours), name


def test_it_searches_where_the_listing_does_by_default() -> None:
    from rondo.stages.training.trainer import FOREST_SEARCH

    assert search_of_the_listing() == FOREST_SEARCH


def test_a_search_and_a_tracked_training_in_mlflow_itself(folder: Path) -> None:
    import mlflow

    x, y = rows()
    smaller = search_of_the_listing() | {"n_estimators": "int(5, 20)"}
    trainer = ModelTrainer("churn", search=smaller)

    best = trainer.hyperparameter_tuning(x, y, n_trials=3)
    model, metrics = trainer.train_with_tracking(x[:300], y[:300], x[300:], y[300:], best)
    with pytest.raises(ValueError, match="min_samples_leaf"):
        trainer.train_with_tracking(x[:300], y[:300], x[300:], y[300:], {"min_samples_leaf": 0})

    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("churn")
    ran = client.search_runs([experiment.experiment_id])
    runs = {run.info.status: run for run in ran if run.info.run_name == "RandomForestClassifier"}
    done, failed = runs["FINISHED"], runs["FAILED"]
    assert {name: done.data.params[name] for name in best} == {k: str(v) for k, v in best.items()}
    assert (done.data.params["train_size"], done.data.params["val_size"]) == ("300", "100")
    assert done.data.metrics["auc_roc"] == pytest.approx(metrics["auc_roc"])
    assert failed.data.params["min_samples_leaf"] == "0"  # a run that failed tells what it tried
    assert {one.path for one in client.list_artifacts(done.info.run_id)} >= {"importance.json"}
    (logged,) = client.search_logged_models([experiment.experiment_id])
    kept = mlflow.models.get_model_info(logged.artifact_location.removeprefix("file://"))
    assert kept.signature is not None
    assert model.predict(x[300:]).shape == (100,)
    (tuned,) = (run for run in ran if run.info.run_name == "best_params")
    assert 0.5 < tuned.data.metrics["best_auc"] <= 1.0
    assert tuned.data.params == {name: str(value) for name, value in best.items()}
