"""The writing side: callers never wait for the disk, and whatever cannot be stored is counted."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic

from rondo.adapters.segments.records import Record, line_of
from rondo.records.prediction import Outcome, Prediction, RequestFigures

OPEN, SEALED = ".open", ".log"
_FLUSH_BYTES, _FLUSH_RECORDS = 4 * 2**20, 20_000


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the records are that a writer was given: `taken = stored + dropped + queued`, exactly, always."""

    taken: int
    stored: int
    dropped: int
    queued: int


class SegmentWriter:
    """Appends records to a segment of its own; any number of processes may write into one folder.

    A record is on the disk at most `flush_every` (plus the time of one write) after it was taken, or it is
    counted as dropped: because more than `queue_bytes` were waiting, or because the disk refused until the
    end. Safe to call from several threads.
    """

    def __init__(
        self,
        folder: Path,
        *,
        flush_every: timedelta = timedelta(milliseconds=200),
        queue_bytes: int = 64 * 2**20,
        segment_bytes: int = 16 * 2**20,
        segment_age: timedelta = timedelta(hours=1),
    ) -> None:
        self._folder = folder
        self._flush_s = flush_every.total_seconds()
        self._queue_bytes, self._segment_bytes = queue_bytes, segment_bytes
        self._age_s = segment_age.total_seconds()
        self._queue: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._taken = self._stored = self._dropped = 0
        self._lock = Lock()
        self._wake, self._closed = Event(), False
        self._segment: _Segment | None = None
        self.trouble = ""
        """Why the disk refuses at the moment; empty while it does not."""
        folder.mkdir(parents=True, exist_ok=True)
        self._thread = Thread(target=self._work, name="prediction-log", daemon=True)
        self._thread.start()

    def prediction(self, prediction: Prediction) -> None:
        """Takes one prediction."""
        self._take(prediction)

    def outcome(self, outcome: Outcome) -> None:
        """Takes one outcome."""
        self._take(outcome)

    def figures(self, figures: RequestFigures) -> None:
        """Takes one interval's figures."""
        self._take(figures)

    @property
    def dropped(self) -> int:
        """Records that could not be stored since the start."""
        return self._dropped

    @property
    def ledger(self) -> Ledger:
        """Where the records are by now."""
        with self._lock:
            return Ledger(self._taken, self._stored, self._dropped, len(self._queue))

    def close(self) -> None:
        """Writes what is left, seals the segment and stops; what the disk still refuses is dropped."""
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _take(self, record: Record) -> None:
        # Encoding here, not in the thread: the queue is then bounded in bytes, and the thread hardly ever
        # holds the interpreter while answers wait for it.
        line = line_of(record)
        with self._lock:
            self._taken += 1
            if self._closed or self._waiting_bytes + len(line) > self._queue_bytes:
                self._dropped += 1
                return
            self._queue.append(line)
            self._waiting_bytes += len(line)
            if self._waiting_bytes > _FLUSH_BYTES:
                self._wake.set()

    def _work(self) -> None:
        while not self._closed:
            self._wake.wait(self._flush_s)
            self._wake.clear()
            self._flush()
        self._flush()
        with self._lock:  # only what the disk refused to the last is still here
            self._dropped += len(self._queue)
            self._queue.clear()
            self._waiting_bytes = 0
        with suppress(OSError):
            self._end_segment()

    def _flush(self) -> None:
        """Moves the queue to the disk; on a refusal everything stays queued for the next time."""
        try:
            while self._queue:
                with self._lock:
                    lines = list(islice(self._queue, _FLUSH_RECORDS))
                data = b"".join(lines)
                self._place().append(data)
                with self._lock:
                    for _ in lines:
                        self._queue.popleft()
                    self._waiting_bytes -= len(data)
                    self._stored += len(lines)
            if self._segment is not None and self._segment.is_old(self._age_s):
                self._end_segment()
            self.trouble = ""
        except OSError as error:
            self.trouble = f"the prediction log cannot be written: {error.strerror or error}"

    def _place(self) -> _Segment:
        if self._segment is not None and self._segment.size >= self._segment_bytes:
            self._end_segment()
        if self._segment is None:
            self._segment = _Segment(self._folder)
        return self._segment

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.seal()


class _Segment:
    """An open segment, locked for as long as this process lives."""

    def __init__(self, folder: Path) -> None:
        stem = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}-{secrets.token_hex(3)}"
        self._path = folder / f"{stem}{OPEN}"
        self.size = 0
        self._born = monotonic()
        # A reader takes a segment without lock for an abandoned one, so it gets its name after its lock.
        unnamed = folder / f".{stem}.new"
        self._file = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.replace(unnamed, self._path)
            sync_folder(folder)
        except OSError:
            os.close(self._file)
            unnamed.unlink(missing_ok=True)
            raise

    def is_old(self, age_s: float) -> bool:
        """Whether it has been open for that long."""
        return monotonic() - self._born >= age_s

    def append(self, data: bytes) -> None:
        """Writes the bytes and waits for the disk; on failure the segment is as long as before."""
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):  # when even cutting fails, the torn line is left to its checksum
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(data)

    def seal(self) -> None:
        """Ends it; nobody writes it any more."""
        try:
            os.replace(self._path, self._path.with_suffix(SEALED))
            sync_folder(self._path.parent)
        finally:
            os.close(self._file)


def sync_folder(folder: Path) -> None:
    """Waits until the disk has the folder's entries."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
