"""What the model is worth, from outcomes: the online metrics of the success criteria. Pure.

A reduction compares the version in production with what would be without it: with control of its A/B test, else with
the versions that served before it; the second also holds whatever else changed since. A cost counts the wrong
decisions of a period: their share among the decisions whose outcome is known, times all decisions of the period.
A case is the first decision about an entity on a day (UTC): who is asked about again on that day costs nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from rondo.contract.business import COSTS, RATES, REDUCTION, bound_of
from rondo.contract.metrics import find_metric
from rondo.contract.problem import Costs, Criterion
from rondo.contract.units import Quantity
from rondo.records.intervals import Rate, relative_reduction
from rondo.records.monitoring import Observation, ObservationState
from rondo.records.outcomes import are_class
from rondo.stages.monitoring.performance import measured

_Z = 1.96  # intervals of 95 %, for one look
SHORTEST = timedelta(days=1)
"""A period shorter than that says nothing about a month."""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """An A/B test: while it ran its two versions served side by side, to entities that chance divided."""

    control: str
    treatment: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Business:
    """What the figures are computed from."""

    version: str  # in production
    positive: str  # empty: outcomes are numbers, or several classes
    classes: tuple[str, ...]
    threshold: float
    since: datetime | None  # when it went into production
    predictions: pl.DataFrame  # see PredictionLog, of every version
    outcomes: pl.DataFrame
    tested: SideBySide | None = None
    costs: Costs = field(default_factory=Costs)
    min_samples: int = 100


@dataclass(frozen=True, slots=True)
class _Found:
    """A figure before it is judged; without a value the state says why not."""

    value: float | None
    n: int
    note: str
    state: ObservationState | None = None
    version: str | None = None
    window: tuple[datetime | None, datetime | None] = (None, None)
    unit: str | None = None


def business_observations(
    criteria: Mapping[str, Criterion], seen: Business, *, now: datetime
) -> tuple[Observation, ...]:
    """An observation per online metric, under its own name; shares in percent.

    What cannot be measured is `missing` or `not_enough` and says what it would take.
    """
    return tuple(
        _judged(name, criterion, _figure(name, criterion, seen), seen, now)
        for name, criterion in criteria.items()
    )


def _figure(name: str, criterion: Criterion, seen: Business) -> _Found:
    if name in COSTS:
        return _cost(name, criterion, seen)
    if name.endswith(REDUCTION) or name in RATES:
        if not seen.positive:
            return _Found(None, 0, "it needs a positive outcome, and the model has none", "missing")
        return _reduction(seen) if name.endswith(REDUCTION) else _rate(seen)
    if find_metric(name) is not None:
        return _of_the_model(name, seen)
    return _Found(None, 0, f"no outcome tells {name}", "missing")


def _reduction(seen: Business) -> _Found:
    ours, theirs, what, window, version = _sides(seen)
    least = min(ours.n, theirs.n)
    if theirs.n == 0:
        return _Found(None, ours.n, f"nothing to compare with: {what}", "missing", version, window)
    found = relative_reduction(ours, theirs, _Z)
    if least < seen.min_samples or found is None:
        note = f"{ours.count:g} of {ours.n:,} against {theirs.count:g} of {theirs.n:,} {what}"
        state: ObservationState = "not_enough" if least < seen.min_samples else "not_a_number"
        return _Found(None, least, note, state, version, window)
    value, low, high = (100.0 * figure for figure in found)
    note = (
        f"{ours.value:.2%} of {ours.n:,} against {theirs.value:.2%} of {theirs.n:,} {what}; "
        f"95% interval {low:.1f}% to {high:.1f}%"
    )
    return _Found(value, least, note, None, version, window, "%")


def _sides(seen: Business) -> tuple[Rate, Rate, str, tuple[datetime | None, datetime | None], str]:
    """The rate with the model and without, what stands for `without`, and of when it is."""
    tested = seen.tested
    if tested is not None:
        rows = _entities(seen, seen.predictions.filter(_between(tested.start, tested.end)))
        ours, theirs = _positives(seen, rows, tested.treatment), _positives(seen, rows, tested.control)
        what = f"of control ({tested.control}) in the A/B test"
        return ours, theirs, what, (tested.start, tested.end), tested.treatment
    if seen.since is None:
        return (
            Rate(0, 0),
            Rate(0, 0),
            "it is not known since when the version serves",
            (None, None),
            seen.version,
        )
    ours = _positives(
        seen, _entities(seen, seen.predictions.filter(_between(seen.since, None))), seen.version
    )
    before = _entities(seen, seen.predictions.filter(pl.col("event_time") < seen.since))
    others = before.filter(pl.col("version") != seen.version)
    theirs = Rate(_count(seen, others), others.height)
    what = "before the release, not of a control group"
    if not theirs.n:
        what = "no A/B test, and no outcomes of before the release"
    return ours, theirs, what, (seen.since, None), seen.version


def _rate(seen: Business) -> _Found:
    rows = _entities(seen, _own(seen))
    rate = _positives(seen, rows, seen.version)
    low, high = rate.bounds(_Z)
    note = f"95% interval {low:.2%} to {high:.2%}" if rate.n else "no outcome is known yet"
    value = 100.0 * rate.value if rate.n else None
    return _Found(value, rate.n, note, None, seen.version, (seen.since, None), "%")


def _of_the_model(name: str, seen: Business) -> _Found:
    rows = _labelled(seen, _own(seen))
    figure = measured(name, rows, positive=seen.positive, threshold=seen.threshold, classes=seen.classes)
    return _Found(figure.value, rows.height, figure.note, None, seen.version, (seen.since, None))


def _cost(name: str, criterion: Criterion, seen: Business) -> _Found:
    key = COSTS[name]
    price: Quantity | None = getattr(seen.costs, key)
    window = (seen.since, None)
    if price is None:
        why = f"the price of one is not given: ml_problem.costs.{key}"
        return _Found(None, 0, why, "missing", seen.version, window)
    if not seen.positive:
        return _Found(None, 0, "the model has no positive class", "missing", seen.version, window)
    cases = _cases(_own(seen))
    rows = _labelled(seen, cases)
    if not rows.height:
        return _Found(None, 0, "no outcome is known yet", "missing", seen.version, window)
    decided = are_class(rows["label"].to_list(), seen.positive)
    positive = are_class(rows["outcome"].to_list(), seen.positive)
    wrong = decided & ~positive if key == "false_positive" else positive & ~decided
    rate = Rate(int(wrong.sum()), rows.height)
    span = _span(cases)
    bound = bound_of(name, criterion)
    asked = bound[0] if bound is not None else None
    if asked is not None and asked.per_s and span < SHORTEST:
        hours, period = span.total_seconds() / 3600, asked.text.partition("/")[2]
        note = f"the decisions span {hours:.1f} hours: too short for a {period}"
        return _Found(None, rate.n, note, "not_enough", seen.version, window)
    periods = span.total_seconds() / asked.per_s if asked is not None and asked.per_s else 1.0
    all_of_them = price.value * cases.height / periods
    low, high = (bound * all_of_them for bound in rate.bounds(_Z))
    each = f"/{asked.text.partition('/')[2].strip()}" if asked is not None and asked.per_s else ""
    note = (
        f"{rate.count:g} of {rate.n:,} decisions with an outcome, {cases.height:,} decisions in "
        f"{span.total_seconds() / 86_400:.1f} days; 95% interval {low:,.0f} to {high:,.0f}"
    )
    return _Found(
        rate.value * all_of_them, rate.n, note, None, seen.version, window, f" {price.currency}{each}"
    )


def _judged(name: str, criterion: Criterion, found: _Found, seen: Business, now: datetime) -> Observation:
    bound = bound_of(name, criterion)
    scale = (
        100.0
        if found.unit == "%" and bound is not None and bound[0].dimension in ("share", "number")
        else 1.0
    )
    threshold = bound[0].value * scale if bound is not None else None
    at_least = bound[1] if bound is not None else True
    state, note = _state(found, threshold, at_least, seen.min_samples)
    return Observation(
        metric=name,
        value=found.value if state in ("fine", "breached", "told") else None,
        n=found.n,
        state=state,
        window_from=found.window[0],
        window_to=found.window[1],
        observed_at=now,
        version=found.version,
        threshold=threshold,
        alert_on=None if bound is None else "below" if at_least else "above",
        unit=found.unit,
        note=note,
    )


def _state(
    found: _Found, threshold: float | None, at_least: bool, min_samples: int
) -> tuple[ObservationState, str]:
    if found.state is not None:
        return found.state, found.note
    if not found.n:
        return "missing", found.note or "no outcome is known yet"
    if found.n < min_samples:
        return "not_enough", f"{found.n:,} of at least {min_samples:,}"
    if found.value is None or not math.isfinite(found.value):
        return "not_a_number", found.note
    if threshold is None:
        return "told", found.note
    beyond = found.value < threshold if at_least else found.value > threshold
    reached = not beyond or math.isclose(found.value, threshold, rel_tol=1e-9)
    return ("fine" if reached else "breached"), found.note


def _own(seen: Business) -> pl.DataFrame:
    """The rows that the version in production answered since it went there."""
    rows = seen.predictions.filter(~pl.col("shadow") & (pl.col("version") == seen.version))
    return rows if seen.since is None else rows.filter(_between(seen.since, None))


def _between(start: datetime, end: datetime | None) -> pl.Expr:
    after = pl.col("event_time") >= start
    return after if end is None else after & (pl.col("event_time") <= end)


def _labelled(seen: Business, rows: pl.DataFrame) -> pl.DataFrame:
    known = seen.outcomes.select("prediction_id", pl.col("value").alias("outcome"))
    return rows.join(known.unique("prediction_id", keep="last"), on="prediction_id").sort(
        "event_time", "prediction_id"
    )


def _entities(seen: Business, rows: pl.DataFrame) -> pl.DataFrame:
    """The first labelled answer of each entity, without those that several of the versions answered."""
    named = rows.filter(~pl.col("shadow") & pl.col("entity").is_not_null())
    if seen.tested is not None:
        sides = [seen.tested.control, seen.tested.treatment]
        named = named.filter(pl.col("version").is_in(sides))
        named = named.filter(pl.col("version").n_unique().over("entity") == 1)
    return _labelled(seen, named).unique(["entity", "version"], keep="first", maintain_order=True)


def _positives(seen: Business, rows: pl.DataFrame, version: str) -> Rate:
    own = rows.filter(pl.col("version") == version)
    return Rate(_count(seen, own), own.height)


def _count(seen: Business, rows: pl.DataFrame) -> int:
    return int(are_class(rows["outcome"].to_list(), seen.positive).sum())


def _cases(rows: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("event_time").dt.truncate("1d")
    whom = pl.coalesce(pl.col("entity"), pl.col("prediction_id"))
    keyed = rows.sort("event_time", "prediction_id").with_columns(day.alias("day"), whom.alias("whom"))
    return keyed.unique(["day", "whom"], keep="first", maintain_order=True).drop("day", "whom")


def _span(rows: pl.DataFrame) -> timedelta:
    first, last = rows["event_time"].min(), rows["event_time"].max()
    return last - first if isinstance(first, datetime) and isinstance(last, datetime) else timedelta(0)
