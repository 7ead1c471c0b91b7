"""5.1: runs that end whatever happens, parameters first, a signature with the model, a search that learns."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

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
    printed = ast.parse(listing("5.1").text)
    tuning = next(n for n in ast.walk(printed) if getattr(n, "name", "") == "hyperparameter_tuning")
    (trials,) = tuning.args.defaults  # type: ignore[attr-defined]
    ours = inspect.signature(ModelTrainer.hyperparameter_tuning).parameters["n_trials"].default
    assert ours == ast.literal_eval(trials)


def test_a_trial_is_scored_as_the_listing_scores_it(folder: Path) -> None:
    """By the mean area under the curve over five folds of a forest of that seed."""
    x, y = rows()
    (scored,) = [call for call in listing("5.1").calls("cross_val_score") if call["scoring"] == "roc_auc"]
    (forest,) = [call for call in listing("5.1").calls("RandomForestClassifier") if "random_state" in call]
    one = {"n_estimators": "int(20, 21)", "max_depth": "int(4, 5)"}
    trainer = ModelTrainer("churn", search=one, seed=forest["random_state"])

    best = trainer.hyperparameter_tuning(x[["visits"]], y, n_trials=1)

    found = trainer.tracker.client.search_runs(  # type: ignore[attr-defined]
        [trainer.tracker.client.get_experiment_by_name("churn").experiment_id]  # type: ignore[attr-defined]
    )
    (run,) = found
    model = RandomForestClassifier(**best, random_state=forest["random_state"])
    theirs = cross_val_score(model, x[["visits"]], y, cv=scored["cv"], scoring=scored["scoring"]).mean()
    # Other folds of the same rows: the two means differ by chance.
    assert run.data.metrics["best_auc"] == pytest.approx(theirs, abs=0.02)


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
    assert failed.data.params["train_size"] == "300"
    assert failed.data.metrics == {}
    shares = mlflow.artifacts.load_dict(f"{done.info.artifact_uri}/importance.json")
    assert set(shares) == {"visits", "plan"}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["visits"] > shares["plan"] > 0
    (logged,) = client.search_logged_models([experiment.experiment_id])
    kept = mlflow.models.get_model_info(logged.artifact_location.removeprefix("file://"))
    assert kept.signature is not None
    assert model.predict(x[300:]).shape == (100,)
    served = mlflow.pyfunc.load_model(logged.artifact_location)
    asked = {"num": x[["visits"]][300:].to_numpy(np.float32), "cat": x[["plan"]][300:].to_numpy(str)}
    given = served.predict(asked)["probabilities"]
    assert np.allclose(given, model.predict_proba(x[300:]), atol=1e-5)
    with pytest.raises(mlflow.exceptions.MlflowException, match=r"schema|shape|type"):
        served.predict({"num": asked["num"].astype(str), "cat": asked["cat"]})
    with pytest.raises(mlflow.exceptions.MlflowException, match="missing"):
        served.predict({"num": asked["num"]})
    (tuned,) = (run for run in ran if run.info.run_name == "best_params")
    assert 0.5 < tuned.data.metrics["best_auc"] <= 1.0
    assert tuned.data.params == {name: str(value) for name, value in best.items()}
    assert tuned.data.metrics["trials"] == 3
