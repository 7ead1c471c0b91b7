"""The project document: what is predicted, what success means, how each stage goes about it, and how it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rondo.contract import Project
from rondo.contract.references import mask
from rondo.lifecycle.criteria import MET
from rondo.lifecycle.rooms import reports_folder
from rondo.lifecycle.status import ProjectStanding, standing
from rondo.lifecycle.workshop import Workshop
from rondo.pages import duration, moment, render
from rondo.records.files import write_bytes

PAGE = "project.html"
_DURATION = re.compile(r"\d+(?:\.\d+)?(?:e[+-]\d+)?s")  # as the contract writes a length of time
_NAMING = ("port", "dashboard_port", "seed")  # numbers that count nothing
Row = tuple[str, str]
SECTIONS: Sequence[tuple[str, str]] = (
    ("The problem", "ml_problem"),
    ("Limits", "constraints"),
    ("Data that is needed", "data_requirements"),
    ("Data", "data"),
    ("Features", "features"),
    ("Training", "training"),
    ("Validation", "validation"),
    ("A/B test", "ab_test"),
    ("Deployment", "deployment"),
    ("Serving", "serving"),
    ("Monitoring", "monitoring"),
    ("Retraining", "retraining"),
    ("Pipeline", "pipeline"),
)


def write_document(workshop: Workshop) -> Path:
    """The page `reports/project.html`, written anew."""
    project, found = workshop.project, standing(workshop)
    path = reports_folder(workshop, f"reports/{PAGE}") / PAGE
    pages = sorted(file.name for file in workshop.layout.reports.glob("*.html") if file.name != PAGE)
    text = render(
        "rondo.lifecycle/project.html",
        title=project.project,
        subtitle=project.business_objective,
        facts=_facts(found),
        criteria=found.criteria,
        sections=[(title, list(rows_of(project, key))) for title, key in SECTIONS],
        releases=[
            (one.version, one.stage, moment(one.registered_at), one.version_reason)
            for one in reversed(workshop.state.releases())
        ],
        pages=pages,
        footer=f"Written by Rondo at {moment(workshop.clock())}",
    )
    write_bytes(path, text.encode())
    return path


def _facts(found: ProjectStanding) -> list[Row]:
    verdicts = [one.verdict for one in found.criteria]
    return [
        ("Serving", found.serving),
        ("Criteria met", f"{sum(one in MET for one in verdicts)} of {len(verdicts)}"),
        ("Gaps", str(found.gaps)),
        ("Open alerts", str(found.open_alerts)),
    ]


def rows_of(project: Project, key: str) -> Iterator[Row]:
    """What the project file says in that section, line by line; defaults that it does not mention are left out."""
    section = getattr(project, key)
    if isinstance(section, BaseModel):
        said = section.model_dump(exclude_unset=True, by_alias=True, mode="json")
        yield from _flat(said)


def _flat(said: Mapping[str, Any], above: str = "") -> Iterator[Row]:
    for name, value in said.items():
        where = f"{above}{name}"
        if isinstance(value, Mapping) and any(isinstance(inner, Mapping | list) for inner in value.values()):
            yield from _flat(value, f"{where}.")
        else:
            yield where, str(value) if name in _NAMING else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(inner)}" for name, inner in value.items() if inner is not None)
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return duration(float(value.removesuffix("s")))
    return mask(str(value))
