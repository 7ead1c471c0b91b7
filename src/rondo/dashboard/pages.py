"""Which template shows what of the material."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rondo.dashboard import figures, view
from rondo.dashboard.guard import Session
from rondo.dashboard.material import Material
from rondo.dashboard.words import LANGUAGES, Words
from rondo.pages import measure, render
from rondo.records.monitoring import Observation
from rondo.stages.monitoring import drifts

NAMES = ("overview", "releases", "drift", "performance", "alerts", "retraining", "events")
MOST_LINES = 6


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks: in which language, with which session, and whether he may press buttons."""

    words: Words
    session: Session
    may_operate: bool
    signs_in: bool  # whether the project has tokens at all
    flash: tuple[str, str] | None = None  # tone and text of what was just done


def address_of(name: str) -> str:
    """The path of a page."""
    return "/" if name == "overview" else f"/{name}"


def show(name: str, material: Material, visit: Visit, *, mark: str) -> str:
    """The page of that name; `mark` is that of the changes it shows already."""
    values = {
        "overview": _overview,
        "releases": _releases,
        "drift": _drift,
        "performance": _performance,
        "alerts": _alerts,
        "retraining": _retraining,
        "events": _events,
    }[name](material, visit)
    return _rendered(
        f"{name}.html",
        visit,
        name=name,
        project=material.project,
        m=material,
        mark=mark,
        now=material.read_at,
        **values,
    )


def show_sign_in(project: str, visit: Visit, *, refused: bool) -> str:
    """The page that asks for a token."""
    return _rendered("sign_in.html", visit, name="sign_in", project=project, refused=refused, now=None)


def show_told(project: str, visit: Visit, told: str, *, reason: str = "") -> str:
    """The page that says why there is no other: `told` is the key of its title, and `told`.how says what to do."""
    return _rendered("told.html", visit, name="told", project=project, told=told, reason=reason, now=None)


def _rendered(template: str, visit: Visit, **values: Any) -> str:
    nav = [(name, address_of(name)) for name in NAMES]
    return render(
        f"rondo.dashboard/{template}",
        t=visit.words,
        visit=visit,
        nav=nav,
        languages=LANGUAGES,
        **values,
    )


def _overview(material: Material, _: Visit) -> Mapping[str, Any]:
    return {
        "summary": view.summary_of(material),
        "boxes": view.round_of(material),
        "traffic": view.traffic_of(material),
        "reports": view.reports_of(material.reports),
        "criteria": view.worst_first_criteria(material.criteria),
    }


def _releases(material: Material, visit: Visit) -> Mapping[str, Any]:
    rollout = material.rollout
    earlier = [one for one in reversed(material.rollouts) if rollout is None or one.number != rollout.number]
    return {
        "traffic": view.traffic_of(material),
        "buttons": view.buttons_of(rollout),
        "phases": view.phases_of(rollout),
        "rollout_tone": view.rollout_tone,
        "earlier": earlier,
        "releases": tuple(reversed(material.releases)),
        "ended_badly": view.ended_badly(material.rollouts),
        "previous": material.history[-2] if len(material.history) > 1 else "",
        "may_deploy": visit.may_operate and (rollout is None or rollout.ended),
    }


def _drift(material: Material, visit: Visit) -> Mapping[str, Any]:
    seen = [one for one in material.observations if drifts(one)]
    newest = figures.newest_of(seen)
    pictures = []
    for metric in figures.metrics_in(seen):
        lines = figures.worst_first(figures.series_of(seen, metric), MOST_LINES)
        pictures.append((metric, lines, _limits(newest, metric, visit.words)))
    heads = [(metric, _asked(newest, metric, visit.words)) for metric, _, _ in pictures]
    return {"pictures": pictures, "heads": heads, "rows": figures.by_feature(newest)}


def _asked(newest: Sequence[Observation], metric: str, words: Words) -> str:
    """When a metric alerts, where that is the same for all features."""
    asked = {(one.alert_on, one.threshold, one.unit) for one in newest if one.metric == metric}
    if len(asked) != 1:
        return ""
    ((alert_on, threshold, unit),) = asked
    if alert_on is None or threshold is None:
        return ""
    return words(f"observed.{alert_on}", limit=measure(threshold, unit))


def _performance(material: Material, visit: Visit) -> Mapping[str, Any]:
    seen = [one for one in material.observations if not drifts(one)]
    newest, whole = figures.newest_of(seen), [one for one in seen if one.feature is None]
    pictures = []
    for metric in figures.metrics_in(whole):
        unit = next((one.unit or "" for one in newest if one.metric == metric), "")
        lines = figures.series_of(whole, metric)
        if any(value is not None for points in lines.values() for _, value in points):
            pictures.append((metric, unit, lines, _limits(newest, metric, visit.words)))
    return {"pictures": pictures, "newest": figures.beyond_first(newest)}


def _limits(newest: Sequence[Observation], metric: str, words: Words) -> Mapping[str, float]:
    """The limit of a metric as a line of its picture, with what it is called."""
    for seen in newest:
        if seen.metric == metric and seen.threshold is not None:
            return {words("chart.limit", limit=measure(seen.threshold, seen.unit)): seen.threshold}
    return {}


def _alerts(material: Material, _: Visit) -> Mapping[str, Any]:
    opened = [alert for alert in material.alerts if alert.recovered_at is None]
    over = [alert for alert in reversed(material.alerts) if alert.recovered_at is not None]
    return {"opened": opened, "over": over[:100]}


def _retraining(material: Material, _: Visit) -> Mapping[str, Any]:
    return {"decisions": view.decided(material.decisions), "proposal": material.proposal}


def _events(material: Material, _: Visit) -> Mapping[str, Any]:
    return {"events": tuple(reversed(material.events))}
