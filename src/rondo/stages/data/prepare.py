"""From what the sources gave to one checked, versioned table, published whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

import polars as pl

from rondo.contract import Project
from rondo.contract.data import Data
from rondo.errors import CorruptArtifact, DataError, NotAvailable
from rondo.ports.progress import Progress
from rondo.records.dataset import Check, Dataset, Extract
from rondo.records.failpoints import reached
from rondo.records.files import publish_folder, read_record, write_record
from rondo.stages.data.checks import check, event_span, problems_of, warnings_of
from rondo.stages.data.clean import Step, clean
from rondo.stages.data.content import content_hash
from rondo.stages.data.extract import EXTRACTS
from rondo.stages.data.freshness import freshness
from rondo.stages.data.groups import required_columns
from rondo.stages.data.join import Joined, join
from rondo.stages.data.report import write_report
from rondo.stages.data.types import columns_of
from rondo.stages.data.versions import next_version

DATASET = "dataset.json"
VERSION_COLUMN, PROCESSED_COLUMN = "_data_version", "_processed_at"


def prepare(
    project: Project,
    *,
    raw: Path,
    out: Path,
    reports: Path,
    previous: Dataset | None,
    now: datetime,
    progress: Progress,
) -> Dataset:
    """Publishes `out`: `data_v{version}.parquet` and `dataset.json`; writes `reports/data_validation.html`.

    Args:
        raw: what `extract` published.
        previous: the table before this one; its version is counted on.

    Raises:
        DataError: checks did not pass; the report is written, `out` is as it was.
        CorruptArtifact: a raw file is not the one that was extracted.
    """
    extracts = read_record(raw / EXTRACTS, tuple[Extract, ...])
    tables = _tables(raw, extracts)
    table, joined, cleaned = transform(tables, project.data)
    progress.step("data", 1, 3, "joined and cleaned")
    checks = (
        *freshness(tables, project.data.sources, project.ml_problem.event_time, now),
        *check_project(table, project, now),
    )
    progress.step("data", 2, 3, f"{len(checks)} checks")
    for warning in warnings_of(checks):
        progress.say(f"warning: {warning}")
    dataset = _dataset(project, table, checks, extracts, previous, now)
    write_report(reports, project.project, dataset, table, joined, cleaned)
    if problems := problems_of(checks):
        raise DataError(
            f"{len(problems)} checks of the data did not pass", where="data.validate", problems=problems
        )
    with publish_folder(out) as fresh:
        stamped(table, dataset.version, now).write_parquet(fresh / dataset.file)
        reached("prepare.table_written")
        write_record(fresh / DATASET, dataset)
        reached("prepare.record_written")
    progress.step("data", 3, 3, f"version {dataset.version}")
    return dataset


def transform(
    tables: Mapping[str, pl.DataFrame], data: Data
) -> tuple[pl.DataFrame, tuple[Joined, ...], tuple[Step, ...]]:
    """The joined and cleaned table, and what each step did."""
    table, joined = join(tables, data.join)
    if reserved := {VERSION_COLUMN, PROCESSED_COLUMN} & set(table.columns):
        raise DataError(
            f"a source has the column {min(reserved)!r}",
            where="data",
            rule="Rondo writes it itself",
            mend="Rename it",
        )
    table, cleaned = clean(table, data.clean)
    return table, joined, cleaned


def check_project(table: pl.DataFrame, project: Project, now: datetime) -> tuple[Check, ...]:
    """Every check that the project asks for; the columns that its problem names must be there."""
    problem = project.ml_problem
    named = {
        "entity": problem.entity,
        "event_time": problem.event_time,
        "target": problem.target if problem.label is None else None,
    }
    return check(
        table,
        project.data.validate_,
        required={name: f"ml_problem.{key}" for key, name in named.items() if name},
        event_time=problem.event_time,
        needs=project.data_requirements,
        now=now,
        groups=required_columns(project),
        key=_example_key(project),
        filled=project.data.clean.filled,
    )


def _example_key(project: Project) -> tuple[str, ...]:
    """What names one example where rows are examples; nothing where rows are events, which may well come twice."""
    problem = project.ml_problem
    if problem.label is not None or project.data.snapshots is not None or problem.type == "forecasting":
        return ()
    if problem.entity is None or problem.event_time is None:
        return ()
    return (problem.entity, *([problem.item] if problem.item else []), problem.event_time)


def stamped(table: pl.DataFrame, version: str, now: datetime) -> pl.DataFrame:
    """The table with its version and the moment in every row, so that a file on its own tells what it is."""
    return table.with_columns(
        pl.lit(version).alias(VERSION_COLUMN),
        pl.lit(now, dtype=pl.Datetime("us", "UTC")).alias(PROCESSED_COLUMN),
    )


def _tables(raw: Path, extracts: tuple[Extract, ...]) -> dict[str, pl.DataFrame]:
    tables = {}
    for extract in extracts:
        path = raw / extract.file
        try:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise NotAvailable(
                f"{extract.file} is not there", where=str(raw), mend="Run the stage extract"
            ) from error
        if digest != extract.sha256:
            raise CorruptArtifact(
                f"{extract.file} is not the file that was extracted",
                where=str(raw),
                mend="Run the stage extract",
            )
        tables[extract.source] = pl.read_parquet(path)
    return tables


def _dataset(
    project: Project,
    table: pl.DataFrame,
    checks: tuple[Check, ...],
    extracts: tuple[Extract, ...],
    previous: Dataset | None,
    now: datetime,
) -> Dataset:
    digest = content_hash(table)
    columns = columns_of(table)
    version, reason = next_version(
        previous, columns, [extract.source for extract in extracts], digest, table.height
    )
    span = event_span(table, project.ml_problem.event_time)
    return Dataset(
        version=version,
        version_reason=reason,
        content_hash=digest,
        rows=table.height,
        columns=columns,
        file=f"data_v{version}.parquet",
        processed_at=now,
        event_from=span[0] if span else None,
        event_to=span[1] if span else None,
        checks=checks,
        extracts=extracts,
    )
