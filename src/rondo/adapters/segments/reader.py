"""The reading side: whole records as frames. Sealed segments become Parquet on the way, once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import cast

import polars as pl

from rondo.adapters.segments.following import SegmentFollower
from rondo.adapters.segments.records import (
    FIGURES,
    OUTCOME,
    PREDICTION,
    SCHEMAS,
    Lines,
    figures_of,
    frame_of,
    read_lines,
)
from rondo.adapters.segments.writer import OPEN, SEALED, sync_folder
from rondo.records.files import publish_folder, read_record, to_json, write_bytes
from rondo.records.prediction import WITHDRAWN, RequestFigures

FILES = {PREDICTION: "predictions.parquet", OUTCOME: "outcomes.parquet", FIGURES: "figures.parquet"}
SUMMARY = "segment.json"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a compacted segment holds, and of which times; a time that is not told may be any."""

    predictions: int
    outcomes: int
    figures: int
    torn: int
    event_from: datetime | None = None  # of its predictions
    event_to: datetime | None = None
    answered_to: datetime | None = None
    received_to: datetime | None = None
    figures_from: datetime | None = None
    figures_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogState:
    """The whole log in figures; `torn` lines were not whole and are left out of every answer."""

    segments: int
    predictions: int
    outcomes: int
    figures: int
    torn: int


class SegmentLog:
    """Reads the segments of a folder, also while they are written; several readers may work at once.

    Reading compacts: a sealed (or abandoned) segment is rewritten as Parquet, published whole and then removed.
    A reader killed in between leaves both, and the Parquet counts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def predictions(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        answered_since: datetime | None = None,
        ids: Collection[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """See PredictionLog; in the order of writing per process. Costs what the segments of that time hold."""

        def wanted(segment: Summary) -> bool:
            about = _overlaps(segment.event_from, segment.event_to, since, until)
            return segment.predictions > 0 and about and _reaches(segment.answered_to, answered_since)

        frame = self._of_kind(PREDICTION, wanted)
        if since is not None:
            frame = frame.filter(pl.col("event_time") >= since)
        if until is not None:
            frame = frame.filter(pl.col("event_time") < until)
        if answered_since is not None:
            frame = frame.filter(pl.col("at") >= answered_since)
        if ids is not None:
            frame = frame.filter(pl.col("prediction_id").is_in(list(ids)))
        return (frame if columns is None else frame.select(columns)).collect()

    def outcomes(
        self, *, received_since: datetime | None = None, ids: Collection[str] | None = None
    ) -> pl.DataFrame:
        """See PredictionLog; whatever order they came in."""

        def wanted(segment: Summary) -> bool:
            return segment.outcomes > 0 and _reaches(segment.received_to, received_since)

        frame = self._of_kind(OUTCOME, wanted)
        if received_since is not None:
            frame = frame.filter(pl.col("at") >= received_since)
        if ids is not None:
            frame = frame.filter(pl.col("prediction_id").is_in(list(ids)))
        newest_last = frame.sort("prediction_id", "at", "value", "happened_at")
        newest = newest_last.unique("prediction_id", keep="last", maintain_order=True)
        return newest.filter(pl.col("value") != WITHDRAWN).collect()

    def follow(self) -> SegmentFollower:
        """Tells outcomes as they are written."""
        return SegmentFollower(self._folder, opened=OPEN, sealed=SEALED, compacted=FILES[OUTCOME])

    def figures(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[RequestFigures]:
        """Intervals by their time."""

        def wanted(segment: Summary) -> bool:
            return segment.figures > 0 and _overlaps(segment.figures_from, segment.figures_to, since, until)

        frame = self._of_kind(FIGURES, wanted)
        if since is not None:
            frame = frame.filter(pl.col("at") >= since)
        if until is not None:
            frame = frame.filter(pl.col("at") < until)
        rows = frame.sort("at").collect().iter_rows(named=True)
        return [figures_of(row) for row in rows]

    def state(self) -> LogState:
        """How much the log holds, and how much of it could not be read."""
        compacted, raw = self._segments()
        kept = [_summary(segment / SUMMARY) for segment in compacted]
        return LogState(
            len(kept) + len(raw),
            sum(one.predictions for one in kept) + sum(len(lines.texts[PREDICTION]) for lines in raw),
            sum(one.outcomes for one in kept) + sum(len(lines.texts[OUTCOME]) for lines in raw),
            sum(one.figures for one in kept) + sum(len(lines.texts[FIGURES]) for lines in raw),
            sum(one.torn for one in kept) + sum(lines.torn for lines in raw),
        )

    def _of_kind(self, kind: bytes, wanted: Callable[[Summary], bool]) -> pl.LazyFrame:
        """The records of that kind, without those compacted segments that hold none of what is wanted."""
        compacted, raw = self._segments()
        found = [segment for segment in compacted if wanted(_summary(segment / SUMMARY))]
        return pl.concat(
            [
                *_scan(found, kind),
                *(frame_of(kind, lines.texts[kind]).lazy() for lines in raw),
                pl.LazyFrame(schema=SCHEMAS[kind]),
            ]
        )

    def _segments(self) -> tuple[list[Path], list[Lines]]:
        """The compacted segments, and the lines of those that are still text."""
        self._compact()
        compacted: list[Path] = []
        raw: list[Lines] = []
        for stem in self._stems():
            folder = self._folder / stem
            if not folder.is_dir():
                found = self._read(stem)
                # Another reader compacted it after the listing: its Parquet is complete by now.
                if found is not None:
                    raw.append(found)
                    continue
            compacted.append(folder)
        return compacted, raw

    def _stems(self) -> list[str]:
        with suppress(FileNotFoundError):
            return sorted(
                {
                    entry.name.removesuffix(OPEN).removesuffix(SEALED)
                    for entry in os.scandir(self._folder)
                    if not entry.name.startswith(".")
                }
            )
        return []

    def _read(self, stem: str) -> Lines | None:
        # Open first: it may be sealed between the two looks, but never the other way round.
        for suffix in (OPEN, SEALED):
            with suppress(FileNotFoundError):
                return read_lines((self._folder / f"{stem}{suffix}").read_bytes(), growing=suffix == OPEN)
        return None

    def _compact(self) -> None:
        """Turns segments that nobody writes any more into Parquet, unless another reader is at it."""
        with self._alone() as alone:
            if not alone:
                return
            for path in sorted(self._folder.glob(f"*{SEALED}")):
                self._compact_one(path)
            for path in sorted(self._folder.glob(f"*{OPEN}")):
                with suppress(BlockingIOError, FileNotFoundError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._compact_one(path)

    def _compact_one(self, path: Path) -> None:
        target = path.with_suffix("")
        if not target.is_dir():
            try:
                lines = read_lines(path.read_bytes(), growing=False)
            except FileNotFoundError:  # sealed or compacted since the listing
                return
            with publish_folder(target) as fresh:
                _write_compacted(fresh, lines)
                sync_folder(fresh)
            sync_folder(self._folder)
        path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this reader is the only one that compacts, for the block."""
        try:
            lock = os.open(self._folder / ".compacting", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:  # no folder yet, or one that may only be read: nothing is compacted
            yield False
            return
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(lock)


def _write_compacted(folder: Path, lines: Lines) -> None:
    frames = {kind: frame_of(kind, texts) for kind, texts in lines.texts.items()}
    for kind, frame in frames.items():
        parquet = BytesIO()
        frame.write_parquet(parquet)
        write_bytes(folder / FILES[kind], parquet.getvalue())
    about, answered = frames[PREDICTION]["event_time"], frames[PREDICTION]["at"]
    received, told = frames[OUTCOME]["at"], frames[FIGURES]["at"]
    times = (about.min(), about.max(), answered.max(), received.max(), told.min(), told.max())
    summary = Summary(
        frames[PREDICTION].height,
        frames[OUTCOME].height,
        frames[FIGURES].height,
        lines.torn,
        *cast("tuple[datetime | None, ...]", times),
    )
    write_bytes(folder / SUMMARY, to_json(summary))


def _scan(segments: Sequence[Path], kind: bytes) -> list[pl.LazyFrame]:
    if not segments:
        return []
    files = [segment / FILES[kind] for segment in segments]
    return [pl.scan_parquet(files, schema=SCHEMAS[kind], missing_columns="insert")]


@lru_cache(maxsize=65_536)
def _summary(path: Path) -> Summary:
    """What the segment says of itself; a compacted segment never changes."""
    return read_record(path, Summary)


def _overlaps(
    first: datetime | None, last: datetime | None, since: datetime | None, until: datetime | None
) -> bool:
    return _reaches(last, since) and (until is None or first is None or first < until)


def _reaches(last: datetime | None, since: datetime | None) -> bool:
    return since is None or last is None or last >= since
