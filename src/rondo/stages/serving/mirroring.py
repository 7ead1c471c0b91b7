"""Lets a shadow answer what was answered already: later, in a thread of its own, and unseen.

What the shadow does (fail, hang, take its time) ends here. Its queue is bounded; what finds no room is let go
and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from queue import SimpleQueue
from threading import Condition, Thread
from time import perf_counter
from typing import Any

from rondo.records.prediction import VersionFigures
from rondo.stages.serving.asking import Row
from rondo.stages.serving.figures import Sample
from rondo.stages.serving.versions import ServedVersion

log = logging.getLogger("rondo.serving")

WAITING_REQUESTS, WAITING_BYTES = 1000, 16 * 2**20
Answer = Callable[[ServedVersion, Sequence[Row], Sequence[str], datetime], None]


@dataclass(frozen=True, slots=True)
class _Mirrored:
    rows: Sequence[Row]
    originals: Sequence[str]
    at: datetime
    size: int


def is_mirrored(prediction_id: str, share: float) -> bool:
    """Whether the row with that prediction is one of the share that a shadow sees; always the same."""
    if share >= 1.0:
        return True
    digest = blake2b(prediction_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


class Mirror:
    """One shadow with its queue and its thread. `offer` is called from the answering thread, and never waits."""

    def __init__(self, version: ServedVersion, answer: Answer, *, share: float = 1.0) -> None:
        self.version = version
        self._answer, self._share = answer, share
        self._queue: SimpleQueue[_Mirrored | None] = SimpleQueue()
        self._changed = Condition()
        self._waiting = self._waiting_bytes = 0  # what is being answered counts as waiting
        self._closed = False
        self._start()
        # A shadow that hangs must not keep the process from ending.
        self._thread = Thread(target=self._work, name=f"shadow-{version.version}", daemon=True)
        self._thread.start()

    def _start(self) -> None:
        self._requests = self._errors = self._dropped = 0
        self._latencies = Sample()

    def offer(self, rows: Sequence[Row], predictions: Sequence[Any], at: datetime, size: int) -> None:
        """Takes the rows of an answered request whose predictions are in the share.

        Args:
            rows: values by name; nobody may change them after this.
            predictions: the answers that the client got, row by row.
            at: when they were given.
            size: bytes of the request, for the bound of the queue.
        """
        ids = [one["prediction_id"] for one in predictions]
        if self._share < 1.0:
            kept = [place for place, one in enumerate(ids) if is_mirrored(one, self._share)]
            if not kept:
                return
            rows, ids = [rows[place] for place in kept], [ids[place] for place in kept]
        with self._changed:
            full = self._waiting >= WAITING_REQUESTS or self._waiting_bytes + size > WAITING_BYTES
            if self._closed or full:
                self._dropped += 1
                return
            self._waiting += 1
            self._waiting_bytes += size
        self._queue.put(_Mirrored(rows, ids, at, size))

    def figures(self) -> VersionFigures:
        """What the shadow did since the last call."""
        with self._changed:
            figures = VersionFigures(self._requests, self._errors, self._latencies.kept, self._dropped)
            self._start()
            return figures

    def settled(self, timeout_s: float) -> bool:
        """Whether everything that was offered is answered, dropped or failed; waits for it that long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout_s)

    def close(self) -> None:
        """Takes nothing more and lets go of what still waits; does not wait for the shadow."""
        with self._changed:
            self._closed = True
        self._queue.put(None)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._closed:
                self._let_go(item)
            else:
                self._answer_one(item)

    def _answer_one(self, item: _Mirrored) -> None:
        began, error = perf_counter(), None
        try:
            self._answer(self.version, item.rows, item.originals, item.at)
        except Exception as failure:
            error = failure
        with self._changed:
            self._requests += 1
            self._errors += error is not None
            self._latencies.add((perf_counter() - began) * 1e3)
            self._done(item)
            first = error is not None and self._errors == 1
        if first:  # once per interval: a broken shadow must not fill the log
            log.warning("shadow %s failed: %s", self.version.version, error)

    def _let_go(self, item: _Mirrored) -> None:
        with self._changed:
            self._dropped += 1
            self._done(item)

    def _done(self, item: _Mirrored) -> None:
        self._waiting -= 1
        self._waiting_bytes -= item.size
        self._changed.notify_all()
