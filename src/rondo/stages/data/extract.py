"""Reads every source on its own and publishes what they gave, all of it or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

import polars as pl

from rondo.contract import Project
from rondo.contract.data import Source
from rondo.errors import CorruptArtifact, DataError, NotAvailable, Problem, RondoError, TemporaryPortError
from rondo.ports.columns import check_width
from rondo.ports.progress import Progress
from rondo.ports.sources import Resolve, SourceReader
from rondo.records.dataset import Extract
from rondo.records.failpoints import reached
from rondo.records.files import publish_files, read_record, write_record
from rondo.stages.data.types import columns_of, conform, plain, without_nulls

EXTRACTS = "extracts.json"
MOST_AT_ONCE = 8
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0

StartService = Callable[[str, str], AbstractContextManager[None]]
"""Runs a source's helper command (first argument) that serves a URL (second) for the time of the block."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source gave, and the seconds that it took, retries included."""

    table: pl.DataFrame
    seconds: float


def extract(
    project: Project,
    *,
    folder: Path,
    out: Path,
    readers: Mapping[str, SourceReader],
    resolve: Resolve,
    now: datetime,
    progress: Progress,
    start_service: StartService,
) -> tuple[Extract, ...]:
    """Publishes in `out` a Parquet file per source, and `extracts.json`; other files there are not touched.

    Raises:
        RondoError: sources failed; all of them are named and `out` is as it was.
    """
    sources = project.data.sources
    readings = read_sources(sources, readers, resolve, progress, start_service)
    before = _extracted_before(out)
    with publish_files(out, last=EXTRACTS) as fresh:
        extracts = tuple(
            _written(name, source, readings[name], readers[source.kind], fresh, now)
            for name, source in sources.items()
        )
        write_record(fresh / EXTRACTS, extracts)
        reached("extract.written")
    for file in before - {extract.file for extract in extracts}:
        (out / file).unlink(missing_ok=True)
    progress.say(f"{len(extracts)} source{'' if len(extracts) == 1 else 's'} in {_below(out, folder)}")
    return extracts


def _extracted_before(out: Path) -> set[str]:
    try:
        return {extract.file for extract in read_record(out / EXTRACTS, tuple[Extract, ...])}
    except (NotAvailable, CorruptArtifact):
        return set()


def read_sources(
    sources: Mapping[str, Source],
    readers: Mapping[str, SourceReader],
    resolve: Resolve,
    progress: Progress,
    start_service: StartService,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Reading]:
    """The conformed table of every source, read side by side, each with its own retries and schema.

    Args:
        pause: waits before a retry, in seconds.

    Raises:
        RondoError: sources failed; the error carries the problems of all of them, and its class is that of
            the failure when they agree.
    """
    readings: dict[str, Reading] = {}
    failures: list[RondoError] = []
    with ThreadPoolExecutor(min(len(sources), MOST_AT_ONCE), "source") as pool, ExitStack() as services:

        def submit(name: str) -> Future[Reading]:
            source = sources[name]
            return pool.submit(_read, name, source, readers[source.kind], resolve, pause)

        # What needs no helper is read while the helpers start.
        jobs = {name: submit(name) for name, source in sources.items() if not source.start}
        refused = _started(
            {name: sources[name] for name in sources if name not in jobs}, resolve, start_service, services
        )
        jobs |= {name: submit(name) for name in sources if name not in jobs and name not in refused}
        for done, name in enumerate(sources, 1):
            try:
                if name in refused:
                    raise refused[name]
                readings[name] = jobs[name].result()
            except RondoError as error:
                failures.append(error)
            progress.step("extract", done, len(sources), name)
    if failures:
        raise _together(failures, len(sources))
    return readings


def _started(
    sources: Mapping[str, Source], resolve: Resolve, start_service: StartService, services: ExitStack
) -> dict[str, RondoError]:
    """Starts each helper once, whoever names it; gives the sources whose helper did not start."""
    refused: dict[str, RondoError] = {}
    tried: dict[tuple[str, str], RondoError | None] = {}
    for name, source in sources.items():
        helper = (source.start or "", source.http or "")
        if helper not in tried:
            try:
                services.enter_context(start_service(helper[0], resolve(helper[1])))
                tried[helper] = None
            except RondoError as error:
                tried[helper] = error
        if (failure := tried[helper]) is not None:
            refused[name] = failure
    return refused


def _read(
    name: str, source: Source, reader: SourceReader, resolve: Resolve, pause: Callable[[float], None]
) -> Reading:
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

    where = f"source {name}"
    began = time.perf_counter()
    attempts = Retrying(
        stop=stop_after_attempt(source.retries + 1),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S),
        retry=retry_if_exception_type(TemporaryPortError),
        sleep=pause,
        reraise=True,
    )
    try:
        found: pl.DataFrame = attempts(reader.read, name, source, resolve)
    except RecursionError as error:
        raise DataError(
            "a value is nested too deep to be read",
            where=where,
            rule="A value is a text, a number, a boolean, a date or a time",
            mend="Select its parts in the source",
        ) from error
    check_width(found.width, where=where)
    if not found.height:
        raise DataError("it gave 0 rows", where=where, mend="Check its query, path or parameters")
    table = plain(found, where=where)
    untyped = table.columns if _of_texts(source) else ()
    table = without_nulls(table, source.nulls, untyped=set(untyped) - source.keys.keys())
    table = conform(table, source.keys, where=where)
    # Once more: only as a number is the text -999.0 the null -999.
    return Reading(without_nulls(table, source.nulls), time.perf_counter() - began)


def _of_texts(source: Source) -> bool:
    """Whether its values arrive as text and got their types from their looks."""
    return source.format == "csv" or (source.format is None and (source.files or "").lower().endswith(".csv"))


def _together(failures: list[RondoError], sources: int) -> RondoError:
    if len(failures) == 1:
        return failures[0]
    problems: list[Problem] = [problem for failure in failures for problem in failure.problems]
    kinds: set[Any] = {type(failure) for failure in failures}
    kind = kinds.pop() if len(kinds) == 1 else DataError
    error: RondoError = kind(f"{len(failures)} of {sources} sources cannot be read", problems=problems)
    error.__cause__ = failures[0]
    return error


def _written(
    name: str, source: Source, reading: Reading, reader: SourceReader, folder: Path, now: datetime
) -> Extract:
    file = folder / f"{name}.parquet"
    reading.table.write_parquet(file)
    with file.open("rb") as written:
        digest = file_digest(written, "sha256").hexdigest()
    return Extract(
        source=name,
        kind=source.kind,
        rows=reading.table.height,
        columns=columns_of(reading.table),
        file=file.name,
        sha256=digest,
        read_at=now,
        origin=reader.origin(source),
        seconds=round(reading.seconds, 3),
    )


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
