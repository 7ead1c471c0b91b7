"""The search for each candidate's parameters, scored over folds of the training rows only."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rondo.contract.features import Features
from rondo.contract.project import Project
from rondo.contract.training import CandidateSpec
from rondo.errors import ContractError
from rondo.ports.progress import Progress
from rondo.ports.tracking import Run
from rondo.ports.tuning import SearchResult, Tuner
from rondo.records import metrics
from rondo.records.features import FeatureTable
from rondo.records.weighted_metrics import Task, Together
from rondo.stages.training import estimators
from rondo.stages.training.encoding import encoder
from rondo.stages.training.split import Fold

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A fold, encoded by an encoder that was fitted on its fitting side."""

    x: NDArray[np.float32]
    y: Floats
    x_scored: NDArray[np.float32]
    y_scored: Floats
    together: Together | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What every candidate is searched on."""

    folds: tuple[Scored, ...]
    metric: str
    task: Task
    seed: int


@dataclass(slots=True)
class TrialLog:
    """The trials of this process, for the run's table."""

    rows: list[dict[str, Any]] = field(default_factory=list)


def encode_folds(
    frame: pd.DataFrame,
    y: Floats,
    folds: Sequence[Fold],
    how: Features,
    together: Callable[[Fold], Together | None] = lambda _: None,
) -> tuple[Scored, ...]:
    """The folds, encoded once for all trials: no parameter that is searched changes the encoding."""
    found = []
    for fit, score in folds:
        fitted = encoder(frame.iloc[fit], how).fit(frame.iloc[fit])
        found.append(
            Scored(
                fitted.transform(frame.iloc[fit]).astype(np.float32),
                y[fit],
                fitted.transform(frame.iloc[score]).astype(np.float32),
                y[score],
                together((fit, score)),
            )
        )
    return tuple(found)


def fold_score(ground: Ground, path: str, params: Mapping[str, Any]) -> float:
    """The metric's mean over the folds, NaN when a fold has no value."""
    found = []
    for fold in ground.folds:
        estimator = estimators.make(path, params, task=ground.task, seed=ground.seed, size=fold.x.size)
        estimators.fit(estimator, fold.x, fold.y, classification=ground.task != "regression")
        score = estimators.scores(estimator, fold.x_scored, ground.task)
        found.append(
            metrics.compute(ground.metric, fold.y_scored, score, task=ground.task, groups=fold.together)
        )
    return float(np.mean(found))


def search(
    spec: CandidateSpec,
    ground: Ground,
    project: Project,
    *,
    name: str,
    study: str,
    tuner: Tuner,
    run: Run,
    progress: Progress,
) -> SearchResult:
    """The best parameters of one candidate; every trial is logged to the run as it ends.

    Raises:
        DataError: no trial gave a score.
    """
    tuning = project.training.tuning
    trials = tuning.trials if spec.search else 1
    log = TrialLog()

    def objective(params: Mapping[str, Any], trial: int) -> float:
        score = math.nan
        try:
            score = fold_score(ground, spec.estimator, {**spec.params, **params})
        finally:
            log.rows.append({"trial": trial, "score": score if math.isfinite(score) else None, **params})
            run.log_metrics({f"trial/{ground.metric}": score}, step=trial)
        return score

    found = tuner.search(
        study,
        spec.search,
        objective,
        trials=trials,
        maximize=metrics.bigger_is_better(ground.metric),
        seed=ground.seed,
        timeout=tuning.timeout,
        on_trial=lambda done, best: progress.step(
            f"tuning {name}", done, trials, f"best {ground.metric} {best:.4f}"
        ),
    )
    run.log_json("trials.json", log.rows)
    return found


def study_name(project: Project, table: FeatureTable, metric: str) -> str:
    """A name that is equal for equal data, features, split and scoring, so that a killed search is taken up again."""
    training = project.training
    fingerprint = hashlib.sha256(
        msgspec.json.encode(
            [
                table.data_hash,
                table.plan_hash,
                project.ml_problem.model_dump(mode="json"),
                project.features.categorical.model_dump(mode="json"),
                project.features.numerical.model_dump(mode="json"),
                training.split.model_dump(mode="json"),
                [training.tuning.cv, metric, training.seed],
            ],
            order="sorted",
        )
    )
    return f"{project.project}-{fingerprint.hexdigest()[:12]}"


def candidate_study(study: str, spec: CandidateSpec, name: str) -> str:
    """The candidate's own study: another range or fixed parameter is another study."""
    content = msgspec.json.encode(spec.model_dump(mode="json", exclude={"name"}), order="sorted")
    return f"{study}-{name}-{hashlib.sha256(content).hexdigest()[:8]}"


def named(specs: Sequence[CandidateSpec]) -> dict[str, CandidateSpec]:
    """The candidates by name; those of one kind are numbered.

    Raises:
        ContractError: two were given the same name.
    """
    found: dict[str, CandidateSpec] = {}
    for spec in specs:
        name = base = spec.name or estimators.short_name(spec.estimator)
        number = 2
        while name in found:
            if spec.name:
                raise ContractError(f"two candidates are called {name!r}", where="training.candidates")
            name, number = f"{base}-{number}", number + 1
        found[name] = spec
    return found
