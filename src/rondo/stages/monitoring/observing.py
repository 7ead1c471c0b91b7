"""Every figure that the contract watches, over the windows of its evidence. Pure.

Predictions and outcomes are looked at in windows of event time on a fixed grid: an outcome that comes late belongs
to the window of its prediction and revises it. What was computed from the same rows before is not computed again, and
a look at everything at once gives the same as many looks on the way (see `mark`). The servers' figures are looked at
over windows that end with the newest hour that has any.

What was not measured is never fine: it is missing, not enough, not a number, not available, or an estimate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from rondo.bundle.reference import Reference
from rondo.contract.metrics import find_metric
from rondo.contract.monitoring import Monitoring, Watch
from rondo.contract.problem import Criterion
from rondo.records.monitoring import AcceleratorFigures, Observation
from rondo.records.prediction import RequestFigures
from rondo.stages.monitoring.comparing import Compared, Comparison, Features, scores_of
from rondo.stages.monitoring.drifting import DRIFT_METRICS, drift_of
from rondo.stages.monitoring.judging import Figure, Judge
from rondo.stages.monitoring.performance import estimated_accuracy, labelled, measured
from rondo.stages.monitoring.rows import ReadWindow, Rows
from rondo.stages.monitoring.service_levels import SERVICE_LEVEL, levels
from rondo.stages.monitoring.system import (
    ACCELERATORS,
    REFUSED_OUTCOMES,
    accelerator_figure,
    is_system_figure,
    system_figure,
)
from rondo.stages.monitoring.windows import WINDOW, Window, window_of, windows_in, with_window

ESTIMATED_ACCURACY = "estimated_accuracy"
DRIFT_WINDOWS = 60
"""So many of the newest windows are looked at for drift; outcomes revise every window."""
_HOUR = timedelta(hours=1)
_ANY = Watch(threshold=0.0, alert_on="above")
_SILENT = frozenset({"missing", "not_enough"})


@dataclass(frozen=True, slots=True)
class Served:
    """The version in production, as far as monitoring has to know it."""

    version: str
    numerical: tuple[str, ...]
    categorical: tuple[str, ...]
    positive: str
    threshold: float
    reference: Reference
    calendar: frozenset[str] = frozenset()
    """Features that follow the calendar: they move with every window, whoever is asked about."""
    classes: tuple[str, ...] = ()
    categories: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The categories that training knew, per feature."""
    alike: frozenset[str] = frozenset()
    """Other versions with the same features: their rows tell how the features were before."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was logged: predictions and outcomes as frames (see PredictionLog), the servers' figures, accelerators.

    Where `features` reads them, predictions come without the values of their features.
    """

    predictions: pl.DataFrame
    outcomes: pl.DataFrame
    figures: Sequence[RequestFigures]
    accelerators: Sequence[AcceleratorFigures] = ()
    no_accelerators: str = ""  # why there are none
    features: ReadWindow | None = None


def observe(
    watched: Monitoring,
    served: Served,
    evidence: Evidence,
    *,
    now: datetime,
    known: Mapping[str, Observation] | None = None,
    criteria: Mapping[str, Criterion] | None = None,
) -> tuple[Observation, ...]:
    """An observation per figure, window and (for drift) feature, older windows first.

    Args:
        known: earlier observations by identity; those whose rows are the same are left out of the answer.
        criteria: `success_criteria.system_metrics`, observed as service levels.
    """
    rows = Rows(evidence.predictions, served.version, served.alike, evidence.features)
    own = with_window(rows.own, watched.window)
    look = _Look(watched, served, evidence, rows, own, Judge(served.version, now), known or {})
    return (
        *_performance(look),
        *_drift(look),
        *_system(look, criteria or {}, now),
    )


def current(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """Per figure and feature the observation that speaks now, in the order of first mention.

    It is that of the newest window with enough evidence; while a window fills, the one before it speaks. Of
    what is looked at as a whole (servers, machines, business) the newest look speaks: the past covers no silence.
    """
    found: dict[tuple[str, str | None], Observation] = {}
    for seen in observations:
        key = (seen.metric, seen.feature)
        before = found.get(key)
        if before is None or _speaks(seen) >= _speaks(before):
            found[key] = seen
    return tuple(found.values())


def drifts(seen: Observation) -> bool:
    """Whether it says how a feature, or the prediction, has moved."""
    return seen.metric in DRIFT_METRICS


def is_live(seen: Observation) -> bool:
    """Whether it is looked at as a whole at every look, and not window by window of event time."""
    by_window = seen.metric in (*DRIFT_METRICS, ESTIMATED_ACCURACY) or find_metric(seen.metric) is not None
    return not by_window


def _speaks(seen: Observation) -> tuple[bool, float]:
    if is_live(seen):
        return True, seen.observed_at.timestamp()
    return seen.state not in _SILENT, seen.window_from.timestamp() if seen.window_from else float("-inf")


@dataclass(frozen=True, slots=True)
class _Look:
    watched: Monitoring
    served: Served
    evidence: Evidence
    rows: Rows
    own: pl.DataFrame
    judge: Judge
    known: Mapping[str, Observation]

    def seen_before(self, metric: str, window: Window, mark: str, feature: str | None = None) -> bool:
        """Whether the same rows gave an observation already."""
        probe = Observation(
            metric, None, 0, "missing", window.start, None, self.judge.now, self.served.version, feature
        )
        before = self.known.get(probe.identity)
        return before is not None and before.mark == mark


def _mark(*parts: Any) -> str:
    """A short text that is the same only for the same parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _performance(look: _Look) -> Iterator[Observation]:
    watched, served = look.watched, look.served
    watches: dict[str, Watch | None] = {
        name: watch for name, watch in watched.model_metrics.items() if not is_system_figure(name)
    }
    if served.classes or served.positive:
        watches.setdefault("accuracy", None)
    known = labelled(look.own, look.evidence.outcomes)
    windows = windows_in(look.own, watched.window)
    if not windows:
        for name, watch in watches.items():
            yield look.judge(name, Figure(None, 0), watch, None, needed=watched.min_samples)
    for window in windows:
        asked = look.own.filter(pl.col(WINDOW) == window.start)
        rows = known.filter(pl.col(WINDOW) == window.start)
        told = rows["told_at"].max() if rows.height else None
        content = (
            rows.select(pl.struct("prediction_id", "outcome").hash(0).sum()).item() if rows.height else 0
        )
        for name, watch in watches.items():
            mark = _mark(asked.height, rows.height, content, str(told), watch, watched.min_samples)
            if look.seen_before(name, window, mark):
                continue
            coverage = f"{rows.height:,} of {asked.height:,} predictions have an outcome"
            figure = measured(
                name, rows, positive=served.positive, threshold=served.threshold, classes=served.classes
            )
            found = Figure(
                figure.value,
                rows.height,
                f"{figure.note}; {coverage}" if figure.note and rows.height else coverage,
                of=asked.height,
                watermark=told if isinstance(told, datetime) else None,
                mark=mark,
            )
            yield look.judge(name, found, watch, window, needed=watched.min_samples)
        if served.positive:
            yield from _estimate(look, window, asked, rows.height)


def _estimate(look: _Look, window: Window, asked: pl.DataFrame, outcomes: int) -> Iterator[Observation]:
    """The accuracy to be expected, for as long as it is not measured; never judged by a threshold."""
    needed = look.watched.min_samples
    mark = _mark(asked.height, outcomes, needed)
    if look.seen_before(ESTIMATED_ACCURACY, window, mark):
        return
    calibration = look.served.reference.calibration
    value = estimated_accuracy(scores_of(asked), calibration, threshold=look.served.threshold)
    source = "calibrated scores" if calibration else "scores taken as probabilities"
    note = f"an estimate from {source}, not a measurement; {outcomes:,} outcomes are known"
    enough = value is not None and asked.height >= needed
    figure = Figure(
        value, asked.height, note, of=asked.height, mark=mark, state="estimate" if enough else None
    )
    yield look.judge(ESTIMATED_ACCURACY, figure, None, window, needed=needed)


def _drift(look: _Look) -> Iterator[Observation]:
    watched, served = look.watched, look.served
    features = Features(served.numerical, served.categorical)
    windows = windows_in(look.own, watched.window)[-DRIFT_WINDOWS:]
    if not windows:
        yield from _no_drift(look, features)
    comparison = Comparison(watched, features, served.reference, look.rows)
    for window in windows:
        count, found = look.rows.count(window)[0], comparison.find(window)
        mark = _mark(count, found.mark, watched.drift_metrics, watched.min_samples, watched.bins)
        if look.seen_before("psi", window, mark, "prediction"):
            continue
        rows, compared = look.rows.own_in(window), comparison.describe(found)
        yield from _drift_in(look, features, window, rows, compared, mark)


def _drift_in(
    look: _Look, features: Features, window: Window, rows: pl.DataFrame, compared: Compared, mark: str
) -> Iterator[Observation]:
    watched, served = look.watched, look.served
    for drift in drift_of(rows, features, compared, served.categories, skip=served.calendar):
        moved = drift.moved
        nothing = compared.reference is None or "nothing to compare" in drift.note
        figure = Figure(
            moved.value if moved else None,
            rows.height,
            compared.told if moved is not None or not drift.note else f"{drift.note}; {compared.told}",
            moved,
            mark=mark,
            state="not_enough" if nothing else None,
        )
        watch = watched.drift_metrics.get(drift.metric)
        yield look.judge(
            drift.metric, figure, watch, window, needed=watched.min_samples, feature=drift.feature
        )


def _no_drift(look: _Look, features: Features) -> Iterator[Observation]:
    names = [("prediction", "unseen_rate")]
    names += [(name, "unseen_rate") for name in features.numerical]
    names += [(name, "ks_statistic") for name in features.categorical]
    for name, never in names:
        for metric in DRIFT_METRICS:
            if metric != never and name not in look.served.calendar:
                watch = look.watched.drift_metrics.get(metric)
                yield look.judge(
                    metric, Figure(None, 0), watch, None, needed=look.watched.min_samples, feature=name
                )


def _system(look: _Look, criteria: Mapping[str, Criterion], now: datetime) -> Iterator[Observation]:
    """Alarms look at the newest hours, where there was enough to do; service levels at the whole window."""
    watched, figures = look.watched, look.evidence.figures
    recent, whole, silent = _lately(figures, watched, now)
    busy = sum(figure.requests for figure in _within(figures, recent)) >= watched.min_samples
    window = recent if busy else whole
    within = _within(figures, window)
    asked = {name: watch for name, watch in watched.model_metrics.items() if is_system_figure(name)}
    for name, watch in (asked | watched.system_metrics).items():
        if name == ACCELERATORS:
            yield _accelerators(look, watch, now)
            continue
        value, n = system_figure(name, within, watch.unit)
        yield look.judge(name, Figure(value, n, silent), watch, window, needed=1)
    if refused := sum(figure.refused_outcomes for figure in _within(figures, recent)):
        note = "a client wants to change more known outcomes than serving.max_corrections allows"
        yield look.judge(REFUSED_OUTCOMES, Figure(refused, refused, note), _ANY, recent, needed=1)
    for level in levels(criteria, _within(figures, whole), needed=watched.min_samples):
        yield look.judge(
            SERVICE_LEVEL, level.figure, level.watch, whole, needed=level.needed, feature=level.name
        )


def _lately(
    figures: Sequence[RequestFigures], watched: Monitoring, now: datetime
) -> tuple[Window | None, Window | None, str]:
    """The newest steps that have figures, the whole window that ends with them, or why there is neither.

    A step is an hour, or the window where that is shorter; windows end with a step, so that looks within a step
    revise what they said.
    """
    newest = max((figure.at for figure in figures), default=None)
    if newest is None:
        return None, None, ""
    if now - newest > max(watched.window, _HOUR):
        return None, None, f"no server has answered since {newest:%Y-%m-%d %H:%M} UTC"
    step = min(watched.window, _HOUR)
    end = window_of(newest, step).end
    recent = Window(end - 2 * step, end)
    return recent, Window(min(end - watched.window, recent.start), end), ""


def _within(figures: Sequence[RequestFigures], window: Window | None) -> Sequence[RequestFigures]:
    return [figure for figure in figures if window and window.start <= figure.at < window.end]


def _accelerators(look: _Look, watch: Watch, now: datetime) -> Observation:
    hour = now.replace(minute=0, second=0, microsecond=0)
    window = Window(hour, hour + _HOUR)
    found = look.evidence.accelerators
    if not found:
        why = look.evidence.no_accelerators
        note = f"not available on this machine{f': {why}' if why else ''}"
        return look.judge(ACCELERATORS, Figure(None, 0, note, state="not_available"), watch, window, needed=1)
    value, n, note = accelerator_figure(found, watch.unit)
    return look.judge(ACCELERATORS, Figure(value, n, note), watch, window, needed=1)
