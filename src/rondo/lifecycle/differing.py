"""What makes two versions different: their data row by row, how they were made, and what they say of the same rows."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rondo.bundle.differences import (
    Difference,
    Disagreement,
    made_differently,
    said_differently,
    same_features,
)
from rondo.errors import NotAvailable, UsageError, nearest
from rondo.lifecycle.order import PROCESSED
from rondo.lifecycle.workshop import Workshop
from rondo.records.release import Release

if TYPE_CHECKING:
    import polars as pl

    from rondo.bundle.bundle import Bundle
    from rondo.stages.data import TableDifference

MOST_ROWS = 50_000
"""So many of the newest rows are answered by both."""


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """From one version to another; where something cannot be compared, the note says why."""

    before: str
    after: str
    data: TableDifference | None
    data_note: str
    made: tuple[Difference, ...]
    said: Disagreement | None
    said_note: str


def diff(workshop: Workshop, before: str, after: str) -> VersionDiff:
    """What differs between two registered versions.

    Raises:
        UsageError: one is not registered.
        CorruptArtifact: a bundle is not as it was written.
    """
    from rondo.bundle.bundle import load_bundle

    releases = [_release(workshop, version) for version in (before, after)]
    one, two = (
        load_bundle(workshop.layout.root / release.bundle, bundle_id=release.bundle_id)
        for release in releases
    )
    data, data_note = _data(workshop, releases[0], releases[1])
    said, said_note = _said(workshop, one, two)
    made = made_differently((one.manifest, one.plan), (two.manifest, two.plan))
    return VersionDiff(before, after, data, data_note, made, said, said_note)


def data_diff(workshop: Workshop, before: str, after: str) -> tuple[TableDifference | None, str]:
    """What differs between two versions of the data, and why not where that cannot be told.

    Raises:
        UsageError: no registered model was made from one of them.
    """
    made_from = {str(release.lineage.get("data_version")): release for release in workshop.state.releases()}
    for version in (before, after):
        if version not in made_from:
            raise UsageError(
                f"no registered model was made from version {version!r} of the data",
                mend=nearest(version, made_from),
            )
    return _data(workshop, made_from[before], made_from[after])


def _release(workshop: Workshop, version: str) -> Release:
    releases = {release.version: release for release in workshop.state.releases()}
    if version not in releases:
        raise UsageError(f"no version {version!r} is registered", mend=nearest(version, releases))
    return releases[version]


def _data(workshop: Workshop, before: Release, after: Release) -> tuple[TableDifference | None, str]:
    from rondo.stages.data import differences

    if before.lineage.get("data_hash") == after.lineage.get("data_hash"):
        return None, "both were made from the same values"
    problem = workshop.project.ml_problem
    keys = [name for name in (problem.entity, problem.event_time) if name is not None]
    try:
        tables = [_table(workshop, release) for release in (before, after)]
    except NotAvailable as error:
        return None, f"the data cannot be compared: {error}"
    return differences(tables[0], tables[1], keys), ""


def _table(workshop: Workshop, release: Release) -> pl.DataFrame:
    """The processed data that the release was made from, out of the store of the pipeline's keeper."""
    import polars as pl

    identity = (release.lineage.get("dvc") or {}).get(PROCESSED)
    if not identity:
        raise NotAvailable(f"the lineage of {release.version} names no data in DVC")
    with tempfile.TemporaryDirectory() as folder:
        workshop.keeper.restore(identity, Path(folder))
        return pl.read_parquet(Path(folder) / "data_v*.parquet", glob=True)


def _said(workshop: Workshop, one: Bundle, two: Bundle) -> tuple[Disagreement | None, str]:
    import numpy as np
    import polars as pl

    from rondo.bundle.plan import FeaturePlan
    from rondo.records.files import read_record

    matrix = workshop.layout.features / "matrix.parquet"
    try:
        plan = read_record(workshop.layout.features / "plan.json", FeaturePlan)
    except NotAvailable:
        return None, "there is no feature matrix whose rows both could answer: `rondo run features` makes it"
    others = [side for side in (one, two) if not same_features(side.plan, plan)]
    if others:
        names = " and ".join(side.manifest.version for side in others)
        return None, f"the rows of now have other features than {names} takes"
    rows = pl.scan_parquet(matrix).tail(MOST_ROWS).collect()
    numerical = (
        rows.select(plan.numerical).to_numpy().astype(np.float32).reshape(rows.height, len(plan.numerical))
    )
    categorical = (
        rows.select(plan.categorical).to_numpy().astype(object).reshape(rows.height, len(plan.categorical))
    )
    answers = [side.decide(side.scores(numerical, categorical)) for side in (one, two)]
    return said_differently(answers[0], answers[1]), ""
