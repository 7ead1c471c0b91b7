"""Every figure that the contract watches, over the newest window of its evidence. Pure.

A window ends with the newest evidence: predictions by the moment they are about, outcomes by the moment of their
prediction, requests by the moment of the answer. What was not measured is never fine: it is missing, not enough,
not a number, or not available.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from rondo.bundle.reference import Reference
from rondo.contract.monitoring import Monitoring, Watch
from rondo.records.monitoring import Observation, ObservationState
from rondo.records.prediction import RequestFigures
from rondo.stages.monitoring.drift import Moved, ks_of_numbers, psi_of_categories, psi_of_numbers
from rondo.stages.monitoring.performance import labelled, measured
from rondo.stages.monitoring.system import NOT_READ, SYSTEM_METRICS, system_figure

DRIFT_METRICS = ("psi", "ks_statistic")
_MICROSECOND = timedelta(microseconds=1)


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was logged: predictions and outcomes as frames (see PredictionLog), and the servers' figures."""

    predictions: pl.DataFrame
    outcomes: pl.DataFrame
    figures: Sequence[RequestFigures]


def observe(
    watched: Monitoring, served: Served, evidence: Evidence, *, now: datetime
) -> tuple[Observation, ...]:
    """An observation per watched figure (per feature for drift), in the order of the contract."""
    own = evidence.predictions.filter((pl.col("version") == served.version) & ~pl.col("shadow"))
    context = _Context(watched, served, now)
    return (
        *_model_figures(context, own, evidence),
        *_drift_figures(context, own),
        *_system_figures(context, watched.system_metrics, evidence.figures),
    )


@dataclass(frozen=True, slots=True)
class _Context:
    watched: Monitoring
    served: Served
    now: datetime

    def judge(
        self,
        metric: str,
        watch: Watch,
        value: float | None,
        n: int,
        window: tuple[datetime | None, datetime | None],
        *,
        needed: int,
        note: str = "",
        feature: str | None = None,
        moved: Moved | None = None,
    ) -> Observation:
        """The figure against its threshold; with fewer rows than needed nothing is said about it."""
        state: ObservationState
        if value is None and not n:
            state, note = "missing", note or "nothing was measured"
        elif n < needed:
            state, note = "not_enough", note or f"{n} of at least {needed}"
        elif value is None or math.isnan(value):
            state, note = "not_a_number", note or "cannot be computed from these rows"
        else:
            beyond = value > watch.threshold if watch.alert_on == "above" else value < watch.threshold
            if beyond and moved is not None and value <= moved.beyond:
                beyond, note = False, f"chance alone gives up to {moved.beyond:.3f} at this sample size"
            state = "breached" if beyond else "fine"
        return Observation(
            metric=metric,
            value=value if state in ("fine", "breached") else None,
            n=n,
            state=state,
            window_from=window[0],
            window_to=window[1],
            observed_at=self.now,
            version=self.served.version,
            feature=feature,
            threshold=watch.threshold,
            alert_on=watch.alert_on,
            unit=watch.unit,
            chance=moved.chance if moved else None,
            note=note,
        )


def _newest_window(
    rows: pl.DataFrame, length: timedelta
) -> tuple[pl.DataFrame, tuple[datetime | None, datetime | None]]:
    """The rows of the newest window by event time, and the window: its start included, its end not."""
    newest = rows["event_time"].max() if rows.height else None
    if not isinstance(newest, datetime):
        return rows, (None, None)
    end = newest + _MICROSECOND
    return rows.filter(pl.col("event_time") >= end - length), (end - length, end)


def _model_figures(context: _Context, own: pl.DataFrame, evidence: Evidence) -> Iterator[Observation]:
    watched = context.watched
    system = {name: watch for name, watch in watched.model_metrics.items() if name in SYSTEM_METRICS}
    known = labelled(own, evidence.outcomes)
    rows, window = _newest_window(known, watched.window)
    for name, watch in watched.model_metrics.items():
        if name in system:
            continue
        figure = measured(name, rows, positive=context.served.positive, threshold=context.served.threshold)
        coverage = f"{known.height} of {own.height} predictions have an outcome"
        yield context.judge(
            name,
            watch,
            figure.value,
            rows.height,
            window,
            needed=watched.min_samples,
            note=figure.note or coverage,
        )
    yield from _system_figures(context, system, evidence.figures)


def _drift_figures(context: _Context, own: pl.DataFrame) -> Iterator[Observation]:
    watched, served = context.watched, context.served
    rows, window = _newest_window(own, watched.window)
    numerical = _matrix(rows, "numerical", len(served.numerical))
    compared = max(1, len(served.numerical) + len(served.categorical))
    for name, watch in watched.drift_metrics.items():
        for column, feature in enumerate(served.numerical):
            if feature in served.calendar:
                continue
            reference = served.reference.numerical[feature]
            measure = psi_of_numbers if name == "psi" else ks_of_numbers
            moved = measure(numerical[:, column], reference, compared=compared)
            yield _drifted(context, name, watch, feature, moved, rows.height, window)
        if name != "psi":
            continue
        for column, feature in enumerate(served.categorical):
            values = rows["categorical"].list.get(column).to_list() if rows.height else []
            moved = psi_of_categories(values, served.reference.categorical[feature], compared=compared)
            yield _drifted(context, name, watch, feature, moved, rows.height, window)


def _drifted(
    context: _Context,
    name: str,
    watch: Watch,
    feature: str,
    moved: Moved | None,
    rows: int,
    window: tuple[datetime | None, datetime | None],
) -> Observation:
    needed = context.watched.min_samples
    return context.judge(
        name, watch, moved.value if moved else None, rows, window, needed=needed, feature=feature, moved=moved
    )


def _system_figures(
    context: _Context, watches: dict[str, Watch], figures: Sequence[RequestFigures]
) -> Iterator[Observation]:
    newest = max((figure.at for figure in figures), default=None)
    start = newest - context.watched.window if newest else None
    within = [figure for figure in figures if start is None or figure.at > start]
    for name, watch in watches.items():
        value, n = system_figure(name, within, watch.unit)
        seen = context.judge(name, watch, value, n, (start, newest), needed=1)
        if name in NOT_READ:
            seen = _not_available(seen)
        yield seen


def _not_available(seen: Observation) -> Observation:
    return replace(seen, state="not_available", value=None, note="not available on this machine")


def _matrix(rows: pl.DataFrame, column: str, width: int) -> np.ndarray:
    """[n, width] float64 of a list column; missing = NaN."""
    if not rows.height or not width:
        return np.empty((rows.height, width))
    flat = rows[column].explode().cast(pl.Float64).to_numpy()
    return np.asarray(flat, dtype=np.float64).reshape(rows.height, width)
