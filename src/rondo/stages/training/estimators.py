"""Estimators by their import path: made with a seed, fitted without chatter, asked for scores and importances."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from rondo.errors import ContractError, MissingExtra
from rondo.records.weighted_metrics import Task

MAX_THREADS = 4
THREADED = ("lightgbm.", "sklearn.ensemble.", "xgboost.")  # whose `n_jobs` means threads of one fit
SMALL = 200_000  # values: below, more threads cost more than they bring

Floats = NDArray[np.float64]


def make(path: str, params: Mapping[str, Any], *, task: Task, seed: int, size: int = SMALL) -> Any:
    """A fresh estimator; what its parameters leave open is chosen for equal results from equal seeds.

    Args:
        path: import path of the class.
        params: its parameters.
        task: what it has to be able to do.
        seed: for its random decisions.
        size: values that it will be fitted on; decides about threads.

    Raises:
        ContractError: there is no such class, or it does not do what the problem asks, or a parameter is not its own.
    """
    kind = load(path)
    try:
        known = set(kind().get_params())
        if strange := sorted(set(params) - known):
            raise ContractError(
                f"{path} has no parameter {', '.join(strange)}",
                where="training.candidates",
                rule=f"Its parameters are: {', '.join(sorted(known))}",
            )
        estimator = kind(**{**_defaults(path, known, seed, size), **params})
    except (TypeError, AttributeError) as error:
        raise ContractError(
            f"{path} is not an estimator in scikit-learn's way: {error}", where="training.candidates"
        ) from error
    _check_ability(estimator, path, task)
    return estimator


@cache
def _threads() -> ThreadpoolController:
    """The thread pools of the linear algebra: on small matrices they wait for each other longer than they work."""
    return ThreadpoolController()


def short_name(path: str) -> str:
    """The class without its package."""
    return path.rpartition(".")[2]


def fit(estimator: Any, x: Any, y: Floats, *, classification: bool) -> tuple[str, ...]:
    """Fits it in place and returns what it warned of, each once."""
    limits = _threads().limit(limits=1, user_api="blas") if x.size <= SMALL else nullcontext()
    with warnings.catch_warnings(record=True) as caught, limits:
        warnings.simplefilter("always")
        estimator.fit(x, y.astype(np.int64) if classification else y)
    return tuple(dict.fromkeys(" ".join(str(one.message).split())[:200] for one in caught))


def scores(estimator: Any, x: Any, task: Task) -> Floats:
    """[n] probabilities of class 1 or numbers; [n, classes] with several classes."""
    match task:
        case "binary" | "ranking":
            return np.asarray(estimator.predict_proba(x)[:, 1], dtype=np.float64)
        case "multiclass":
            return np.asarray(estimator.predict_proba(x), dtype=np.float64)
        case "regression":
            return np.asarray(estimator.predict(x), dtype=np.float64).reshape(-1)


def importance(
    estimator: Any, encoded: NDArray[Any], features: Sequence[str], widths: Sequence[int]
) -> dict[str, float]:
    """Each feature's share of the model's attention, most first; the shares sum to 1. Empty when it has none to tell.

    Gain for boosted trees, impurity for forests, |coefficient| times the column's spread for linear models.
    """
    if (per_column := _per_column(estimator, encoded)) is None or not np.isfinite(per_column).all():
        return {}
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(int)
    per_feature = np.add.reduceat(per_column, starts)
    total = float(per_feature.sum())
    if total <= 0:
        return {}
    shares = {name: float(value) / total for name, value in zip(features, per_feature, strict=True)}
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def _per_column(estimator: Any, encoded: NDArray[Any]) -> Floats | None:
    if hasattr(estimator, "booster_"):
        return np.asarray(estimator.booster_.feature_importance("gain"), dtype=np.float64)
    if hasattr(estimator, "feature_importances_"):
        return np.asarray(estimator.feature_importances_, dtype=np.float64)
    if hasattr(estimator, "coef_"):
        coefficients: Floats = np.abs(np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))).mean(
            axis=0
        )
        spread: Floats = encoded.std(axis=0, dtype=np.float64)
        return np.asarray(coefficients * spread)
    return None


def load(path: str) -> Any:
    """The class of that import path.

    Raises:
        ContractError: there is none.
        MissingExtra: its package is not installed.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        missing, package = error.name or module, module.partition(".")[0]
        if missing.startswith(f"{package}."):
            raise _unknown(path) from error
        if missing == package:
            raise MissingExtra(missing, extra="train", needed_for=path) from error
        raise
    except (AttributeError, ValueError) as error:
        raise _unknown(path) from error


def _unknown(path: str) -> ContractError:
    return ContractError(
        f"there is no estimator {path!r}",
        where="training.candidates",
        rule="An estimator is written with its package, such as sklearn.ensemble.RandomForestClassifier",
    )


def _defaults(path: str, known: set[str], seed: int, size: int) -> dict[str, Any]:
    # One core is left to whatever else runs: threads of a fit that wait for a core that somebody else has spin,
    # and a fit on two cores of which one is busy takes several times as long as one on a single core.
    threads = min(max(1, (os.cpu_count() or 1) - 1), MAX_THREADS) if size > SMALL else 1
    wished: dict[str, Any] = {"random_state": seed}
    if path.startswith(THREADED):
        wished["n_jobs"] = threads
    chosen = {name: value for name, value in wished.items() if name in known}
    if path.startswith("lightgbm."):
        # Sums of floats depend on the order in which threads add them, unless it is told not to.
        chosen |= {"verbosity": -1, "deterministic": True, "force_row_wise": True}
    return chosen


def _check_ability(estimator: Any, path: str, task: Task) -> None:
    from sklearn.base import is_classifier, is_regressor

    if task == "regression" and not is_regressor(estimator):
        raise ContractError(
            f"{path} does not predict numbers", where="training.candidates", mend="Use a regressor."
        )
    if task != "regression" and not (is_classifier(estimator) and hasattr(estimator, "predict_proba")):
        raise ContractError(
            f"{path} gives no probabilities of classes",
            where="training.candidates",
            mend="Use a classifier with predict_proba.",
        )
