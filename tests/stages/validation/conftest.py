"""A small world to judge in: a real bundle, rows whose truth follows its formula, and what the stages before left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rondo.bundle.plan import FeaturePlan
from rondo.contract import Project
from rondo.ports.progress import Silent
from rondo.records.candidate import Candidate, Measured, SplitSizes, TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.files import write_record
from rondo.records.metrics import compute
from rondo.records.verdict import Verdict
from rondo.stages.validation import judge
from rondo.testing.bundles import tiny_answers, tiny_bundle, tiny_plan, tiny_rows

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SLOPE = 0.05


def make_project(**changes: Any) -> Project:
    """A project file that asks for an AUC of 0.6; `changes` replace whole sections."""
    text: dict[str, Any] = {
        "project": "tiny",
        "business_objective": "Lose fewer customers",
        "ml_problem": {
            "type": "binary_classification",
            "target": "churned",
            "entity": "user_id",
            "event_time": "event_time",
            "success_metric": "auc_roc",
            "positive": "yes",
        },
        "success_criteria": {"offline_metrics": {"auc_roc": {"min": 0.6}}},
        "data": {"sources": {"rows": {"files": "rows.parquet"}}},
        "validation": {"slices": ["plan"], "bootstrap": 100},
    }
    return Project.model_validate(text | changes)


@dataclass(frozen=True)
class World:
    """The folders of a project whose stages before validation have run."""

    root: Path
    plan: FeaturePlan

    def judge(self, asked: Project | None = None, *, production: Path | None = None) -> Verdict:
        """The stage under test."""
        return judge(
            asked or make_project(),
            features=self.root / "features",
            training=self.root / "training",
            bundle=self.root / "bundle",
            production=production,
            out=self.root / "validation",
            reports=self.root / "reports",
            now=lambda: NOW,
            progress=Silent(),
        )

    def release(self, *, slope: float = SLOPE, plan: FeaturePlan | None = None) -> Path:
        """A bundle in production."""
        tiny_bundle(self.root / "production", "0.9.0", slope=slope, plan=plan or self.plan)
        return self.root / "production"


def make_world(
    root: Path,
    *,
    rows: int = 600,
    slope: float = SLOPE,
    matrix: Mapping[str, pl.Series] | None = None,
    recorded: float | None = None,
    explained: bool = False,
) -> World:
    """The world: half of the rows are test rows; `recorded` is the AUC that training says it saw."""
    plan = tiny_plan()
    tiny_bundle(root / "bundle", "1.0.0", slope=slope, plan=plan, explained=explained)
    numbers, words = tiny_rows(plan, rows)
    chance = np.random.default_rng(3)
    truth = chance.random(rows) < tiny_answers(plan, numbers, words, SLOPE)
    columns = {
        "user_id": pl.Series(range(rows)),
        "event_time": pl.Series([NOW - timedelta(days=rows - at) for at in range(rows)]),
        "churned": pl.Series(["yes" if one else "no" for one in truth]),
        **{name: pl.Series(numbers[:, at]) for at, name in enumerate(plan.numerical)},
        "plan": pl.Series([word or None for word in words[:, 0].tolist()], dtype=pl.String),
    }
    (root / "features").mkdir(parents=True)
    (root / "training").mkdir()
    pl.DataFrame(columns | dict(matrix or {})).write_parquet(root / "features" / "matrix.parquet")
    parts = ["train"] * (rows // 2) + ["test"] * (rows - rows // 2)
    pl.DataFrame({"part": parts}).write_parquet(root / "training" / "split.parquet")
    write_record(root / "features" / "table.json", make_table(plan, rows))
    if recorded is None and rows > 1:
        half = slice(rows // 2, None)
        recorded = compute("auc_roc", truth[half], tiny_answers(plan, numbers[half], words[half], slope))
    write_record(root / "training" / "result.json", make_result(plan, rows, recorded))
    return World(root, plan)


def make_table(plan: FeaturePlan, rows: int) -> FeatureTable:
    return FeatureTable(
        version="1.0.0",
        version_reason="first features",
        plan_hash=plan.hash,
        data_version="1.0.0",
        data_hash="d" * 64,
        rows=rows,
        numerical=plan.numerical,
        categorical=plan.categorical,
        target="churned",
        entity="user_id",
        event_time="event_time",
        as_of=NOW,
        parity=None,
    )


def make_result(plan: FeaturePlan, rows: int, auc: float | None) -> TrainingResult:
    candidate = Candidate(
        name="logistic",
        estimator="sklearn.linear_model.LogisticRegression",
        params={"C": 1.0},
        run_id="run1",
        tuned_score=0.7,
        validation={"auc_roc": Measured(0.7, 0.66, 0.74, rows // 4)},
        test={"auc_roc": Measured(auc, n=rows // 2)},
        importance={"age": 0.5, "spend_30d": 0.4, "plan": 0.1},
        trials=5,
    )
    other = replace(candidate, name="forest", validation={"auc_roc": Measured(0.68, 0.64, 0.72, rows // 4)})
    return TrainingResult(
        leaderboard=(candidate, other),
        split=SplitSizes(rows // 2, 0, rows - rows // 2, 0, None, NOW - timedelta(days=rows // 2)),
        classes=("no", "yes"),
        success_metric="auc_roc",
        experiment="tiny",
        study="tiny",
        trained_at=NOW,
        seed=42,
        features_version="1.0.0",
        plan_hash=plan.hash,
        data_version="1.0.0",
        data_hash="d" * 64,
    )


@pytest.fixture(name="project")
def _project() -> Callable[..., Project]:
    return make_project


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    """Makes a world in a folder of its own."""

    def make(**changes: Any) -> World:
        return make_world(tmp_path / "world", **changes)

    return make
