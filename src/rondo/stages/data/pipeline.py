"""The data room as a class, for a notebook or a script: extract, transform, validate, load."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from rondo.contract import Project
from rondo.contract.data import Data, Source
from rondo.errors import ContractError, DataError, Problem, UsageError
from rondo.ports.progress import Progress, Silent
from rondo.ports.sources import Resolve, SourceReader
from rondo.records.dataset import STOPPING, Check, Dataset
from rondo.records.files import read_record, write_record
from rondo.stages.data.checks import check, event_span
from rondo.stages.data.content import content_hash
from rondo.stages.data.extract import StartService, read_sources
from rondo.stages.data.freshness import freshness
from rondo.stages.data.prepare import DATASET, check_project, stamped, transform
from rondo.stages.data.types import columns_of, plain
from rondo.stages.data.versions import next_version

_RULES = {
    "min_rows": "min_rows",
    "max_null_ratio": "max_null_ratio",
    "schema": "schema",
    "value_ranges": "value_ranges",
}
_NAMED = re.compile(r":([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, slots=True)
class Access:
    """What reading sources needs of the world."""

    readers: Mapping[str, SourceReader]
    resolve: Resolve
    start_service: StartService


class DataPipeline:
    """Extracts, transforms, validates and loads; each step can be called alone.

    Takes a `Project`, or a mapping with the keys of its data section: `data_sources` (or `sources`), `join`,
    `clean`, `validate`, and beside them `min_rows`, `max_null_ratio`, `schema`, `value_ranges`, `version`.
    Other plain values (`start_date`, `date_partition` …) go where a query names :start_date or a path
    {date_partition}. `external_api`, a URL or an HTTP source, is read as `external_features`. Without `join` every
    other source that shares the column `join_on` (by default `user_id`) is joined to the first one, left.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | Project,
        *,
        access: Access,
        progress: Progress | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Reads nothing yet.

        Args:
            config: the project, or a mapping with the keys of its data section.
            access: how sources are read.
            progress: who is told; by default nobody.
            clock: aware.

        Raises:
            ContractError: the configuration cannot be.
        """
        self.config = config
        self.data, self._join_on = _data_of(config)
        self.checks: tuple[Check, ...] = ()
        self._ages: tuple[Check, ...] = ()
        self._access, self._progress, self._clock = access, progress or Silent(), clock

    def extract(self) -> dict[str, pl.DataFrame]:
        """A table per source, each read on its own with its own retries and schema."""
        access = self._access
        readings = read_sources(
            self.data.sources, access.readers, access.resolve, self._progress, access.start_service
        )
        tables = {name: reading.table for name, reading in readings.items()}
        event_time = self.config.ml_problem.event_time if isinstance(self.config, Project) else None
        # Only what was read tells how old a source is; `validate` sees one table of all.
        self._ages = freshness(tables, self.data.sources, event_time, self._clock())
        return tables

    def transform(self, raw_data: Mapping[str, Any]) -> pl.DataFrame:
        """Joined, then missing values, outliers, types.

        Args:
            raw_data: a table per source, Polars or pandas.
        """
        tables = {name: _table(table, f"source {name}") for name, table in raw_data.items()}
        data = self.data
        if not data.join and len(tables) > 1 and not isinstance(self.config, Project):
            data = data.model_copy(update={"join": _join_by(tables, self._join_on)})
        return transform(tables, data)[0]

    def validate(self, df: Any) -> bool:
        """Whether no check failed; the checks themselves, and their warnings, are in `checks`."""
        table = _table(df, "the table")
        if isinstance(self.config, Project):
            found = check_project(table, self.config, self._clock())
        else:
            found = check(table, self.data.validate_, filled=self.data.clean.filled)
        self.checks = (*self._ages, *found)
        return not any(check.status in STOPPING for check in self.checks)

    def load(self, df: Any, destination: Path | str) -> Path:
        """Writes `data_v{version}.parquet` and `dataset.json` into the destination and gives the file's path.

        The version is that of the configuration, or counted on from the `dataset.json` that is there.
        The file has `_data_version` and `_processed_at` in every row; it appears whole or not at all.
        """
        table = _table(df, "the table")
        folder = Path(destination)
        now = self._clock()
        dataset = self._dataset(table, folder, now)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / dataset.file
        handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
        os.close(handle)
        try:
            stamped(table, dataset.version, now).write_parquet(draft)
            os.chmod(draft, 0o644)
            os.replace(draft, path)
        finally:
            Path(draft).unlink(missing_ok=True)
        write_record(folder / DATASET, dataset)
        return path

    def _dataset(self, table: pl.DataFrame, folder: Path, now: datetime) -> Dataset:
        columns, digest = columns_of(table), content_hash(table)
        project = isinstance(self.config, Project)
        stated = None if project else self.config.get("version")  # type: ignore[union-attr]
        previous = read_record(folder / DATASET, Dataset) if (folder / DATASET).exists() else None
        if stated is not None:
            version, reason = str(stated), "stated in the configuration"
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", version):
                raise ContractError(f"{version!r} cannot be a version", where="version", mend="Write 1.0.0")
        else:
            sources = [extract.source for extract in previous.extracts] if previous else []
            version, reason = next_version(previous, columns, sources, digest, table.height)
        span = event_span(
            table, self.config.ml_problem.event_time if isinstance(self.config, Project) else None
        )
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
            checks=self.checks,
        )


def _data_of(config: Mapping[str, Any] | Project) -> tuple[Data, str]:
    if isinstance(config, Project):
        return config.data, "user_id"
    sources = dict(config.get("data_sources") or config.get("sources") or {})
    if (api := config.get("external_api")) and "external_features" not in sources:
        sources["external_features"] = api if isinstance(api, Mapping) else {"http": api}
    section: dict[str, Any] = {
        "sources": {name: _source(source, config) for name, source in sources.items()},
        **{key: config[key] for key in ("join", "clean") if key in config},
        "validate": {
            **dict(config.get("validate", {})),
            **{rule: config[key] for key, rule in _RULES.items() if key in config},
        },
    }
    try:
        return Data.model_validate(section), str(config.get("join_on", "user_id"))
    except ValidationError as error:
        problems = [
            Problem(".".join(map(str, found["loc"])), str(found["msg"]).removeprefix("Value error, "))
            for found in error.errors()
        ]
        raise ContractError("the configuration cannot be used", problems=problems) from error


def _source(source: Any, config: Mapping[str, Any]) -> Any:
    """The source with the values of the configuration that its query or path names."""
    if isinstance(source, Source) or not isinstance(source, Mapping):
        return source
    text = f"{source.get('query') or ''} {source.get('files') or ''}"
    given = source.get("params", {})
    if not isinstance(given, Mapping):
        return source
    named = {first or second for first, second in _NAMED.findall(text)}
    values = {name: config[name] for name in sorted(named) if name in config}
    return {**source, "params": {**values, **given}} if values or given else source


def _join_by(tables: Mapping[str, pl.DataFrame], key: str) -> tuple[Any, ...]:
    from rondo.contract.data import Base, JoinStep

    first, *others = tables
    sharing = [name for name in others if key in tables[name].columns]
    if key not in tables[first].columns or sharing != others:
        lacking = next(name for name in tables if key not in tables[name].columns)
        raise ContractError(
            f"source {lacking} has no column {key!r}",
            where="join",
            mend="Give `join`, or the column as `join_on`",
        )
    return (Base(base=first), *(JoinStep.model_validate({"with": name, "on": key}) for name in others))


def _table(frame: Any, where: str) -> pl.DataFrame:
    """The frame as a plain Polars table; the index of a pandas frame is left behind."""
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, pl.DataFrame):
        if type(frame).__module__.partition(".")[0] != "pandas":
            raise UsageError(
                f"{where} is a {type(frame).__name__}",
                where="DataPipeline",
                rule="It takes Polars or pandas frames",
            )
        if not frame.columns.is_unique or not all(isinstance(name, str) for name in frame.columns):
            raise DataError(
                "the names of the columns are not texts, or not unique",
                where=where,
                rule="Every column has a name of its own",
                mend="Name them: df.columns = [...]",
            )
        frame = _from_pandas(frame, where)
    return plain(frame, where=where)


def _from_pandas(frame: Any, where: str) -> pl.DataFrame:
    problems, columns = [], []
    for name in frame.columns:
        try:
            columns.append(pl.from_pandas(frame[name].reset_index(drop=True)))
        except (
            TypeError,
            ValueError,
            OverflowError,
            NotImplementedError,
            pl.exceptions.PolarsError,
        ) as error:
            what = f"column {name!r} cannot be kept: {' '.join(str(error).split())[:160]}"
            problems.append(Problem(where, what, "A column has one type", "Convert it before"))
    if problems:
        raise DataError(f"{where}: {len(problems)} columns cannot be kept", problems=problems)
    return pl.DataFrame(columns)
