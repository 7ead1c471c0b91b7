"""What monitoring is given: the version that serves, and what was logged since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from rondo.bundle.manifest import Manifest
from rondo.bundle.plan import FeaturePlan
from rondo.bundle.reference import Reference
from rondo.errors import NotAvailable
from rondo.lifecycle.workshop import Workshop
from rondo.records.files import read_record
from rondo.records.monitoring import AcceleratorFigures
from rondo.records.prediction import WITHOUT_FEATURES
from rondo.records.release import Release
from rondo.stages.monitoring import ACCELERATORS, Evidence, Served

LATEST_OUTCOMES = timedelta(days=90)
"""How late an outcome still says something; older evidence is stale."""


def served(workshop: Workshop, release: Release) -> Served:
    """The release, as far as monitoring has to know it."""
    folder = workshop.layout.root / release.bundle
    manifest = read_record(folder / "manifest.json", Manifest)
    plan = read_record(folder / "plan.json", FeaturePlan)
    return Served(
        version=release.version,
        numerical=manifest.numerical,
        categorical=manifest.categorical,
        positive=manifest.positive,
        threshold=manifest.threshold,
        reference=read_record(folder / "reference.json", Reference),
        calendar=plan.calendar,
        classes=manifest.classes,
        categories={name: frozenset(words) for name, words in manifest.categories.items()},
        alike=frozenset(_alike(workshop, manifest)),
    )


def evidence(workshop: Workshop, *, now: datetime) -> Evidence:
    """What was logged within the time in which an outcome may still come, and a season earlier where that counts."""
    log, watched = workshop.log, workshop.project.monitoring
    since = now - watched.window - LATEST_OUTCOMES
    predictions = log.predictions(since=since, columns=WITHOUT_FEATURES)
    if watched.reference == "season" and watched.season is not None:
        until = min(since, now - watched.season)
        earlier = log.predictions(since=since - watched.season, until=until, columns=WITHOUT_FEATURES)
        predictions = pl.concat([earlier, predictions])
    accelerators, why = _accelerators(workshop)
    return Evidence(
        predictions,
        log.outcomes(),
        log.figures(since=since),
        accelerators,
        why,
        features=lambda window: log.predictions(since=window.start, until=window.end),
    )


def _accelerators(workshop: Workshop) -> tuple[tuple[AcceleratorFigures, ...], str]:
    if ACCELERATORS not in workshop.project.monitoring.system_metrics:
        return (), ""
    try:
        return workshop.accelerators.read(), ""
    except NotAvailable as error:
        return (), error.what


def _alike(workshop: Workshop, manifest: Manifest) -> Iterator[str]:
    """Versions whose bundles lie here and take the same features in the same order."""
    if workshop.project.monitoring.reference == "judged":
        return
    for release in workshop.state.releases():
        try:
            other = read_record(workshop.layout.root / release.bundle / "manifest.json", Manifest)
        except NotAvailable:
            continue
        if (other.numerical, other.categorical) == (manifest.numerical, manifest.categorical):
            yield release.version
