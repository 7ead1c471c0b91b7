"""The room from matrix to published result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score
from tests.stages.training.conftest import BOOSTED, LOGISTIC, ROWS, matrix, project

from rondo.bundle.model import Model
from rondo.errors import ContractError, DataError, NotAvailable
from rondo.records.candidate import TrainingResult
from rondo.records.files import read_record
from rondo.testing.tracking import MemoryTracker

Run = Callable[..., TrainingResult]


def test_the_folder_holds_what_the_next_rooms_read(run_training: Run, tmp_path: Path) -> None:
    result = run_training(project())
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "importance.json",
        "model.onnx",
        "result.json",
        "split.parquet",
        "test_predictions.parquet",
    ]
    assert read_record(out / "result.json", TrainingResult) == result
    rows = matrix()
    parts = pl.read_parquet(out / "split.parquet")["part"]
    assert parts.to_list() == ["train"] * 540 + ["validation"] * 180 + ["test"] * 180
    predictions = pl.read_parquet(out / "test_predictions.parquet")
    assert predictions["row"].to_list() == list(range(720, ROWS))
    assert predictions["y"].to_list() == rows["churned"][720:].to_list()
    graph = Model((out / "model.onnx").read_bytes(), numerical=2, categorical=1, where="model.onnx")
    test = rows[720:]
    answers = graph.run(
        test.select("age", "noise").fill_null(np.nan).to_numpy().astype(np.float32),
        test.select("plan").to_numpy().astype(object),
    )
    np.testing.assert_allclose(answers[:, 1], predictions["score"], atol=1e-5)
    assert result.best.test["auc_roc"].value == pytest.approx(
        roc_auc_score(predictions["y"], predictions["score"])
    )


def test_the_best_on_the_validation_rows_leads_and_only_it_saw_the_test_rows(run_training: Run) -> None:
    result = run_training(project())
    first, second = result.leaderboard
    assert {first.name, second.name} == {"LogisticRegression", "LGBMClassifier"}
    assert first.validation["auc_roc"].value >= second.validation["auc_roc"].value  # type: ignore[operator]
    assert first.test["auc_roc"].low < first.test["auc_roc"].value < first.test["auc_roc"].high  # type: ignore[operator]
    assert second.test == {}
    assert first.trials == 3
    assert set(first.importance) == {"age", "noise", "plan"}
    assert sum(first.importance.values()) == pytest.approx(1)
    assert first.importance["noise"] < first.importance["age"]


def test_runs_tell_the_story(run_training: Run, tracker: MemoryTracker) -> None:
    result = run_training(project())
    outer, *candidates = tracker.runs.values()
    assert [run.status for run in tracker.runs.values()] == ["finished"] * 3
    assert [run.parent for run in candidates] == [outer.run_id] * 2
    assert outer.params["train_size"] == "540"
    assert set(outer.datasets) == {"training", "validation", "test"}
    assert len(set(outer.datasets.values())) == 3
    best = tracker.runs[result.best.run_id]
    assert best.metrics["test/auc_roc"] == result.best.test["auc_roc"].value
    assert best.metrics["test/auc_roc.low"] == result.best.test["auc_roc"].low
    assert len(best.history["trial/auc_roc"]) == 3
    assert [row["trial"] for row in json.loads(best.files["trials.json"])] == [0, 1, 2]
    assert json.loads(best.files["importance.json"]) == dict(result.best.importance)
    assert best.models == ("model",)
    assert best.tags["rondo.best"] == "true"
    assert "best.C" in best.params or "best.num_leaves" in best.params


def test_the_same_seed_trains_the_same_graph(run_training: Run, tmp_path: Path) -> None:
    def graph() -> str:
        return hashlib.sha256((tmp_path / "out" / "model.onnx").read_bytes()).hexdigest()

    first = run_training(project())
    before = graph()
    second = run_training(project())
    assert graph() == before
    assert [each.params for each in first.leaderboard] == [each.params for each in second.leaderboard]


def test_trials_that_were_done_are_not_done_again(run_training: Run, tracker: MemoryTracker) -> None:
    first = run_training(project())
    second = run_training(project())
    assert second.study == first.study
    assert "trial/auc_roc" not in tracker.runs[second.best.run_id].history
    changed = run_training(project(), matrix(seed=8))
    assert changed.study != first.study


def test_fixed_parameters_are_refitted_without_a_search(run_training: Run, tracker: MemoryTracker) -> None:
    searched = run_training(project()).best
    result = run_training(project(), matrix(seed=9), fixed=searched)
    (kept,) = result.leaderboard
    assert (kept.name, kept.params, kept.trials) == (searched.name, searched.params, 0)
    assert kept.run_id != searched.run_id
    assert kept.test["auc_roc"].value != searched.test["auc_roc"].value
    assert "trials.json" not in tracker.runs[kept.run_id].files


def test_several_classes(run_training: Run, tmp_path: Path) -> None:
    contract = project(ml_problem={"type": "multiclass_classification", "success_metric": "f1_macro"})
    result = run_training(contract, matrix("multiclass"))
    assert result.classes == ("low", "mid", "top")
    assert result.best.test["f1_macro"].value > 0.5  # type: ignore[operator]
    score = pl.read_parquet(tmp_path / "out" / "test_predictions.parquet")["score"]
    assert score.dtype == pl.List(pl.Float64)
    assert score.list.sum().to_numpy() == pytest.approx(1.0)


def test_numbers_without_candidates_are_boosted_and_less_error_is_better(run_training: Run) -> None:
    contract = project(
        ml_problem={"type": "regression", "success_metric": "rmse"},
        training={"tuning": {"cv": 2, "trials": 1}},
    )
    contract = contract.model_copy(
        update={"training": type(contract.training)(tuning=contract.training.tuning)}
    )
    result = run_training(contract, matrix("regression"))
    assert result.best.estimator == "lightgbm.LGBMRegressor"
    assert result.classes == ()
    assert 5 < result.best.test["rmse"].value < 12  # type: ignore[operator]


def test_regressors_are_ranked_downwards(run_training: Run) -> None:
    contract = project(
        ml_problem={"type": "regression", "success_metric": "mae"},
        training={
            "candidates": [
                {"estimator": "sklearn.linear_model.Ridge", "params": {"alpha": 1e6}, "name": "flat"},
                {"estimator": "sklearn.linear_model.Ridge", "name": "line"},
            ]
        },
    )
    assert [each.name for each in run_training(contract, matrix("regression")).leaderboard] == [
        "line",
        "flat",
    ]


def test_the_threshold_is_the_contracts(run_training: Run) -> None:
    only = {"candidates": [LOGISTIC], "tuning": {"trials": 1, "cv": 2}}
    assert run_training(project(training=only)).best.threshold == 0.5
    assert run_training(project(training={**only, "threshold": 0.3})).best.threshold == 0.3
    chosen = run_training(project(training={**only, "threshold": "f1"})).best
    assert chosen.threshold not in (0.3, 0.5)
    plain = run_training(project(training=only)).best
    assert chosen.validation["f1"].value >= plain.validation["f1"].value  # type: ignore[operator]


def test_asked_metrics_are_measured_beside_the_usual_ones(run_training: Run) -> None:
    contract = project(
        ml_problem={"success_metric": "precision_at_recall_80"},
        success_criteria={"offline_metrics": {"mcc": {"min": 0.1}, "roc_auc": {"min": 0.5}}},
        training={"tuning": {"trials": 2, "cv": 2, "scoring": "log_loss"}},
    )
    best = run_training(contract).best
    assert {"precision_at_recall_80", "mcc", "roc_auc", "accuracy", "log_loss"} <= set(best.test)
    assert best.tuned_score == pytest.approx(best.validation["log_loss"].value, abs=0.2)


def test_labels_that_look_ahead_leave_a_gap(run_training: Run) -> None:
    contract = project(ml_problem={"label": {"event": "true", "within": "2d"}})
    sizes = run_training(contract).split
    assert (sizes.train, sizes.validation, sizes.test, sizes.left_out) == (540 - 96, 180, 180, 96)


def test_other_splits(run_training: Run, tmp_path: Path) -> None:
    one = {"candidates": [LOGISTIC], "tuning": {"trials": 1, "cv": 2}}
    by_entity = run_training(project(training={**one, "split": {"by": "entity"}}))
    assert by_entity.split.test_from is None
    parts = pl.read_parquet(tmp_path / "out" / "split.parquet")["part"]
    users = matrix()["user_id"]
    assert not set(users.filter(parts == "test")) & set(users.filter(parts == "train"))
    at_random = run_training(project(training={**one, "split": {"by": "random"}})).split
    assert (at_random.train, at_random.validation, at_random.test) == (540, 180, 180)


@pytest.mark.parametrize(
    ("sections", "match"),
    [
        ({"training": {"threshold": "cost"}}, "needs the costs"),
        ({"ml_problem": {"success_metric": "rmse"}}, "cannot be computed"),
        ({"training": {"tuning": {"scoring": "acuracy"}}}, "Did you mean 'accuracy'"),
        ({"training": {"candidates": [LOGISTIC | {"params": {"depth": 1}}]}}, "no parameter depth"),
        ({"training": {"candidates": [LOGISTIC | {"search": {"depth": "int(1, 2)"}}]}}, "no parameter depth"),
        (
            {"training": {"candidates": [{**LOGISTIC, "name": "a"}, {**BOOSTED, "name": "a"}]}},
            "two candidates",
        ),
    ],
)
def test_what_cannot_be_trained_is_told_and_publishes_nothing(
    run_training: Run, tmp_path: Path, sections: dict, match: str
) -> None:
    with pytest.raises(ContractError, match=match):
        run_training(project(**sections))
    assert not (tmp_path / "out").exists()


def test_parts_with_one_class_are_an_error(run_training: Run) -> None:
    rows = matrix().with_columns(churned=(pl.int_range(pl.len()) < 500).cast(pl.Int8))
    with pytest.raises(DataError, match="the test part: it has one class only"):
        run_training(project(), rows)


def test_a_candidate_that_never_fits_is_named_and_its_run_failed(
    run_training: Run, tracker: MemoryTracker
) -> None:
    broken = LOGISTIC | {"params": {"solver": "no such"}, "search": {"C": "float(1, 2)"}}
    with pytest.raises(DataError, match="solver"):
        run_training(project(training={"candidates": [broken], "tuning": {"trials": 2, "cv": 2}}))
    assert [run.status for run in tracker.runs.values()] == ["failed", "failed"]
    assert "search.C" in list(tracker.runs.values())[1].params


def test_without_features_there_is_nothing_to_train(run_training: Run, tmp_path: Path) -> None:
    run_training(project(training={"candidates": [LOGISTIC], "tuning": {"trials": 1, "cv": 2}}))
    (tmp_path / "features" / "matrix.parquet").unlink()
    from rondo.stages.training.material import read_material

    with pytest.raises(NotAvailable, match="no feature matrix"):
        read_material(project(), tmp_path / "features")


def test_fixed_candidates_come_back_from_json(run_training: Run, tmp_path: Path) -> None:
    run_training(project())
    stored = read_record(tmp_path / "out" / "result.json", TrainingResult).best
    again = run_training(project(), fixed=stored).best
    assert replace(again, run_id="", trials=0) == replace(stored, run_id="", trials=0)
