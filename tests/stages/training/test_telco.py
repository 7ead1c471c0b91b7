"""Real customers, real MLflow, real Optuna: churn of a telephone company to the quality that is reachable."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from rondo.adapters.mlflow import MlflowTracker
from rondo.adapters.optuna import OptunaTuner
from rondo.contract.project import Project
from rondo.ports.progress import Silent
from rondo.records.features import FeatureTable
from rondo.records.files import write_record
from rondo.stages.training import train

DATA = Path(__file__).parents[4] / "shared" / "data" / "telco_churn.csv"
NUMBERS = ("SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges")

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.exists(), reason=f"{DATA.name} is not beside the project"),
]


def contract() -> Project:
    return Project.model_validate(
        {
            "project": "telco",
            "ml_problem": {"target": "Churn"},
            "data": {"sources": {"customers": {"files": "telco_churn.csv"}}},
            "training": {
                "split": {"by": "random"},
                "threshold": "f1",
                "candidates": [
                    {
                        "estimator": "sklearn.linear_model.LogisticRegression",
                        "search": {"C": "float(0.01, 10, log)"},
                    },
                    {
                        "estimator": "lightgbm.LGBMClassifier",
                        "search": {
                            "num_leaves": "int(4, 31, log)",
                            "learning_rate": "float(0.02, 0.2, log)",
                            "n_estimators": "int(40, 150)",
                        },
                    },
                    {
                        "estimator": "sklearn.ensemble.RandomForestClassifier",
                        "params": {"n_estimators": 60},
                        "search": {"max_depth": "int(4, 10)", "min_samples_leaf": "int(2, 20)"},
                    },
                ],
                "tuning": {"trials": 5, "cv": 3},
            },
        }
    )


def write_features(folder: Path) -> FeatureTable:
    rows = pl.read_csv(DATA, null_values=[" ", ""])
    words = tuple(name for name in rows.columns if name not in (*NUMBERS, "Churn"))
    matrix = rows.select(
        (pl.col("Churn") == "Yes").cast(pl.Int8),
        pl.col(NUMBERS).cast(pl.Float32),
        pl.col(words).cast(pl.String),
    )
    folder.mkdir()
    matrix.write_parquet(folder / "matrix.parquet")
    table = FeatureTable(
        "1.0.0", "first", "p", "1.0.0", "d", matrix.height, NUMBERS, words, "Churn", None, None, None, None
    )
    write_record(folder / "table.json", table)
    return table


def test_churn_is_predicted_as_well_as_it_can_be(tmp_path: Path) -> None:
    write_features(tmp_path / "features")
    tracker = MlflowTracker(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "mlartifacts")
    began = time.perf_counter()
    result = train(
        contract(),
        features=tmp_path / "features",
        out=tmp_path / "training",
        tracker=tracker,
        tuner=OptunaTuner(tmp_path / "optuna.journal"),
        fixed=None,
        now=datetime(2026, 6, 1, tzinfo=UTC),
        progress=Silent(),
    )
    took_s = time.perf_counter() - began
    auc = result.best.test["auc_roc"]
    print(f"{result.best.name}: test AUC {auc.value:.4f} [{auc.low:.4f}, {auc.high:.4f}] in {took_s:.1f} s")  # noqa: T201
    assert auc.value is not None
    assert auc.value >= 0.83
    assert len(result.leaderboard) == 3
    assert all((each.validation["auc_roc"].value or 0) > 0.8 for each in result.leaderboard)
    run = tracker.client.get_run(result.best.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/auc_roc"] == auc.value
    assert len(run.outputs.model_outputs) == 1
