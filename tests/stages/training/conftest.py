"""A project and what the features room would have left for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rondo.adapters.optuna import OptunaTuner
from rondo.contract.project import Project
from rondo.ports.progress import Silent
from rondo.records.candidate import Candidate, TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.files import write_record
from rondo.stages.training import train
from rondo.testing.tracking import MemoryTracker

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 900
LOGISTIC = {"estimator": "sklearn.linear_model.LogisticRegression", "search": {"C": "float(0.01, 10, log)"}}
BOOSTED = {
    "estimator": "lightgbm.LGBMClassifier",
    "params": {"n_estimators": 20},
    "search": {"num_leaves": "int(4, 32, log)"},
}


def project(**sections: Any) -> Project:
    problem = {"target": "churned", "entity": "user_id", "event_time": "at"} | sections.pop("ml_problem", {})
    training = {"candidates": [LOGISTIC, BOOSTED], "tuning": {"trials": 3, "cv": 2}} | sections.pop(
        "training", {}
    )
    return Project.model_validate(
        {
            "project": "churn",
            "ml_problem": problem,
            "data": {"sources": {"events": {"files": "x.csv"}}},
            "validation": {"bootstrap": 100},
            "training": training,
            **sections,
        }
    )


def matrix(target: str = "binary", rows: int = ROWS, seed: int = 7) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, rows).astype(np.float32)
    plan = rng.choice(["basic", "pro", "team"], rows)
    signal = (age - 40) / 10 + (plan == "pro") + rng.normal(0, 0.7, rows)
    return pl.DataFrame(
        {
            "user_id": rng.integers(0, 300, rows),
            "at": [START + timedelta(hours=int(hour)) for hour in range(rows)],
            "churned": {
                "binary": (signal > 0.3).astype(np.int8),
                "multiclass": np.array(["low", "mid", "top"])[np.digitize(signal, [-0.3, 1.0])],
                "regression": 100 + 10 * signal,
            }[target],
            "age": pl.Series(age).set(pl.Series(rng.random(rows) < 0.05), None),
            "noise": rng.normal(size=rows).astype(np.float32),
            "plan": pl.Series(plan).set(pl.Series(rng.random(rows) < 0.05), None),
        }
    )


@pytest.fixture
def tracker() -> MemoryTracker:
    return MemoryTracker()


@pytest.fixture
def run_training(tmp_path: Path, tracker: MemoryTracker) -> Callable[..., TrainingResult]:
    """Writes the features' folder and trains into `tmp_path / "out"`."""

    def run(
        contract: Project, rows: pl.DataFrame | None = None, fixed: Candidate | None = None
    ) -> TrainingResult:
        folder = tmp_path / "features"
        folder.mkdir(exist_ok=True)
        rows = matrix() if rows is None else rows
        rows.write_parquet(folder / "matrix.parquet")
        table = FeatureTable(
            version="1.0.0",
            version_reason="first",
            plan_hash="p" * 64,
            data_version="1.0.0",
            data_hash=str(rows.hash_rows(1).sum()),
            rows=rows.height,
            numerical=("age", "noise"),
            categorical=("plan",),
            target="churned",
            entity="user_id",
            event_time="at",
            as_of=None,
            parity=None,
        )
        write_record(folder / "table.json", table)
        return train(
            contract,
            features=folder,
            out=tmp_path / "out",
            tracker=tracker,
            tuner=OptunaTuner(tmp_path / "optuna.journal"),
            fixed=fixed,
            now=NOW,
            progress=Silent(),
        )

    return run
