"""ModelTrainer with MLflow and Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rondo.assembly import default_tracker, default_tuner
from rondo.ports.tracking import ExperimentTracker
from rondo.ports.tuning import Tuner
from rondo.stages import training


class ModelTrainer(training.ModelTrainer):
    __doc__ = training.ModelTrainer.__doc__

    def __init__(
        self,
        experiment_name: str,
        *,
        estimator: str = training.FOREST,
        search: Mapping[str, Any] | None = None,
        scoring: str | None = None,
        tracker: ExperimentTracker | None = None,
        tuner: Tuner | None = None,
        seed: int = 42,
    ) -> None:
        """Trains nothing yet.

        Args:
            experiment_name: where the runs are filed.
            estimator: import path of a scikit-learn compatible estimator.
            search: ranges by parameter, such as {"max_depth": "int(3, 15)"}; a forest has its own.
            scoring: what the search looks at; by default auc_roc, or rmse for numbers.
            tracker: by default MLflow, as MLFLOW_TRACKING_URI says or in the folder of now (`mlflow.db`).
            tuner: by default Optuna in the folder of now.
            seed: of the model and of the search.
        """
        super().__init__(
            experiment_name,
            tracker=tracker or default_tracker(),
            tuner=tuner or default_tuner(),
            estimator=estimator,
            search=search,
            scoring=scoring,
            seed=seed,
        )
