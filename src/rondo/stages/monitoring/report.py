"""The page: what speaks now, drift over time beside chance, performance with its coverage, system figures, alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from markupsafe import Markup

from rondo.contract.monitoring import Monitoring, Watch
from rondo.pages import charts, measure, moment, number, render
from rondo.records.files import write_bytes
from rondo.records.monitoring import Alert, Observation
from rondo.stages.monitoring.drifting import DRIFT_METRICS, PREDICTION
from rondo.stages.monitoring.observing import ESTIMATED_ACCURACY, current, is_live
from rondo.stages.monitoring.service_levels import SERVICE_LEVEL

FILE = "monitoring.html"
MOST_PICTURES = 60
_WIDE, _TALL = 330, 150
_COMPARED = {
    "judged": "the rows on which the model was judged",
    "previous_window": "the window before",
    "season": "the same time one season earlier",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure over time with what it says now."""

    name: str
    told: str
    state: str
    chart: Markup


def write_report(folder: Path, text: str) -> Path:
    """Writes the page into the folder, whole or not at all, and gives its path."""
    path = folder / FILE
    write_bytes(path, text.encode())
    return path


def page(
    project: str,
    watched: Monitoring,
    version: str,
    observations: Sequence[Observation],
    alerts: Sequence[Alert],
    *,
    now: datetime,
) -> str:
    """The page as text.

    Args:
        observations: those of the version, of every window, in any order.
        alerts: those that are open.
    """
    speaking = current(observations)
    drift = [seen for seen in speaking if seen.metric in DRIFT_METRICS and seen.feature]
    fired = [alert for alert in alerts if alert.fired_at is not None]
    measured = [seen for seen in speaking if seen.state in ("fine", "breached")]
    worst = "critical" if any(a.severity == "critical" for a in fired) else "warning" if fired else "ok"
    return render(
        "rondo.stages.monitoring/monitoring.html",
        title="Monitoring",
        above=project,
        subtitle=f"Version {version}, looked at {moment(now)}",
        verdict=worst if measured else "warn",
        verdict_text=_headline(fired, measured),
        verdict_reason="",
        facts=_facts(watched, version, speaking),
        alerts=sorted(alerts, key=lambda alert: (alert.fired_at is None, alert.severity, alert.key)),
        silent=[seen for seen in speaking if seen.value is None],
        performance=list(_performance(watched, observations, speaking)),
        drift=list(_drift_pictures(watched, observations, drift)),
        rates=_rates(drift),
        compared=_COMPARED[watched.reference],
        system=list(_system(watched, observations, speaking)),
        levels=[seen for seen in speaking if seen.metric == SERVICE_LEVEL],
        footer=f"Written by Rondo at {moment(now)}",
    )


def _headline(fired: Sequence[Alert], measured: Sequence[Observation]) -> str:
    if fired:
        return f"{len(fired)} alert{'s' if len(fired) > 1 else ''} open"
    if not measured:
        return "Nothing that is asked could be measured"
    return f"No alert is open; {len(measured)} figures are within their limits"


def _facts(watched: Monitoring, version: str, speaking: Sequence[Observation]) -> list[tuple[str, str]]:
    rows = [seen for seen in speaking if seen.metric == "psi" and seen.feature == PREDICTION]
    facts = [("version", version), ("window", _length(watched.window)), ("compared with", watched.reference)]
    if rows and rows[0].window_from and rows[0].window_to:
        facts.append(("newest window", f"{rows[0].window_from:%Y-%m-%d %H:%M} UTC"))
        facts.append(("predictions in it", number(rows[0].n)))
    return facts


def _length(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return (
        f"{days:g} day{'' if days == 1 else 's'}" if days >= 1 else f"{span / timedelta(minutes=1):g} minutes"
    )


def _performance(
    watched: Monitoring, observations: Sequence[Observation], speaking: Sequence[Observation]
) -> Iterable[Picture]:
    estimates = _over_time(observations, ESTIMATED_ACCURACY)
    for seen in speaking:
        if seen.feature or is_live(seen) or seen.metric in (*DRIFT_METRICS, ESTIMATED_ACCURACY):
            continue
        history = _over_time(observations, seen.metric)
        series = {"measured": [(_middle(one), one.value) for one in history]}
        if seen.metric == "accuracy" and estimates:
            series["estimated"] = [(_middle(one), one.value) for one in estimates]
        watch = watched.model_metrics.get(seen.metric)
        limits = _limit(watch)
        chart = _line(series, limits, f"{seen.metric} over time")
        yield Picture(seen.metric, _told(seen), seen.state, chart)
        covered = [(_middle(one), one.n / one.of) for one in history if one.of]
        if covered:
            chart = _line({"coverage": covered}, {"all": 1.0}, "coverage over time", zero=True)
            told = (
                f"share of the predictions of each window with an outcome; now {seen.n:,} of {seen.of or 0:,}"
            )
            yield Picture(f"{seen.metric}: coverage", told, "told", chart)


def _line(
    series: Mapping[str, Sequence[tuple[datetime, float | None]]],
    limits: Mapping[str, float],
    label: str,
    *,
    zero: bool = False,
) -> Markup:
    """Lines over time; a single moment is told, not drawn."""
    moments = {at for points in series.values() for at, value in points if value is not None}
    if len(moments) < 2:
        return Markup("")
    return charts.line(series, limits=limits, points=True, zero=zero, label=label)


def _drift_pictures(
    watched: Monitoring, observations: Sequence[Observation], drift: Sequence[Observation]
) -> Iterable[Picture]:
    """A small picture per feature; those beyond their threshold first, then those that moved most beyond chance."""
    metric = (
        "psi" if any(seen.metric == "psi" and seen.value is not None for seen in drift) else "ks_statistic"
    )
    shown = sorted((seen for seen in drift if seen.metric == metric), key=_attention)
    for seen in shown[:MOST_PICTURES]:
        history = [one for one in _over_time(observations, metric, seen.feature) if one.value is not None]
        points = [
            (_middle(one), one.value, 0.0, one.beyond)
            for one in history
            if one.value is not None and one.beyond is not None
        ]
        watch = watched.drift_metrics.get(metric)
        limits = _limit(watch)
        name = f"{metric} of {seen.feature}"
        if len(points) > 1:
            chart = charts.band(
                points, limits=limits, y=metric, label=f"{name} over time", width=_WIDE, height=_TALL
            )
        elif points:
            most = max(points[0][1], points[0][3], *limits.values()) * 1.1
            chart = charts.interval(
                points[0][1], 0.0, points[0][3], least=0.0, most=most, mark=watch.threshold if watch else None,
                width=_WIDE, height=24, label=name,
            )  # fmt: skip
        else:
            chart = Markup("")
        yield Picture(seen.feature or "", _told(seen), seen.state, chart)


def _limit(watch: Watch | None) -> dict[str, float]:
    """The line of a limit and its name, for a picture."""
    if watch is None:
        return {}
    return {f"alert {watch.alert_on} {measure(watch.threshold, watch.unit)}": watch.threshold}


def _attention(seen: Observation) -> tuple[int, float]:
    order = {"breached": 0, "fine": 1, "told": 1}
    moved = (seen.value or 0.0) / seen.beyond if seen.beyond else 0.0
    return order.get(seen.state, 2), -moved


def _rates(drift: Sequence[Observation]) -> list[tuple[str, dict[str, Observation]]]:
    """Every drift figure of every feature, a row per feature."""
    rows: dict[str, dict[str, Observation]] = {}
    for seen in drift:
        rows.setdefault(seen.feature or "", {})[seen.metric] = seen
    return list(rows.items())


def _system(
    watched: Monitoring, observations: Sequence[Observation], speaking: Sequence[Observation]
) -> Iterable[Picture]:
    watches = watched.model_metrics | watched.system_metrics
    for seen in speaking:
        if not is_live(seen) or seen.metric == SERVICE_LEVEL:
            continue
        history = [(_end(one), one.value) for one in _over_time(observations, seen.metric)]
        watch = watches.get(seen.metric)
        limits = _limit(watch)
        known = sum(value is not None for _, value in history) > 1  # one value is told, not drawn
        chart = (
            charts.line(
                {seen.metric: history},
                limits=limits,
                points=True,
                zero=True,
                label=seen.metric,
                width=_WIDE,
                height=_TALL,
            )
            if known
            else Markup("")
        )
        yield Picture(seen.metric, _told(seen), seen.state, chart)


def _over_time(
    observations: Sequence[Observation], metric: str, feature: str | None = None
) -> list[Observation]:
    found = (
        one for one in observations if one.metric == metric and one.feature == feature and one.window_from
    )
    return sorted(found, key=lambda one: one.window_from or one.observed_at)


def _middle(seen: Observation) -> datetime:
    assert seen.window_from is not None
    assert seen.window_to is not None
    return seen.window_from + (seen.window_to - seen.window_from) / 2


def _end(seen: Observation) -> datetime:
    return seen.window_to or seen.observed_at


def _told(seen: Observation) -> str:
    unit = seen.unit or ""
    figure = seen.note if seen.value is None else f"{number(seen.value)}{unit}, n = {seen.n:,}"
    if seen.value is not None and seen.chance is not None:
        figure = (
            f"{figure}; chance alone gives {number(seen.chance, 2)}, hardly ever {number(seen.beyond, 2)}"
        )
    return figure
