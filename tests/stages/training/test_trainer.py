"""ModelTrainer works alone, with the names of the mission's listing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rondo
from rondo.adapters.optuna import OptunaTuner
from rondo.errors import ContractError, UsageError
from rondo.stages.training import ModelTrainer
from rondo.testing.tracking import MemoryTracker


def table(rows: int = 300, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"age": rng.normal(size=rows), "plan": rng.choice(["a", "b"], rows)})
    return x, np.where(x["age"] + (x["plan"] == "b") + rng.normal(0, 0.5, rows) > 0.5, "yes", "no")


@pytest.fixture
def trainer(tmp_path: Path, tracker: MemoryTracker) -> ModelTrainer:
    return ModelTrainer("churn", tracker=tracker, tuner=OptunaTuner(tmp_path / "optuna.journal"))


def test_trains_with_tracking(trainer: ModelTrainer, tracker: MemoryTracker) -> None:
    x, y = table()
    model, metrics = trainer.train_with_tracking(x[:200], y[:200], x[200:], y[200:], {"n_estimators": 30})
    assert metrics["auc_roc"] > 0.8
    assert model.predict_proba(x[200:]).shape == (100, 2)
    assert (model.predict(x[200:]) == y[200:]).mean() == pytest.approx(metrics["accuracy"], abs=0.02)
    (run,) = tracker.runs.values()
    assert (run.experiment, run.status, run.models) == ("churn", "finished", ("model",))
    assert (run.params["n_estimators"], run.params["train_size"], run.params["val_size"]) == (
        "30",
        "200",
        "100",
    )
    assert run.metrics["auc_roc"] == metrics["auc_roc"]
    assert "importance.json" in run.files


def test_a_failed_fit_leaves_a_failed_run_with_its_parameters(
    trainer: ModelTrainer, tracker: MemoryTracker
) -> None:
    x, y = table()
    with pytest.raises(ContractError, match="no parameter depth"):
        trainer.train_with_tracking(x, y, x, y, {"depth": 3})
    (run,) = tracker.runs.values()
    assert (run.status, run.params["depth"]) == ("failed", "3")


def test_numpy_arrays_and_numbers(tracker: MemoryTracker, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(200, 3))
    trainer = rondo.ModelTrainer("demand", estimator="sklearn.linear_model.Ridge", tracker=tracker)
    model, metrics = trainer.train_with_tracking(
        x[:150], x[:150, 0] * 3, x[150:], x[150:, 0] * 3, {"alpha": 0.1}
    )
    assert metrics["r2"] > 0.99
    assert model.predict(x[150:]) == pytest.approx(x[150:, 0] * 3, abs=0.2)


def test_tuning_is_taken_up_again(trainer: ModelTrainer, tracker: MemoryTracker) -> None:
    trainer._search = {"n_estimators": "int(5, 20)", "max_depth": "int(2, 6)"}
    x, y = table()
    best = trainer.hyperparameter_tuning(x, y, n_trials=4)
    assert set(best) == {"n_estimators", "max_depth"}
    assert trainer.hyperparameter_tuning(x, y, n_trials=4) == best
    run = list(tracker.runs.values())[-1]
    assert run.name == "best_params"
    assert math.isfinite(run.metrics["best_auc"])
    model, _ = trainer.train_with_tracking(x, y, x, y, best)
    assert model.pipeline[-1].max_depth == best["max_depth"]


def test_a_table_without_a_column_is_told(trainer: ModelTrainer) -> None:
    x, y = table()
    model, _ = trainer.train_with_tracking(x, y, x, y, {"n_estimators": 5})
    with pytest.raises(UsageError, match="lacks plan"):
        model.predict(x[["age"]])


def test_one_class_and_no_ranges_are_told(tracker: MemoryTracker) -> None:
    x, y = table()
    trainer = rondo.ModelTrainer("churn", estimator="lightgbm.LGBMClassifier", tracker=tracker)
    with pytest.raises(UsageError, match="one class only"):
        trainer.train_with_tracking(x, ["yes"] * len(x), x, y, {})
    with pytest.raises(UsageError, match="no ranges"):
        trainer.hyperparameter_tuning(x, y)


def test_rondo_gives_it_under_its_name() -> None:
    assert issubclass(rondo.ModelTrainer, ModelTrainer)


@pytest.mark.long
def test_alone_in_a_folder_it_uses_mlflow_and_optuna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    x, y = table()
    trainer = rondo.ModelTrainer("churn", search={"max_depth": "int(2, 4)"})
    best = trainer.hyperparameter_tuning(x, y, n_trials=2)
    trainer.train_with_tracking(x[:200], y[:200], x[200:], y[200:], best)
    import mlflow

    runs = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").search_runs(["1"])
    assert {run.info.run_name for run in runs} == {"RandomForestClassifier", "best_params"}
