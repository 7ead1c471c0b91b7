"""The room's work: search each candidate, choose on the validation rows, refit the best, judge it once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from rondo.contract.project import Project
from rondo.contract.training import CandidateSpec
from rondo.errors import ContractError, DataError, Problem, nearest
from rondo.ports.progress import Progress
from rondo.ports.tracking import ExperimentTracker, Run
from rondo.ports.tuning import Tuner
from rondo.records import metrics
from rondo.records.candidate import Candidate, Measured, TrainingResult
from rondo.records.files import publish_folder, write_bytes, write_record
from rondo.records.weighted_metrics import METRICS, Together
from rondo.stages.training import estimators
from rondo.stages.training.encoding import ENCODING, ESTIMATOR, encoded_widths, encoder
from rondo.stages.training.graph import Trained, convert
from rondo.stages.training.labels import task_of
from rondo.stages.training.material import Material, folds, read_material
from rondo.stages.training.origins import Rolled, forecasts, roll
from rondo.stages.training.search import Ground, candidate_study, encode_folds, named, search, study_name
from rondo.stages.training.split import Part, Rows

Floats = NDArray[np.float64]
CONTEXTS: dict[Part, str] = {"train": "training", "validation": "validation", "test": "test"}


def train(
    project: Project,
    *,
    features: Path,
    out: Path,
    tracker: ExperimentTracker,
    tuner: Tuner,
    fixed: Candidate | None,
    now: datetime,
    progress: Progress,
) -> TrainingResult:
    """Trains what the contract asks for and publishes `out`.

    `out` holds result.json (the TrainingResult), model.onnx (the best candidate, fitted on training and validation
    rows), split.parquet (`part` of every row of the matrix), test_predictions.parquet (`row`, `y`, `score` of the
    trained model), importance.json, and of a forecast origins.parquet (`origin`, `row`, `at`, `y`, `score`, `naive`,
    `scale`).

    Args:
        features: folder of the features room.
        fixed: refit this candidate's parameters, without a search.

    Raises:
        NotAvailable: the features are not there.
        ContractError: what is asked cannot be trained.
        DataError: the rows cannot be learned from.
    """
    metric, scoring = asked_metrics(project)
    threshold_rule(project)
    material = read_material(project, features)
    study = study_name(project, material.table, scoring)
    with tracker.run(project.project, f"training {now:%Y-%m-%d %H:%M}", tags=_tags(project, material)) as run:
        _log_material(run, project, material, features)
        room = _Room(project, material, metric, scoring, study, tracker, tuner, run.run_id, progress)
        leaderboard = _in_order([room.fixed(fixed)] if fixed else room.searched(), metric)
        run.log_json("leaderboard.json", leaderboard)
        best, trained = _judge_best(room, leaderboard[0])
        rolled = _rolled(room, best, trained) if forecasts(project) else None
        result = TrainingResult(
            leaderboard=(best, *leaderboard[1:]),
            split=material.split.sizes,
            classes=material.labels.classes,
            success_metric=metric,
            experiment=project.project,
            study=study,
            trained_at=now,
            seed=project.training.seed,
            features_version=material.table.version,
            plan_hash=material.table.plan_hash,
            data_version=material.table.data_version,
            data_hash=material.table.data_hash,
            origins=rolled.origins if rolled else (),
        )
        _publish(out, result, trained, material, rolled)
        with tracker.resume(best.run_id) as best_run:
            best_run.log_model(
                out / "model.onnx",
                name="model",
                numerical=len(material.table.numerical),
                categorical=len(material.table.categorical),
                outputs=max(1, len(material.labels.classes)),
            )
    _say_result(progress, result, project.validation.confidence)
    return result


# ---- what is asked ---------------------------------------------------------------------------------------------


def asked_metrics(project: Project) -> tuple[str, str]:
    """The success metric and the scoring of the search.

    Raises:
        ContractError: one of them cannot be computed for such a problem.
    """
    task = task_of(project.ml_problem)
    metric = project.ml_problem.success_metric
    scoring = project.training.tuning.scoring or metric
    for name, where in ((metric, "ml_problem.success_metric"), (scoring, "training.tuning.scoring")):
        if not metrics.is_known(name, task):
            raise ContractError(
                f"{name!r} cannot be computed for a {project.ml_problem.type} problem",
                where=where,
                mend=nearest(name, METRICS[task]),
            )
    return metric, scoring


def threshold_rule(project: Project) -> float | None:
    """The threshold that the contract fixes; None when it is chosen on the validation rows.

    Raises:
        ContractError: it is to be chosen by costs, and the contract knows none.
    """
    match project.training.threshold:
        case "default":
            return 0.5
        case "f1":
            return None
        case "cost":
            raise ContractError(
                "a threshold by cost needs the costs of both errors, which the project file does not hold",
                where="training.threshold",
                mend="Write training: {threshold: f1}, or a number.",
            )
        case number:
            return float(number)


def measured_names(project: Project) -> tuple[str, ...]:
    """The usual metrics of such a problem, and those that the contract names."""
    task = task_of(project.ml_problem)
    asked = (*asked_metrics(project), *project.success_criteria.offline_metrics)
    usual = metrics.usual_metrics(task, forecast=forecasts(project))
    return tuple(dict.fromkeys((*usual, *(each for each in asked if metrics.is_known(each, task)))))


# ---- candidates ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Room:
    """Everything that the candidates share."""

    project: Project
    material: Material
    metric: str
    scoring: str
    study: str
    tracker: ExperimentTracker
    tuner: Tuner
    round_id: str
    progress: Progress

    def searched(self) -> list[Candidate]:
        """Every candidate of the contract with the best parameters that its search found."""
        frame, y = self.material.rows("train")
        rows = self.material.split.rows("train")
        ground = Ground(
            encode_folds(
                frame,
                y,
                folds(self.project, self.material),
                self.project.features,
                lambda fold: self.material.together(rows[fold[1]], rows[fold[0]]),
            ),
            self.scoring,
            self.material.labels.task,
            self.project.training.seed,
        )
        specs = named(_specs(self.project))
        for spec in specs.values():  # an estimator that cannot be is told before anything is searched
            self.estimator(spec.estimator, spec.params, 0)
        return [self._search_one(name, spec, ground) for name, spec in specs.items()]

    def _search_one(self, name: str, spec: CandidateSpec, ground: Ground) -> Candidate:
        with self._run(name) as run:
            run.log_params(
                {
                    "estimator": spec.estimator,
                    "scoring": self.scoring,
                    "folds": len(ground.folds),
                    **{f"fixed.{key}": value for key, value in spec.params.items()},
                    **{f"search.{key}": str(value) for key, value in spec.search.items()},
                }
            )
            found = search(
                spec, ground, self.project, name=name, study=candidate_study(self.study, spec, name),
                tuner=self.tuner, run=run, progress=self.progress,
            )  # fmt: skip
            if found.failed:
                run.set_tags({"rondo.failed_trials": "; ".join(found.failed)[:4000]})
                self.progress.say(f"{name}: {len(found.failed)} trials gave nothing ({found.failed[0]})")
            params = {**spec.params, **found.params}
            made = Candidate(name, spec.estimator, params, run.run_id, found.score, {}, trials=found.trials)
            return self._measure(made, run)

    def fixed(self, given: Candidate) -> Candidate:
        """That candidate's parameters, fitted on the rows of now."""
        with self._run(given.name) as run:
            run.log_params({"estimator": given.estimator, "searched": "no"})
            self.progress.say(f"{given.name}: its parameters are kept, no search")
            return self._measure(replace(given, run_id=run.run_id, trials=0, test={}), run)

    def _measure(self, candidate: Candidate, run: Run) -> Candidate:
        """Fits it on the training rows and measures it on the validation rows."""
        run.log_params({f"best.{name}": value for name, value in candidate.params.items()})
        x, y = self.material.lessons("train")
        pipeline = self.fitted(candidate, x, y)
        rows, truth = self.material.rows("validation")
        task = self.material.labels.task
        score = estimators.scores(pipeline, rows, task)
        threshold = threshold_rule(self.project)
        if threshold is None:
            threshold = metrics.best_f1_threshold(truth, score) if task == "binary" else 0.5
        split = self.material.split
        together = self.material.together(split.rows("validation"), split.rows("train"))
        measured = self.measure(truth, score, threshold, together)
        shares = self.importance(pipeline, x)
        run.log_metrics(
            _flat("validation", measured)
            | {"threshold": threshold}
            | ({} if candidate.tuned_score is None else {"cv_score": candidate.tuned_score})
        )
        run.log_json("importance.json", shares)
        run.log_json("estimator.json", _plain(pipeline[ESTIMATOR].get_params()))
        return replace(candidate, validation=measured, threshold=threshold, importance=shares)

    def fitted(self, candidate: Candidate, x: pd.DataFrame, y: Floats) -> Pipeline:
        """The candidate's pipeline, fitted on these rows."""
        estimator = self.estimator(candidate.estimator, candidate.params, x.size)
        pipeline = Pipeline([(ENCODING, encoder(x, self.project.features)), (ESTIMATOR, estimator)])
        for note in estimators.fit(pipeline, x, y, classification=self.material.labels.classification):
            self.progress.say(f"{candidate.name}: {note}")
        return pipeline

    def estimator(self, path: str, params: Mapping[str, Any], size: int) -> Any:
        """A fresh estimator."""
        labels, seed = self.material.labels, self.project.training.seed
        return estimators.make(path, params, task=labels.task, seed=seed, size=size)

    def measure(
        self, y: Floats, score: Floats, threshold: float, together: Together | None
    ) -> dict[str, Measured]:
        """Every metric of interest with its interval."""
        validation = self.project.validation
        return metrics.measure_all(
            measured_names(self.project), y, score, threshold,
            task=self.material.labels.task, resamples=validation.bootstrap,
            confidence=validation.confidence, seed=self.project.training.seed, groups=together,
        )  # fmt: skip

    def importance(self, pipeline: Pipeline, x: pd.DataFrame) -> dict[str, float]:
        """Shares of the features, those that have none last."""
        table = self.material.table
        widths = encoded_widths(pipeline[ENCODING], len(table.numerical), len(table.categorical))
        return estimators.importance(
            pipeline[ESTIMATOR], pipeline[ENCODING].transform(x), table.features, widths
        )

    def _run(self, name: str) -> Any:
        return self.tracker.run(
            self.project.project,
            name,
            tags={"rondo.part": "candidate", "rondo.study": self.study},
            parent=self.round_id,
        )


def _specs(project: Project) -> tuple[CandidateSpec, ...]:
    """The candidates of the contract; unless it names some, LightGBM of the kind that the problem needs."""
    given = project.training.candidates
    if "candidates" in project.training.model_fields_set or task_of(project.ml_problem) != "regression":
        return given
    return (CandidateSpec(estimator="lightgbm.LGBMRegressor"),)


def _in_order(candidates: list[Candidate], metric: str) -> list[Candidate]:
    """Best first on the validation rows.

    Raises:
        DataError: the success metric has no value for any of them.
    """
    sign = 1.0 if metrics.bigger_is_better(metric) else -1.0

    def merit(candidate: Candidate) -> float:
        value = candidate.validation[metric].value
        return -math.inf if value is None else sign * value

    ordered = sorted(candidates, key=merit, reverse=True)
    if merit(ordered[0]) == -math.inf:
        raise DataError(
            f"{metric} has no value on the validation rows",
            problems=[Problem(each.name, each.validation[metric].note) for each in ordered],
        )
    return ordered


def _judge_best(room: _Room, best: Candidate) -> tuple[Candidate, Trained]:
    """The best candidate, fitted on training and validation rows, with its only look at the test rows."""
    room.progress.say(f"{best.name} is best; fitting it on training and validation rows")
    material = room.material
    x, y = material.lessons("train", "validation")
    rows, truth = material.rows("test")
    with room.tracker.resume(best.run_id) as run:
        pipeline = room.fitted(best, x, y)
        trained = convert(pipeline, x, y, rows, material.labels.task)
        split = material.split
        together = material.together(split.rows("test"), split.rows("train", "validation"))
        measured = room.measure(truth, trained.scores, best.threshold, together)
        shares = room.importance(pipeline, x)
        run.log_metrics(_flat("test", measured) | {"graph_difference": trained.difference})
        run.log_json("importance.json", shares)
        run.set_tags({"rondo.best": "true", "rondo.graph_mended": str(trained.mended).lower()})
    return replace(best, test=measured, importance=shares), trained


def _rolled(room: _Room, best: Candidate, trained: Trained) -> Rolled:
    """The best candidate tried out at every origin; its figures are kept beside those of its run."""
    frame, y = room.material.frame, room.material.labels.y
    names = measured_names(room.project)

    def learn(fit: Rows, score: Rows) -> Floats:
        room.progress.say(f"{best.name}: an origin after {len(fit):,} rows")
        pipeline = room.fitted(best, frame.iloc[fit], y[fit])
        return estimators.scores(pipeline, frame.iloc[score], room.material.labels.task)

    rolled = roll(
        room.project, room.material, trained.scores, learn,
        lambda truth, score, together: metrics.measure_all(
            names, truth, score, task=room.material.labels.task, resamples=0, groups=together
        ),
    )  # fmt: skip
    with room.tracker.resume(best.run_id) as run:
        for number, origin in enumerate(rolled.origins):
            told = {**_flat("origin", origin.model), **_flat("origin_naive", origin.naive)}
            run.log_metrics(told, step=number)
    return rolled


# ---- what is left behind ---------------------------------------------------------------------------------------


def _publish(
    out: Path, result: TrainingResult, trained: Trained, material: Material, rolled: Rolled | None
) -> None:
    several = trained.scores.ndim == 2
    predictions = pl.DataFrame(
        {
            "row": material.split.rows("test").astype(np.int64),
            "y": material.rows("test")[1],
            "score": pl.Series(trained.scores.tolist(), dtype=pl.List(pl.Float64) if several else pl.Float64),
        }
    )
    with publish_folder(out) as folder:
        material.split.frame().write_parquet(folder / "split.parquet")
        predictions.write_parquet(folder / "test_predictions.parquet")
        if rolled is not None:
            rolled.answers.write_parquet(folder / "origins.parquet")
        write_bytes(folder / "model.onnx", trained.graph)
        write_record(folder / "importance.json", result.best.importance)
        write_record(folder / "result.json", result)


def _tags(project: Project, material: Material) -> dict[str, str]:
    table = material.table
    return {
        "rondo.part": "round",
        "rondo.project": project.project,
        "rondo.data_version": table.data_version,
        "rondo.features_version": table.version,
    }


def _log_material(run: Run, project: Project, material: Material, features: Path) -> None:
    split, sizes = project.training.split, material.split.sizes
    run.log_params(
        {
            "train_size": sizes.train,
            "validation_size": sizes.validation,
            "test_size": sizes.test,
            "left_out": sizes.left_out,
            "split.by": split.by,
            "split.validation_from": sizes.validation_from,
            "split.test_from": sizes.test_from,
            "features": len(material.table.features),
            "success_metric": project.ml_problem.success_metric,
            "seed": project.training.seed,
            "data_version": material.table.data_version,
            "features_version": material.table.version,
        }
    )
    for part, context in CONTEXTS.items():
        run.log_dataset(
            project.project,
            digest=material.digest(part),
            rows=len(material.split.rows(part)),
            context=context,
            source=str(features / "matrix.parquet"),
        )


def _flat(part: str, measured: Mapping[str, Measured]) -> dict[str, float]:
    """Values and interval ends under names that MLflow groups by part; a metric without a value stays NaN."""
    flat: dict[str, float] = {}
    for name, one in measured.items():
        flat[f"{part}/{name}"] = math.nan if one.value is None else one.value
        if one.low is not None and one.high is not None:
            flat |= {f"{part}/{name}.low": one.low, f"{part}/{name}.high": one.high}
    return flat


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | float | bool | None) else str(value)
        for name, value in sorted(params.items())
    }


def _say_result(progress: Progress, result: TrainingResult, confidence: float) -> None:
    found = result.best.test[result.success_metric]
    if found.value is None:
        progress.say(f"{result.best.name}: test {result.success_metric} has no value ({found.note})")
        return
    interval = (
        f" ({confidence:.0%} interval {found.low:.4f} to {found.high:.4f})" if found.low is not None else ""
    )
    progress.say(
        f"{result.best.name}: test {result.success_metric} {found.value:.4f}{interval}, {found.n:,} rows"
    )
