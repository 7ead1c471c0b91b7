"""A project's own history under several policies, through its own training; nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rondo.adapters.memory.state import MemoryStateStore
from rondo.assembly import Assembly
from rondo.contract import load_project
from rondo.errors import DataError, NotAvailable
from rondo.lifecycle import backtesting
from rondo.lifecycle.backtesting import Backtest, backtest
from rondo.records.candidate import Candidate, SplitSizes, TrainingResult
from rondo.records.dataset import Column
from rondo.records.features import FeatureTable
from rondo.records.files import write_record
from rondo.stages.features.plan import compile_plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS, A_DAY, TURN = 200, 40, 100
FILE = """\
project: turning
ml_problem: {type: binary_classification, target: bought, entity: who, event_time: at, success_metric: accuracy,
  baseline: 0.5}
data: {sources: {rows: {files: rows.parquet}}}
features: {definitions: {x: {column: x}, z: {column: z}, month: {time: month}}}
training: {split: {by: time, validation: 10%, test: 10%}}
monitoring: {window: 7d, min_samples: 50}
retraining: {min_accuracy: 0.8, max_psi: 0.5, max_days_without_training: 60, cooldown: 7d, cost: $3}
"""


def rows(turns_on: int) -> pl.DataFrame:
    """What is bought follows x; from one day on it follows -x, and z has moved."""
    rng = np.random.default_rng(5)
    day = np.repeat(np.arange(DAYS), A_DAY)
    turned = day >= turns_on
    x = rng.normal(size=len(day))
    sign = np.where(turned, -1.0, 1.0)
    y = (sign * x + rng.normal(0, 0.4, len(day)) > 0).astype(np.int8)
    return pl.DataFrame(
        {
            "who": rng.integers(0, 300, len(day)),
            "at": [START + timedelta(days=int(number)) for number in day],
            "bought": y,
            "x": x.astype(np.float32),
            "z": (rng.normal(size=len(day)) + 5 * turned).astype(np.float32),
            "month": np.ones(len(day), dtype=np.float32),
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


@pytest.fixture
def project(tmp_path: Path) -> Assembly:
    (tmp_path / "rondo.yaml").write_text(FILE)
    workshop = Assembly(load_project(tmp_path), clock=lambda: NOW, env={})
    kinds = {"who": "int", "at": "datetime", "bought": "int", "x": "float", "z": "float"}
    columns = tuple(Column(name, kind) for name, kind in kinds.items())
    plan = compile_plan(workshop.project, columns, tmp_path)
    folder = workshop.layout.features
    folder.mkdir(parents=True)
    table = FeatureTable(
        "1.0.0", "first", plan.hash, "1.0.0", "hash", DAYS * A_DAY, plan.numerical, (), "bought", "who", "at",
        None, None,
    )  # fmt: skip
    rows(TURN).select("who", "at", "bought", *plan.numerical).write_parquet(folder / "matrix.parquet")
    write_record(folder / "table.json", table)
    write_record(folder / "plan.json", plan)
    best = Candidate("tree", "sklearn.tree.DecisionTreeClassifier", {"max_depth": 3}, "run", None, {})
    result = TrainingResult(
        (best,), SplitSizes(1, 1, 1), ("0", "1"), "accuracy", "turning", "study", NOW, 42,
        "1.0.0", plan.hash, "1.0.0", "hash",
    )  # fmt: skip
    workshop.layout.training.mkdir(parents=True)
    write_record(workshop.layout.training / "result.json", result)
    workshop.__dict__["state"] = MemoryStateStore()
    return workshop


def by_name(found: Backtest) -> dict[str, Any]:
    return {one.policy.name: one for one in found.replayed}


def test_after_the_world_turned_whoever_looks_at_outcomes_is_better_off_than_who_never_retrains(
    project: Assembly,
) -> None:
    found = backtest(project, periods=12)
    policies = by_name(found)
    assert found.metric == "accuracy"
    assert policies["never"].retrains == 0
    assert policies["never"].worst < 0.4
    for name in ("accuracy", "contract"):
        one = policies[name]
        assert 1 <= one.retrains < len(found.periods) - 1, name
        assert one.mean > policies["never"].mean + 0.1, name
        assert one.cost == 3 * one.retrains
        last = one.steps[-1].performance.value
        assert last is not None
        assert last > 0.8, name
    assert found.recommendation.policy != "never"


def test_a_retrain_at_the_first_sign_of_drift_can_learn_nothing_of_the_new_world(project: Assembly) -> None:
    """Its newest rows are held out for the judgement: the reference has moved, the model has not, and all is quiet."""
    drift = by_name(backtest(project, periods=12))["drift"]
    assert drift.retrains == 1
    first = next(step.period for step in drift.steps if step.retrain)
    assert all(step.performance.value < 0.5 for step in drift.steps[first + 1 :])


def test_before_the_turn_neither_errors_nor_drift_fire(project: Assembly) -> None:
    found = backtest(project, periods=12)
    turn = START + timedelta(days=TURN)
    for name in ("accuracy", "drift"):
        fired = [found.periods[step.period].end for step in by_name(found)[name].steps if step.reasons]
        assert fired
        assert min(fired) > turn


def test_models_are_shared_by_the_policies_and_the_replay_is_repeatable(
    project: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[datetime] = []
    fit = backtesting.refit

    def counted(history: Any, candidate: Candidate, moment: datetime) -> Any:
        made.append(moment)
        return fit(history, candidate, moment)

    monkeypatch.setattr(backtesting, "refit", counted)
    first = backtest(project, periods=8)
    assert len(made) == len(set(made)) == first.trained
    again = backtest(project, periods=8)
    assert [one.mean for one in first.replayed] == [one.mean for one in again.replayed]
    assert first.recommendation == again.recommendation


def test_nothing_learns_from_after_its_moment(project: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = backtesting.refit

    def watched(history: Any, candidate: Candidate, moment: datetime) -> Any:
        ahead = history.times.filter(history.times >= moment)
        scrambled = replace(history, material=_with_other_targets(history.material, len(ahead)))
        one, other = fit(history, candidate, moment), fit(scrambled, candidate, moment)
        rows = np.arange(50)
        np.testing.assert_array_equal(one.scores(history, rows), other.scores(scrambled, rows))
        return one

    monkeypatch.setattr(backtesting, "refit", watched)
    backtest(project, periods=4)


def _with_other_targets(material: Any, last: int) -> Any:
    y = material.labels.y.copy()
    y[len(y) - last :] = 1 - y[len(y) - last :]
    return replace(material, labels=replace(material.labels, y=y))


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), path.read_bytes()


def test_it_leaves_one_page_and_touches_nothing_else(project: Assembly) -> None:
    root = project.layout.root
    before = dict(_files(root))
    backtest(project, periods=5)
    after = dict(_files(root))
    assert set(after) - set(before) == {"reports/policy_backtest.html"}
    assert {name: after[name] for name in before} == before
    page = after["reports/policy_backtest.html"].decode()
    assert "Recommended" in page
    assert "never" in page
    assert page.count("<svg") == 1


def test_what_is_not_there_is_said(project: Assembly) -> None:
    (project.layout.training / "result.json").unlink()
    with pytest.raises(NotAvailable, match="no model was trained yet"):
        backtest(project)


def test_a_history_that_is_too_short_is_refused(project: Assembly) -> None:
    path = project.layout.features / "matrix.parquet"
    matrix = pl.read_parquet(path)
    times = [START + timedelta(days=50 * (number * 3 // matrix.height)) for number in range(matrix.height)]
    matrix.with_columns(pl.Series("at", times, dtype=pl.Datetime("us", "UTC"))).write_parquet(path)
    with pytest.raises(DataError, match=r"periods|rows|one class"):
        backtest(project)
