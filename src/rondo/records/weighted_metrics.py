"""The formulas of the metrics, under row weights: records/metrics.py is the door to them.

Every metric is a function of weights [b, n] that gives [b] values: one row of weights is one resample, and
the row of ones gives the value itself. So the formula of a metric and that of its interval cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rondo.records.ranking import Groups, Kind, Lists, parse
from rondo.records.series import Series

Task = Literal["binary", "multiclass", "regression", "ranking"]
Floats: TypeAlias = NDArray[np.float64]
Together: TypeAlias = Groups | Series
"""Which rows belong together, and what belongs to them: the lists of a ranking, the series of a forecast."""

TINY = float(np.finfo(np.float64).eps)  # probabilities are kept this far from 0 and 1 before a logarithm
_PARAMETRIC = re.compile(r"^(precision_at_recall|recall_at_precision)_(\d{1,3})$")

# ---- rows, weighted ----------------------------------------------------------------------------------------


class Side:
    """One model's answers beside the truth, in the order of the rows."""

    def __init__(
        self, y: Floats, score: Floats, threshold: float, note: str, groups: Together | None = None
    ) -> None:
        self.y, self.score, self.threshold, self.note = y, score, threshold, note
        self.lists = Lists(y, score, groups) if isinstance(groups, Groups) and not note else None
        self.series = groups if isinstance(groups, Series) else None

    @classmethod
    def of(cls, y: Floats, score: Floats, threshold: float, groups: Together | None = None) -> Side:
        """The side, with a note when its values cannot be judged."""
        broken = int((~np.isfinite(score.reshape(len(score), -1)).all(axis=1)).sum())
        missing = int((~np.isfinite(y)).sum())
        note = f"{broken} of {len(y)} predictions are not finite" if broken else ""
        if missing:
            note = f"{missing} of {len(y)} true values are missing"
        return cls(y, score, threshold, note, groups)

    def weighted(self, weights: Floats) -> Weighted:
        """The side seen through row weights [b, n]."""
        return Weighted(self, weights)

    @cached_property
    def orders(self) -> dict[int | None, tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Per class (None: binary) the rows by falling score, and where each run of equal scores ends."""
        return {}

    def order(self, label: int | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows by falling score of that class, and where each run of equal scores ends."""
        if label not in self.orders:
            score = self.score if label is None else self.score[:, label]
            order = np.argsort(-score, kind="stable")
            ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
            self.orders[label] = order, ends
        return self.orders[label]


class Weighted:
    """Sums over rows under weights [b, n]; each sum has shape [b] or [b, …]."""

    def __init__(self, side: Side, weights: Floats) -> None:
        self.side, self.weights = side, weights
        self.y, self.score = side.y, side.score

    def mean(self, values: Floats, among: NDArray[np.bool_] | None = None) -> Floats:
        """Weighted mean of a figure per row (of some rows only)."""
        if among is None:
            return self.weights @ values / self.total
        return _ratio(self.weights @ np.where(among, values, 0.0), self.weights @ among.astype(float))

    @cached_property
    def total(self) -> Floats:
        """Sum of the weights."""
        total: Floats = self.weights.sum(axis=1)
        return total

    @cached_property
    def confusion(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Binary: true positives, false positives, false negatives, true negatives."""
        said, is_so = self.score >= self.side.threshold, self.y == 1
        cells = np.stack([said & is_so, said & ~is_so, ~said & is_so, ~said & ~is_so], axis=1)
        tp, fp, fn, tn = (self.weights @ cells.astype(float)).T
        return tp, fp, fn, tn

    @cached_property
    def per_class(self) -> tuple[Floats, Floats, Floats]:
        """Multiclass, [b, k]: rightly said, said, so in truth."""
        classes = np.arange(self.score.shape[1])
        said = self.score.argmax(axis=1)[:, None] == classes
        is_so = self.y[:, None] == classes
        right, told, truth = (self.weights @ cell.astype(float) for cell in (said & is_so, said, is_so))
        return right, told, truth

    @cached_property
    def _curves(self) -> dict[int | None, tuple[Floats, Floats, Floats, Floats]]:
        return {}

    def curve(self, label: int | None = None) -> tuple[Floats, Floats, Floats, Floats]:
        """True and false positives [b, levels] as the threshold falls; all positives, all negatives [b]."""
        if label not in self._curves:
            order, ends = self.side.order(label)
            positive = (self.y == (1 if label is None else label)).astype(float)[order]
            weights = self.weights[:, order]
            all_so_far = np.cumsum(weights, axis=1)[:, ends]
            tp = np.cumsum(weights * positive, axis=1)[:, ends]
            fp = all_so_far - tp
            self._curves[label] = tp, fp, tp[:, -1], fp[:, -1]
        return self._curves[label]


Metric = Callable[[Weighted], Floats]


def _ratio(upper: Floats, lower: Floats) -> Floats:
    """upper / lower, NaN where lower is 0."""
    ratio: Floats = np.divide(upper, lower, out=np.full(np.shape(lower), np.nan), where=lower > 0)
    return ratio


# ---- binary ------------------------------------------------------------------------------------------------


def _accuracy(w: Weighted) -> Floats:
    tp, _, _, tn = w.confusion
    return (tp + tn) / w.total


def _balanced_accuracy(w: Weighted) -> Floats:
    return (_recall(w) + _specificity(w)) / 2


def _precision(w: Weighted) -> Floats:
    tp, fp, _, _ = w.confusion
    return _ratio(tp, tp + fp)


def _recall(w: Weighted) -> Floats:
    tp, _, fn, _ = w.confusion
    return _ratio(tp, tp + fn)


def _specificity(w: Weighted) -> Floats:
    _, fp, _, tn = w.confusion
    return _ratio(tn, tn + fp)


def _f1(w: Weighted) -> Floats:
    tp, fp, fn, _ = w.confusion
    return _ratio(2 * tp, 2 * tp + fp + fn)


def _mcc(w: Weighted) -> Floats:
    """0 where everything is predicted alike, as is usual; NaN where the truth has one class only."""
    tp, fp, fn, tn = w.confusion
    said = np.sqrt((tp + fp) * (tn + fn))
    so = np.sqrt((tp + fn) * (tn + fp))
    return np.where(so > 0, (tp * tn - fp * fn) / np.maximum(said * so, TINY), np.nan)


def _area(curve: tuple[Floats, Floats, Floats, Floats]) -> Floats:
    tp, fp, positives, negatives = curve
    before_tp, before_fp = _shifted(tp), _shifted(fp)
    area = ((fp - before_fp) * (tp + before_tp)).sum(axis=1) / 2
    return _ratio(area, positives * negatives)


def _shifted(cumulated: Floats) -> Floats:
    return np.concatenate([np.zeros((len(cumulated), 1)), cumulated[:, :-1]], axis=1)


def _auc_roc(w: Weighted) -> Floats:
    return _area(w.curve())


def _average_precision(w: Weighted) -> Floats:
    tp, fp, positives, _ = w.curve()
    precision = np.nan_to_num(_ratio(tp, tp + fp))
    return _ratio((precision * (tp - _shifted(tp))).sum(axis=1), positives)


def _precision_at_recall(share: float) -> Metric:
    """The best precision among thresholds whose recall is at least `share`."""

    def metric(w: Weighted) -> Floats:
        tp, fp, positives, _ = w.curve()
        enough = tp >= share * positives[:, None] * (1 - 1e-12)
        best = np.where(enough, np.nan_to_num(_ratio(tp, tp + fp)), 0.0).max(axis=1)
        return np.where(positives > 0, best, np.nan)

    return metric


def _recall_at_precision(share: float) -> Metric:
    """The best recall among thresholds whose precision is at least `share`; 0 where none reaches it."""

    def metric(w: Weighted) -> Floats:
        tp, fp, positives, _ = w.curve()
        enough = (tp >= share * (tp + fp) * (1 - 1e-12)) & (tp > 0)
        best = np.where(enough, tp, 0.0).max(axis=1)
        return _ratio(best, positives)

    return metric


def _log_loss(w: Weighted) -> Floats:
    p = np.clip(w.score, TINY, 1 - TINY)
    return w.mean(-np.where(w.y == 1, np.log(p), np.log1p(-p)))


def _brier(w: Weighted) -> Floats:
    return w.mean((w.score - w.y) ** 2)


# ---- several classes ---------------------------------------------------------------------------------------


def _accuracy_many(w: Weighted) -> Floats:
    right: Floats = w.per_class[0].sum(axis=1)
    return right / w.total


def _averaged(kind: Literal["precision", "recall", "f1"], by: Literal["macro", "weighted"]) -> Metric:
    """Over the classes that occur in truth or prediction; a class that was never said has precision 0."""

    def metric(w: Weighted) -> Floats:
        right, told, truth = w.per_class
        lower = {"precision": told, "recall": truth, "f1": (told + truth) / 2}[kind]
        values = np.nan_to_num(_ratio(right, lower))
        share = truth if by == "weighted" else ((told > 0) | (truth > 0)).astype(float)
        return _ratio((values * share).sum(axis=1), share.sum(axis=1))

    return metric


def _auc_roc_many(w: Weighted) -> Floats:
    """Mean over the classes of one against the rest; NaN when a class does not occur."""
    mean: Floats = np.mean([_area(w.curve(label)) for label in range(w.score.shape[1])], axis=0)
    return mean


def _log_loss_many(w: Weighted) -> Floats:
    p = w.score / np.maximum(w.score.sum(axis=1, keepdims=True), TINY)
    known = w.y >= 0
    said = np.where(known, p[np.arange(len(p)), np.where(known, w.y, 0).astype(int)], 0.0)
    return w.mean(-np.log(np.clip(said, TINY, 1.0)))


# ---- numbers -----------------------------------------------------------------------------------------------


def _rmse(w: Weighted) -> Floats:
    return np.sqrt(w.mean((w.y - w.score) ** 2))


def _mae(w: Weighted) -> Floats:
    return w.mean(np.abs(w.y - w.score))


def _mape(w: Weighted) -> Floats:
    """Over the rows whose true value is not 0."""
    there = w.y != 0
    return w.mean(np.abs(w.y - w.score) / np.where(there, np.abs(w.y), 1.0), among=there)


def _smape(w: Weighted) -> Floats:
    """Twice the error over the sum of both sizes: 0 to 2; a row where both are 0 has no error."""
    sizes = np.abs(w.y) + np.abs(w.score)
    return w.mean(2 * np.abs(w.y - w.score) / np.where(sizes > 0, sizes, 1.0))


def _wape(w: Weighted) -> Floats:
    """Sum of the errors over the sum of the true sizes."""
    return _ratio(w.mean(np.abs(w.y - w.score)), w.mean(np.abs(w.y)))


def _mase(w: Weighted) -> Floats:
    """Errors over the scale of their series (Hyndman and Koehler, 2006), among the rows that have a scale."""
    if w.side.series is None:
        return np.full(len(w.weights), np.nan)
    scale = w.side.series.scale
    there = np.isfinite(scale)
    return w.mean(np.abs(w.y - w.score) / np.where(there, scale, 1.0), among=there)


def _r2(w: Weighted) -> Floats:
    centre = w.y - w.y.mean()  # keeps digits when the values are large
    spread = w.mean(centre**2) - w.mean(centre) ** 2
    spread = np.where(spread > 1e-12 * max(float(np.mean(centre**2)), TINY), spread, 0.0)
    return 1 - _ratio(w.mean((w.y - w.score) ** 2), spread)


# ---- lists -------------------------------------------------------------------------------------------------


def _of_lists(kind: Kind, k: int | None) -> Metric:
    """The mean over the lists that have a relevant item; the weights are those of the lists."""

    def metric(w: Weighted) -> Floats:
        assert w.side.lists is not None, "a ranking is judged with its groups"
        return w.mean(w.side.lists.values(kind, k), among=w.side.lists.judged)

    return metric


METRICS: Mapping[Task, Mapping[str, Metric]] = {
    "binary": {
        "accuracy": _accuracy, "balanced_accuracy": _balanced_accuracy,
        "precision": _precision, "recall": _recall,
        "specificity": _specificity, "f1": _f1, "mcc": _mcc, "auc_roc": _auc_roc,
        "average_precision": _average_precision, "log_loss": _log_loss, "brier": _brier,
    },
    "multiclass": {
        "accuracy": _accuracy_many, "auc_roc": _auc_roc_many, "log_loss": _log_loss_many,
        "precision": _averaged("precision", "macro"), "precision_macro": _averaged("precision", "macro"),
        "precision_weighted": _averaged("precision", "weighted"),
        "recall": _averaged("recall", "macro"), "recall_macro": _averaged("recall", "macro"),
        "recall_weighted": _averaged("recall", "weighted"), "balanced_accuracy": _averaged("recall", "macro"),
        "f1": _averaged("f1", "macro"), "f1_macro": _averaged("f1", "macro"),
        "f1_weighted": _averaged("f1", "weighted"),
    },
    "regression": {
        "rmse": _rmse, "mae": _mae, "mape": _mape, "smape": _smape, "wape": _wape, "r2": _r2,
        "mase": _mase,
    },
    "ranking": {
        "mrr": _of_lists("mrr", None), "ndcg@10": _of_lists("ndcg", 10), "map@10": _of_lists("map", 10),
        "recall@10": _of_lists("recall", 10), "precision@10": _of_lists("precision", 10),
        "hit_rate@10": _of_lists("hit_rate", 10),
    },
}  # fmt: skip


def find(name: str, task: Task) -> Metric | None:
    """The formula of that name for that kind of problem, None when there is none."""
    if task == "ranking":
        asked = parse(name)
        return None if asked is None else _of_lists(*asked)
    if found := _PARAMETRIC.match(name):
        share = int(found[2]) / 100
        if task != "binary" or not 0 < share <= 1:
            return None
        make = _precision_at_recall if found[1] == "precision_at_recall" else _recall_at_precision
        return make(share)
    return METRICS[task].get(name)
