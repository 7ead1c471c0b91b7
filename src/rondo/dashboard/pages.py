"""Which template shows what of the material."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rondo.dashboard import view
from rondo.dashboard.guard import Session
from rondo.dashboard.material import Material
from rondo.dashboard.words import LANGUAGES, Words
from rondo.pages import render

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
    }[name](material)
    return _rendered(
        f"{name}.html", visit, name=name, project=material.project, m=material, mark=mark, **values
    )


def show_sign_in(project: str, visit: Visit, *, refused: bool) -> str:
    """The page that asks for a token."""
    return _rendered("sign_in.html", visit, name="sign_in", project=project, refused=refused)


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


def _overview(material: Material) -> Mapping[str, Any]:
    return {"boxes": view.round_of(material), "traffic": view.traffic_of(material)}


def _releases(material: Material) -> Mapping[str, Any]:
    earlier = [one for one in reversed(material.rollouts) if one != material.rollout]
    return {
        "traffic": view.traffic_of(material),
        "buttons": view.buttons_of(material.rollout),
        "rollout_tone": view.rollout_tone,
        "earlier": earlier,
        "releases": tuple(reversed(material.releases)),
        "can_roll_back": len(material.history) > 1,
    }


def _drift(material: Material) -> Mapping[str, Any]:
    seen = material.observations
    per_feature = [one for one in view.newest_of(seen) if one.feature is not None]
    pictures = []
    for metric in view.metrics_in(seen, with_feature=True):
        limit = next((one.threshold for one in per_feature if one.metric == metric), None)
        lines = view.worst_first(view.series_of(seen, metric), MOST_LINES)
        pictures.append((metric, lines, {} if limit is None else {f"{limit:g}": limit}))
    return {"pictures": pictures, "newest": per_feature}


def _performance(material: Material) -> Mapping[str, Any]:
    seen = material.observations
    whole = [one for one in view.newest_of(seen) if one.feature is None]
    pictures = []
    for metric in view.metrics_in(seen, with_feature=False):
        limit = next((one.threshold for one in whole if one.metric == metric), None)
        unit = next((one.unit or "" for one in whole if one.metric == metric), "")
        lines = view.series_of([one for one in seen if one.feature is None], metric)
        if any(value is not None for points in lines.values() for _, value in points):
            pictures.append((metric, unit, lines, {} if limit is None else {f"{limit:g}": limit}))
    return {"pictures": pictures, "newest": whole}


def _alerts(material: Material) -> Mapping[str, Any]:
    opened = [alert for alert in material.alerts if alert.recovered_at is None]
    over = [alert for alert in reversed(material.alerts) if alert.recovered_at is not None]
    return {"opened": opened, "over": over[:100]}


def _retraining(material: Material) -> Mapping[str, Any]:
    return {"decisions": tuple(reversed(material.decisions)), "proposal": material.proposal}


def _events(material: Material) -> Mapping[str, Any]:
    return {"events": tuple(reversed(material.events))}
