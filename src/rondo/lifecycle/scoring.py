"""Scores a file as the server would score its rows: the same decoding of values, look-ups and bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from rondo.errors import DataError, NotAvailable
from rondo.lifecycle.scored_rows import OnError, ScoredRows, asked_of, names_of
from rondo.ports.feature_store import OnlineValues
from rondo.ports.progress import Progress
from rondo.records.release import Release
from rondo.stages.scoring import Source, kind_of, open_source, write_lines, write_tables
from rondo.stages.serving.decoding import decode
from rondo.stages.serving.problems import Refusal
from rondo.stages.serving.scoring import Scorer
from rondo.stages.serving.versions import ServedVersion, make_ready

if TYPE_CHECKING:
    from rondo.lifecycle.workshop import Workshop


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """What was done with a file."""

    rows: int
    errors: int  # rows that are kept with an error instead of a score
    version: str
    source: str
    target: str
    not_asked: tuple[str, ...] = ()  # columns that the model does not take
    looked_up: tuple[str, ...] = ()  # columns that a table lacks, and the store gives by entity


def release_to_score_with(workshop: Workshop, version: str | None) -> Release:
    """That release, or the one in production.

    Raises:
        NotAvailable: there is no such release.
    """
    if version is None:
        if found := workshop.state.production():
            return found
        raise NotAvailable("nothing is in production yet", mend="Run `rondo run`, or name a --version.")
    releases = {release.version: release for release in workshop.state.releases()}
    if version not in releases:
        raise NotAvailable(
            f"no version {version} is registered", mend=f"Known: {', '.join(releases) or 'none'}."
        )
    return releases[version]


def score_file(
    source: Path,
    target: Path,
    *,
    release: Release,
    root: Path,
    online: OnlineValues | None,
    explain: bool,
    on_error: OnError,
    force: bool,
    now: datetime,
    progress: Progress,
) -> ScoredFile:
    """Writes `target`: every row of `source` in its order, with what the release says of it.

    A version that orders lists gives a table a row for each item of each list, and a JSON line its `items`.

    Args:
        source: Parquet, CSV or JSON lines, by its ending.
        target: the same; only JSON lines become nothing else.
        release: whose bundle scores; it is verified first.
        root: the project's folder.
        online: what is known of entities.
        explain: add base and contributions.
        on_error: whether rows that cannot be scored stop everything, or get an `error` instead of a score.
        force: replace a file that is there.
        now: the moment of rows that name none.
        progress: hears how far the work is.

    Raises:
        DataError: rows cannot be scored (the first of them are named), or the file is not what its name says.
        UsageError: the kinds of the files do not go together.
        NotAvailable: there is no such file, the store does not answer, or the release does not explain.
        Conflict: there is a target already.
    """
    version = make_ready(root / release.bundle, bundle_id=release.bundle_id)
    _check_ability(version, explain)
    opened = open_source(source, asked_of(version), _decoded)
    not_asked = tuple(name for name in opened.columns if name not in asked_of(version))
    if opened.schema is not None and len(not_asked) == len(opened.schema):
        raise DataError(
            "none of its columns is one that the model takes",
            where=str(source),
            rule=f"It takes {names_of(sorted(asked_of(version)))}",
        )
    work = ScoredRows(opened, version, Scorer(online), now, explain, on_error, progress)
    if opened.schema is None:
        _check_lines(source, target)
        write_lines(target, work.lines(), force=force)
    else:
        schema = pl.Schema({**opened.schema, **work.columns})
        _check_columns(source, opened, work.columns)
        write_tables(target, kind_of(target), schema, work.tables(), force=force)
    not_asked = not_asked or tuple(sorted(work.strange))
    if not_asked:
        progress.say(f"{source.name}: kept as they are, not given to the model: {names_of(not_asked)}")
    looked_up = _looked_up(opened, version)
    if looked_up:
        by = version.bundle.plan.entity
        progress.say(f"{source.name}: not in the file, looked up by {by}: {names_of(looked_up)}")
    return ScoredFile(work.rows, work.wrong, version.version, str(source), str(target), not_asked, looked_up)


def _looked_up(opened: Source, version: ServedVersion) -> tuple[str, ...]:
    """Columns that the table lacks and the store is asked for; none where nothing names an entity."""
    if not version.views or version.bundle.plan.entity not in opened.columns:
        return ()
    return tuple(one.name for one in version.bundle.plan.inputs if one.name not in opened.columns)


def _check_ability(version: ServedVersion, explain: bool) -> None:
    if explain and version.bundle.why_unexplained:
        raise NotAvailable(
            f"version {version.version} does not explain its answers: {version.bundle.why_unexplained}",
            mend="Leave --explain out.",
        )


def _check_lines(source: Path, target: Path) -> None:
    if kind_of(target) != "jsonl":
        from rondo.errors import UsageError

        raise UsageError(
            f"{source.name} cannot become {target.name}",
            rule="Objects of JSON lines need not have the same names: they become JSON lines",
            mend=f"Write {target.with_suffix('.jsonl').name}.",
        )


def _check_columns(source: Path, opened: Source, added: Mapping[str, pl.DataType]) -> None:
    if taken := [name for name in added if name in opened.columns]:
        raise DataError(
            f"it has columns of its own named {names_of(taken)}",
            where=str(source),
            rule="The answers are written under these names",
            mend="Rename them in the file.",
        )


def _decoded(line: bytes) -> dict[str, Any]:
    """The object of a JSON line, as strictly as a request's body."""
    try:
        value = decode(line)
    except Refusal as refusal:
        raise ValueError(refusal.detail) from refusal
    if type(value) is not dict:
        raise ValueError("the line is not a JSON object")
    return value
