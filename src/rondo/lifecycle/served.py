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
from rondo.stages.monitoring import ACCELERATORS, Evidence, Served, window_of

LATEST_OUTCOMES = timedelta(days=90)
"""How late an outcome still says something; older evidence is stale."""
EARLIEST = timedelta(days=1)
"""An outcome may come so long before the moment that its prediction is about."""


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
    """What was logged within the time in which an outcome may still come, and a season earlier where that counts.

    Windows are read whole: of one that was cut the figures would be revised by what is not looked at any more.
    """
    log, watched = workshop.log, workshop.project.monitoring
    since = oldest = window_of(now - watched.window - LATEST_OUTCOMES, watched.window).start
    predictions = log.predictions(since=since, columns=WITHOUT_FEATURES)
    if watched.reference == "season" and watched.season is not None:
        oldest = window_of(since - watched.season, watched.window).start
        until = min(since, window_of(now - watched.season, watched.window).end)
        earlier = log.predictions(since=oldest, until=until, columns=WITHOUT_FEATURES)
        predictions = pl.concat([earlier, predictions])
    # Outcomes are stamped by the servers' clock, which in a practice world is another.
    behind = max(now - workshop.wall_clock(), timedelta(0))
    accelerators, why = _accelerators(workshop)
    return Evidence(
        predictions,
        log.outcomes(received_since=oldest - behind - EARLIEST),
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
