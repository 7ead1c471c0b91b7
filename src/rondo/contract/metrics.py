"""The names that a metric may have in the project file, for which problems, and which way is better.

The formulas are elsewhere; this is the vocabulary.

    precision_at_recall_80   the precision where recall is 80 %; recall_at_precision_NN likewise
    ndcg@10, map@10          of the first ten of a ranking; precision@NN, recall@NN, hit_rate@NN likewise
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rondo.contract.problem import ProblemType

_BINARY = frozenset[ProblemType]({"binary_classification"})
_MULTI = frozenset[ProblemType]({"multiclass_classification"})
_CLASSES = _BINARY | _MULTI
_NUMBERS = frozenset[ProblemType]({"regression", "forecasting"})
_FORECAST = frozenset[ProblemType]({"forecasting"})
_RANKING = frozenset[ProblemType]({"ranking"})


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that says how good a model is.

    `low` and `high` are the least and the greatest value it can have; None where there is no bound.
    `needs_score` when it looks at scores or probabilities, not at the decided class.
    """

    name: str
    problem_types: frozenset[ProblemType]
    bigger_is_better: bool = True
    needs_score: bool = False
    low: float | None = 0.0
    high: float | None = 1.0


def _loss(
    name: str, types: frozenset[ProblemType], *, needs_score: bool = False, high: float | None = None
) -> Metric:
    return Metric(name, types, bigger_is_better=False, needs_score=needs_score, high=high)


_ALL = (
    *(Metric(name, _CLASSES) for name in ("accuracy", "balanced_accuracy", "precision", "recall", "f1")),
    *(
        Metric(f"{name}_{how}", _MULTI)
        for name in ("precision", "recall", "f1")
        for how in ("macro", "weighted")
    ),
    Metric("specificity", _BINARY),
    Metric("mcc", _BINARY, low=-1.0),
    Metric("auc_roc", _CLASSES, needs_score=True),
    Metric("average_precision", _BINARY, needs_score=True),
    _loss("log_loss", _CLASSES, needs_score=True),
    _loss("brier", _BINARY, needs_score=True, high=1.0),
    _loss("rmse", _NUMBERS),
    _loss("mae", _NUMBERS),
    _loss("mape", _NUMBERS),
    Metric("r2", _NUMBERS, low=None),
    _loss("smape", _FORECAST),
    _loss("mase", _FORECAST),
    _loss("wape", _FORECAST),
    Metric("mrr", _RANKING, needs_score=True),
)
METRICS = {metric.name: metric for metric in _ALL}
ALIASES = {
    "auc": "auc_roc", "roc_auc": "auc_roc", "auroc": "auc_roc",
    "ap": "average_precision", "pr_auc": "average_precision", "auc_pr": "average_precision",
    "f1_score": "f1", "logloss": "log_loss", "brier_score": "brier", "sensitivity": "recall",
    "macro_precision": "precision_macro", "macro_recall": "recall_macro", "macro_f1": "f1_macro",
    "weighted_precision": "precision_weighted", "weighted_recall": "recall_weighted",
    "weighted_f1": "f1_weighted",
}  # fmt: skip
_AT_PERCENT = re.compile(r"(?:precision_at_recall|recall_at_precision)_(?:[1-9][0-9]?|100)")
_AT_K = re.compile(r"(?:ndcg|map|precision|recall|hit_rate)@[1-9][0-9]{0,3}")
_PATTERNS: tuple[tuple[str, frozenset[ProblemType]], ...] = (
    ("precision_at_recall_80", _BINARY),
    ("recall_at_precision_80", _BINARY),
    ("ndcg@10", _RANKING),
    ("map@10", _RANKING),
    ("recall@10", _RANKING),
    ("precision@10", _RANKING),
    ("hit_rate@10", _RANKING),
)

# What a running system is measured by, in monitoring and in system_metrics; both orders of words are in use.
SYSTEM_ALIASES = {f"latency_p{n}": f"p{n}_latency" for n in (50, 95, 99)}
LATENCIES = tuple(SYSTEM_ALIASES.values())
SERVING_METRICS = frozenset({*LATENCIES, "error_rate", "throughput", "availability"})
DRIFT_METRICS = frozenset({"psi", "ks_statistic", "missing_rate", "unseen_rate"})
MACHINE_METRICS = frozenset({"cpu_usage", "memory_usage", "gpu_utilization"})


def find_metric(name: str) -> Metric | None:
    """The metric of that name or other name; None when there is none."""
    name = ALIASES.get(name, name)
    if _AT_PERCENT.fullmatch(name):
        return Metric(name, _BINARY, needs_score=True)
    if _AT_K.fullmatch(name):
        return Metric(name, _RANKING, needs_score=True)
    return METRICS.get(name)


def metric_names(problem_type: ProblemType) -> tuple[str, ...]:
    """The names of the metrics for that type of problem; of those with a number in them, an example."""
    plain = sorted(metric.name for metric in _ALL if problem_type in metric.problem_types)
    return (*plain, *(example for example, types in _PATTERNS if problem_type in types))


def system_name(name: str) -> str:
    """The one name of a figure of the running system (`latency_p99` -> `p99_latency`); others as they are."""
    return SYSTEM_ALIASES.get(name, name)
