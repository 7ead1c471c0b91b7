"""Where a thing comes from and what became of it: data, code, features, model, release, prediction, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from rondo.bundle.manifest import Manifest
from rondo.errors import NotAvailable, UsageError, nearest
from rondo.lifecycle.branching import role_of
from rondo.lifecycle.workshop import Workshop
from rondo.records.files import read_record
from rondo.records.release import Release


@dataclass(frozen=True, slots=True)
class Origin:
    """One link of the chain; `identity` is a hash or an id by which the thing is found again."""

    kind: str
    version: str
    identity: str


@dataclass(frozen=True, slots=True)
class Descendant:
    """A model that was made from some data, and how often it answered."""

    version: str
    stage: str
    registered_at: datetime
    predictions: int
    first_at: datetime | None
    last_at: datetime | None


def trace(workshop: Workshop, wanted: str) -> tuple[Origin, ...]:
    """Everything that a version, or the version that gave a prediction, was made from.

    Args:
        wanted: a registered version, or the id of a logged prediction.

    Raises:
        UsageError: no such version is registered, and no such prediction was logged.
    """
    releases = {release.version: release for release in workshop.state.releases()}
    if wanted in releases:
        return _chain(workshop, releases[wanted])
    found = workshop.log.predictions(ids=[wanted], columns=("version", "entity", "at"))
    if found.is_empty():
        raise UsageError(
            f"no version and no logged prediction is named {wanted!r}", mend=nearest(wanted, releases)
        )
    row = found.row(0, named=True)
    release = releases.get(row["version"])
    of_whom = f"entity {row['entity']}, " if row["entity"] else ""
    said = Origin("prediction", row["version"], f"{wanted} ({of_whom}{row['at']:%Y-%m-%d %H:%M:%S} UTC)")
    outcome = workshop.log.outcomes(ids=[wanted])
    outcomes = [Origin("outcome", value, wanted) for value in outcome["value"].to_list()]
    return (*outcomes, said, *(_chain(workshop, release) if release else ()))


def made_from(workshop: Workshop, data_version: str) -> tuple[Descendant, ...]:
    """The models that were made from that version of the data, in the order of registration.

    Raises:
        UsageError: no registered model was made from it.
    """
    releases = workshop.state.releases()
    versions = {str(release.lineage.get("data_version")) for release in releases}
    if data_version not in versions:
        raise UsageError(
            f"no registered model was made from version {data_version!r} of the data",
            mend=nearest(data_version, versions),
        )
    answers = (
        workshop.log.predictions(columns=("version", "shadow", "at"))
        .filter(~pl.col("shadow"))
        .group_by("version")
        .agg(pl.len().alias("n"), pl.col("at").min().alias("first"), pl.col("at").max().alias("last"))
    )
    counted = {row["version"]: row for row in answers.iter_rows(named=True)}
    return tuple(
        _descendant(release, counted.get(release.version))
        for release in releases
        if str(release.lineage.get("data_version")) == data_version
    )


def _descendant(release: Release, answered: dict[str, object] | None) -> Descendant:
    row = answered or {}
    first, last, count = row.get("first"), row.get("last"), row.get("n", 0)
    return Descendant(
        release.version,
        release.stage,
        release.registered_at,
        count if isinstance(count, int) else 0,
        first if isinstance(first, datetime) else None,
        last if isinstance(last, datetime) else None,
    )


def _chain(workshop: Workshop, release: Release) -> tuple[Origin, ...]:
    lineage = release.lineage
    estimator, model = _of_bundle(workshop.layout.root / release.bundle / "manifest.json")
    code = lineage.get("code") or {}
    changes = f" with changes {code['diff']}" if code.get("dirty") == "yes" else ""
    branch = str(code.get("branch") or "")
    role = role_of(branch, workshop.project.versioning.code.branching)
    stored = lineage.get("dvc") or {}
    return (
        Origin("data", str(lineage.get("data_version", "")), str(lineage.get("data_hash", ""))),
        *(Origin("data in DVC", path, identity) for path, identity in sorted(stored.items())),
        Origin(
            "code",
            str(code.get("commit") or "not in git")[:12],
            f"{code.get('commit') or 'not in git'}{changes}{f' on {branch}: {role}' if branch else ''}",
        ),
        Origin("features", str(lineage.get("features_version", "")), str(lineage.get("plan_hash", ""))),
        Origin("training run", estimator, str(lineage.get("run_id", ""))),
        Origin("model", f"{release.version} ({release.version_reason})", model),
        Origin("bundle", release.version, release.bundle_id),
        Origin("release", f"{release.stage}", f"registry version {release.registry_version}"),
    )


def _of_bundle(path: Path) -> tuple[str, str]:
    """The estimator and the hash of its model: what only the bundle knows, where it was not let go of."""
    try:
        manifest = read_record(path, Manifest)
    except NotAvailable:
        return "", "let go of here"
    model = manifest.files.get("model.onnx")
    return manifest.estimator.rpartition(".")[2], model.sha256 if model else ""
