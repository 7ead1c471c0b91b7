"""A bundle is made of what features and training left, and only when the graph answers as the model did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rondo.bundle.bundle import load_bundle
from rondo.bundle.manifest import Manifest
from rondo.bundle.plan import FeaturePlan, PlanInput, StatelessFeature
from rondo.contract.project import Project
from rondo.errors import Conflict, CorruptArtifact, NotAvailable
from rondo.ports.progress import Silent
from rondo.records.candidate import Candidate, Measured, SplitSizes, TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.files import write_record
from rondo.stages.packaging import package
from rondo.stages.packaging.packaging import GOLDEN_ROWS, positive_class

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ROWS, WIDTH = 300, 4


class Folders:
    """What features and training left, for a model that was really trained."""

    def __init__(self, root: Path, problem: str) -> None:
        self.features, self.training, self.out = root / "features", root / "training", root / "bundle"
        self.problem = problem
        chance = np.random.default_rng(3)
        self.matrix = chance.normal(size=(ROWS, WIDTH)).astype(np.float32)
        self.part = np.array(["train"] * 180 + ["validation"] * 60 + ["test"] * 60)
        signal = self.matrix[:, 0] + 0.5 * self.matrix[:, 1] + chance.normal(scale=0.3, size=ROWS)
        self.target = {
            "binary_classification": (signal > 0).astype(int),
            "multiclass_classification": np.digitize(signal, [-0.5, 0.5]),
            "regression": signal * 1000,
        }[problem]
        self._fit()
        self._write()

    def _fit(self) -> None:
        estimator = {
            "binary_classification": LGBMClassifier(n_estimators=20, verbose=-1, random_state=1, n_jobs=1),
            "multiclass_classification": LogisticRegression(),
            "regression": LinearRegression(),
        }[self.problem]
        train = self.part == "train"
        fitted = make_pipeline(StandardScaler(), estimator).fit(self.matrix[train], self.target[train])
        update_registered_converter(
            LGBMClassifier,
            "LightGbmLGBMClassifier",
            calculate_linear_classifier_output_shapes,
            convert_lightgbm,
            options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
        )
        self.model = to_onnx(
            fitted,
            initial_types=[("num", FloatTensorType([None, WIDTH]))],
            options={"zipmap": False} if self.problem != "regression" else None,
            target_opset={"": 15, "ai.onnx.ml": 3},
        ).SerializeToString()
        rows = self.matrix[self.part == "test"]
        if self.problem == "regression":
            self.answers = fitted.predict(rows).reshape(-1)
        else:
            self.answers = fitted.predict_proba(rows)
            if self.problem == "binary_classification":
                self.answers = self.answers[:, 1]

    def _write(self) -> None:
        names = tuple(f"x{place}" for place in range(WIDTH))
        self.plan = FeaturePlan(
            entity=None,
            event_time=None,
            inputs=tuple(PlanInput(name, "float") for name in names),
            history=(),
            stateless=tuple(StatelessFeature(name, "column", (name,)) for name in names),
            numerical=names,
            categorical=(),
            views={},
        )
        table = FeatureTable(
            "1.0.0", "first", self.plan.hash, "1.0.0", "d" * 64, ROWS, names, (), "y", None, None, None, None
        )
        best = Candidate(
            "best",
            "some.Estimator",
            {"depth": 3},
            "run-1",
            0.9,
            {},
            {"auc_roc": Measured(0.9), "x": Measured(None)},
        )
        several = {"binary_classification": 2, "multiclass_classification": 3, "regression": 0}[self.problem]
        self.result = TrainingResult(
            (best,),
            SplitSizes(180, 60, 60),
            tuple(str(place) for place in range(several)),
            "auc_roc",
            "e",
            "s",
            NOW,
            1,
            "1.0.0",
            self.plan.hash,
            "1.0.0",
            "d" * 64,
        )
        write_record(self.features / "plan.json", self.plan)
        write_record(self.features / "table.json", table)
        pl.DataFrame({name: self.matrix[:, place] for place, name in enumerate(names)}).write_parquet(
            self.features / "matrix.parquet"
        )
        self.training.mkdir(parents=True)
        write_record(self.training / "result.json", self.result)
        (self.training / "model.onnx").write_bytes(self.model)
        pl.DataFrame({"part": self.part}).write_parquet(self.training / "split.parquet")
        self.write_answers(self.answers)

    def write_answers(self, answers: np.ndarray) -> None:
        rows = np.flatnonzero(self.part == "test")
        columns = {"row": rows, "y": self.target[rows], "score": answers.tolist()}
        pl.DataFrame(columns).write_parquet(self.training / "test_predictions.parquet")

    def package(self, tracker: Tracker) -> Manifest:
        project = Project.model_validate(
            {
                "project": "p",
                "ml_problem": {"type": self.problem, "target": "y"},
                "data": {"sources": {"s": {"files": "x.csv"}}},
            }
        )
        return package(
            project,
            features=self.features,
            training=self.training,
            out=self.out,
            version="1.2.3",
            version_reason="because",
            lineage={"code": "abc"},
            tracker=tracker,
            now=NOW,
            progress=Silent(),
        )


class Tracker:
    """Remembers which folders were logged to which run."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, str, list[str]]] = []

    @contextmanager
    def resume(self, run_id: str) -> Iterator[Any]:
        tracker = self

        class Run:
            def log_folder(self, folder: Path, *, under: str) -> None:
                tracker.logged.append((run_id, under, sorted(path.name for path in folder.iterdir())))

        yield Run()

    def run(
        self, experiment: str, name: str, *, tags: Mapping[str, str] | None = None, parent: str | None = None
    ) -> Any:
        raise AssertionError("packaging starts no runs")


@pytest.mark.parametrize("problem", ["binary_classification", "multiclass_classification", "regression"])
def test_the_bundle_answers_as_the_trained_model(tmp_path: Path, problem: str) -> None:
    made, tracker = Folders(tmp_path, problem), Tracker()
    manifest = made.package(tracker)
    bundle = load_bundle(made.out)
    assert bundle.manifest == manifest
    assert (manifest.version, manifest.metrics, manifest.lineage) == (
        "1.2.3",
        {"auc_roc": 0.9},
        {"code": "abc"},
    )
    assert manifest.largest_difference <= 1e-5
    rows = made.matrix[made.part == "test"]
    scores = bundle.scores(rows, np.empty((len(rows), 0), dtype=object))
    np.testing.assert_allclose(scores, made.answers, rtol=1e-5, atol=1e-5)
    assert len(bundle.golden.answers) == GOLDEN_ROWS
    assert bundle.reference.rows == 120
    assert bundle.reference.score.n == 120
    assert sum(bundle.reference.labels.values()) == (0 if problem == "regression" else 120)
    assert tracker.logged == [
        ("run-1", "bundle", sorted([*manifest.files, "manifest.json", "manifest.sha256"]))
    ]


def test_a_graph_that_answers_otherwise_is_refused_and_nothing_is_published(tmp_path: Path) -> None:
    made, tracker = Folders(tmp_path, "binary_classification"), Tracker()
    wrong = made.answers.copy()
    wrong[7] += 2e-5
    made.write_answers(wrong)
    with pytest.raises(CorruptArtifact, match="1 of 60 test rows otherwise"):
        made.package(tracker)
    assert not made.out.exists()
    assert tracker.logged == []


def test_missing_answers_are_no_agreement(tmp_path: Path) -> None:
    made = Folders(tmp_path, "regression")
    pl.DataFrame(
        {"row": [], "y": [], "score": []}, schema={"row": pl.Int64, "y": pl.Float64, "score": pl.Float64}
    ).write_parquet(made.training / "test_predictions.parquet")
    with pytest.raises(CorruptArtifact, match="0 rows are answered, the test part has 60"):
        made.package(Tracker())


def test_features_and_training_of_different_plans_are_a_conflict(tmp_path: Path) -> None:
    made = Folders(tmp_path, "regression")
    write_record(made.training / "result.json", replace(made.result, plan_hash="0" * 64))
    with pytest.raises(Conflict, match="features of another plan"):
        made.package(Tracker())


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    made = Folders(tmp_path, "regression")
    (made.training / "model.onnx").unlink()
    with pytest.raises(NotAvailable, match=r"model\.onnx is not there yet"):
        made.package(Tracker())


@pytest.mark.parametrize(
    ("classes", "positive"), [(("0", "1"), "1"), (("No", "Yes"), "Yes"), (("a", "b", "c"), ""), ((), "")]
)
def test_the_positive_class_is_the_second_of_two(classes: tuple[str, ...], positive: str) -> None:
    assert positive_class(classes) == positive
