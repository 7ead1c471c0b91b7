"""ModelTrainer: tracked training and tuning by hand, without a project file."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_regressor
from sklearn.pipeline import Pipeline

from rondo.contract.features import Features
from rondo.contract.training import SearchRange, parse_search
from rondo.errors import ContractError, UsageError
from rondo.ports.tracking import ExperimentTracker, Run
from rondo.ports.tuning import Tuner
from rondo.records import metrics
from rondo.records.weighted_metrics import Task
from rondo.stages.training import estimators
from rondo.stages.training.encoding import ENCODING, ESTIMATOR, encoded_widths, encoder, model_frame
from rondo.stages.training.graph import convert
from rondo.stages.training.search import Ground, encode_folds, fold_score
from rondo.stages.training.split import folds_at_random, usable

Table: TypeAlias = pd.DataFrame | pl.DataFrame | NDArray[Any]

FOREST = "sklearn.ensemble.RandomForestClassifier"
FOREST_SEARCH = {
    "n_estimators": "int(50, 300)",
    "max_depth": "int(3, 15)",
    "min_samples_split": "int(2, 20)",
    "min_samples_leaf": "int(1, 10)",
}


class FittedModel:
    """A fitted model that takes tables with the columns it was trained on."""

    def __init__(self, pipeline: Pipeline, columns: _Columns, classes: NDArray[Any] | None) -> None:
        self.pipeline = pipeline
        self._columns = columns
        if classes is not None:
            self.classes_ = classes

    def predict(self, x: Table) -> NDArray[Any]:
        """[n]: the likeliest class, or the number."""
        said = self.pipeline.predict(self._columns.frame(x))
        return self.classes_[said.astype(int)] if hasattr(self, "classes_") else np.asarray(said)

    def predict_proba(self, x: Table) -> NDArray[np.float64]:
        """[n, classes]: the probability of every class of `classes_`."""
        return np.asarray(self.pipeline.predict_proba(self._columns.frame(x)), dtype=np.float64)

    @property
    def feature_names_in_(self) -> tuple[str, ...]:
        """The columns, numbers first, as the graph takes them."""
        return (*self._columns.numerical, *self._columns.categorical)


class ModelTrainer:
    """Trains with its runs tracked in MLflow and its searches kept by Optuna.

    >>> trainer = ModelTrainer("churn")                                           # doctest: +SKIP
    >>> best = trainer.hyperparameter_tuning(X, y, n_trials=30)                   # doctest: +SKIP
    >>> model, metrics = trainer.train_with_tracking(X, y, X_val, y_val, best)    # doctest: +SKIP
    """

    def __init__(
        self,
        experiment_name: str,
        *,
        tracker: ExperimentTracker,
        tuner: Tuner,
        estimator: str = FOREST,
        search: Mapping[str, Any] | None = None,
        scoring: str | None = None,
        seed: int = 42,
    ) -> None:
        """Args:
        experiment_name: where the runs are filed.
        tracker: where they are kept.
        tuner: what searches.
        estimator: import path of a scikit-learn compatible estimator.
        search: ranges by parameter, such as {"max_depth": "int(3, 15)"}; a forest has its own.
        scoring: what the search looks at; by default auc_roc, or rmse for numbers.
        seed: of the model and of the search.
        """
        self.experiment_name, self.estimator, self.seed = experiment_name, estimator, seed
        self.tracker, self.tuner = tracker, tuner
        self._search = search
        self._scoring = scoring

    def train_with_tracking(
        self, X_train: Table, y_train: ArrayLike, X_val: Table, y_val: ArrayLike, params: Mapping[str, Any]
    ) -> tuple[FittedModel, dict[str, float]]:
        """The fitted model and its metrics on the validation rows, NaN where one has no value.

        The run has the parameters first, so that a failed run tells what it tried; then sizes, metrics with
        intervals, importances, and the model with its signature where it can be written as a graph.
        """
        with self.tracker.run(self.experiment_name, estimators.short_name(self.estimator)) as run:
            run.log_params(
                {**params, "estimator": self.estimator, "train_size": len(X_train), "val_size": len(X_val)}
            )
            columns = _Columns.of(X_train)
            task, classes, y = self._target(y_train)
            truth = _indices(np.asarray(y_val), classes)
            x, x_val = columns.frame(X_train), columns.frame(X_val)
            made = estimators.make(self.estimator, params, task=task, seed=self.seed, size=x.size)
            pipeline = Pipeline([(ENCODING, encoder(x, Features())), (ESTIMATOR, made)])
            estimators.fit(pipeline, x, y, classification=task != "regression")
            _log_graph(
                run, pipeline, (x, y), x_val, task, columns, outputs=1 if classes is None else len(classes)
            )
            found = metrics.measure_all(
                metrics.usual_metrics(task), truth, estimators.scores(pipeline, x_val, task), task=task
            )
            values = {name: math.nan if one.value is None else one.value for name, one in found.items()}
            run.log_metrics(values)
            run.log_json("metrics.json", found)
            model = FittedModel(pipeline, columns, classes)
            widths = encoded_widths(pipeline[ENCODING], len(columns.numerical), len(columns.categorical))
            encoded = pipeline[ENCODING].transform(x)
            shares = estimators.importance(pipeline[ESTIMATOR], encoded, model.feature_names_in_, widths)
            run.log_json("importance.json", shares)
        return model, values

    def hyperparameter_tuning(self, X: Table, y: ArrayLike, n_trials: int = 100) -> dict[str, Any]:
        """The best parameters over five folds. The same call again takes the study up where it ended."""
        task, _, labels = self._target(y)
        scoring = self._scoring or ("rmse" if task == "regression" else "auc_roc")
        space = self._space()
        frame = _Columns.of(X).frame(X)
        strata = None if task == "regression" else labels.astype(np.int64)
        folds = usable(
            folds_at_random(strata, len(frame), 5, seed=self.seed),
            labels,
            classification=task != "regression",
        )
        ground = Ground(encode_folds(frame, labels, folds, Features()), scoring, task, self.seed)
        found = self.tuner.search(
            self._study(frame, labels, space, scoring),
            space,
            lambda params, _: fold_score(ground, self.estimator, params),
            trials=n_trials,
            maximize=metrics.bigger_is_better(scoring),
            seed=self.seed,
            timeout=None,
            on_trial=lambda done, best: None,
        )
        with self.tracker.run(self.experiment_name, "best_params") as run:
            run.log_params(found.params)
            run.log_metrics({f"best_{scoring.removesuffix('_roc')}": found.score, "trials": found.trials})
        return dict(found.params)

    def _target(self, y: ArrayLike) -> tuple[Task, NDArray[Any] | None, NDArray[np.float64]]:
        values = np.asarray(y)
        if is_regressor(estimators.load(self.estimator)()):
            return "regression", None, values.astype(np.float64)
        classes = np.unique(values)
        if len(classes) < 2:
            raise UsageError("y has one class only", where="y", rule="There is nothing to tell apart")
        return ("binary" if len(classes) == 2 else "multiclass"), classes, _indices(values, classes)

    def _space(self) -> dict[str, SearchRange]:
        given = (
            self._search if self._search is not None else FOREST_SEARCH if self.estimator == FOREST else None
        )
        if not given:
            raise UsageError(
                f"no ranges are given for {self.estimator}",
                where="search",
                mend='Give ModelTrainer(…, search={"learning_rate": "float(0.01, 0.3, log)"})',
            )
        return {name: parse_search(text) for name, text in given.items()}

    def _study(
        self, frame: pd.DataFrame, y: NDArray[np.float64], space: Mapping[str, SearchRange], scoring: str
    ) -> str:
        content = hashlib.sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        content.update(y.tobytes())
        content.update(
            msgspec.json.encode([self.estimator, {n: str(r) for n, r in space.items()}, scoring, self.seed])
        )
        return f"{self.experiment_name}-{content.hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns are numbers and which are words, by name; unnamed ones are numbered."""

    numerical: tuple[str, ...]
    categorical: tuple[str, ...]

    @classmethod
    def of(cls, table: Table) -> _Columns:
        """Told by the types of the columns."""
        made = _as_polars(table)
        numbers = [name for name, kind in made.schema.items() if kind.is_numeric() or kind == pl.Boolean]
        return cls(tuple(numbers), tuple(name for name in made.columns if name not in numbers))

    def frame(self, table: Table) -> pd.DataFrame:
        """The table as the pipelines take it.

        Raises:
            UsageError: it lacks a column.
        """
        made = _as_polars(table)
        if missing := [name for name in (*self.numerical, *self.categorical) if name not in made.columns]:
            raise UsageError(f"the table lacks {', '.join(missing)}", where="X")
        return model_frame(made, self.numerical, self.categorical)


def _as_polars(table: Table) -> pl.DataFrame:
    if isinstance(table, pl.DataFrame):
        return table
    named = table if isinstance(table, pd.DataFrame) else pd.DataFrame(np.asarray(table))
    return pl.from_pandas(named.rename(columns=str).reset_index(drop=True))


def _indices(values: NDArray[Any], classes: NDArray[Any] | None) -> NDArray[np.float64]:
    """The place of each value among the classes, -1 for an unknown one; numbers as they are."""
    if classes is None:
        return values.astype(np.float64)
    places = np.searchsorted(classes, values).clip(max=len(classes) - 1)
    return np.where(classes[places] == values, places, -1).astype(np.float64)


def _log_graph(
    run: Run,
    pipeline: Pipeline,
    fitted_on: tuple[pd.DataFrame, NDArray[np.float64]],
    compare: pd.DataFrame,
    task: Task,
    columns: _Columns,
    *,
    outputs: int,
) -> None:
    """The model with its signature; a tag says why where there is no graph of it."""
    try:
        trained = convert(pipeline, *fitted_on, compare, task)
    except ContractError as error:
        run.set_tags({"rondo.no_model": str(error)[:1000]})
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(trained.graph)
        run.log_model(
            path,
            name="model",
            numerical=len(columns.numerical),
            categorical=len(columns.categorical),
            outputs=outputs,
        )
