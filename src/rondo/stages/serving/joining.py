"""Joins rows that arrive together into one matrix: NumPy and the model runtime cost per call, not per row.

Nothing waits for company. The rows of all requests that the event loop found on its sockets in one look are
answered when it comes round, a moment later; a row alone is answered alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rondo.stages.serving.answering import Answered, Answerer
from rondo.stages.serving.asking import Row
from rondo.stages.serving.scoring import Group
from rondo.stages.serving.versions import ServedVersion

INLINE_ROWS = 32
"""More rows at once keep the event loop from its sockets for too long."""


@dataclass(slots=True)
class _Waiting:
    version: ServedVersion
    row: Row
    started: float
    single: bool
    answer: asyncio.Future[Answered]


class Joiner:
    """Answers single rows of the event loop's thread."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._waiting: list[_Waiting] = []

    def answer(
        self, version: ServedVersion, row: Row, started: float, *, single: bool
    ) -> asyncio.Future[Answered]:
        """The row's answer, soon."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answered] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._answer_all)
        self._waiting.append(_Waiting(version, row, started, single, future))
        return future

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        while waiting:
            version = waiting[0].version
            same = [one for one in waiting if one.version is version]
            for start in range(0, len(same), INLINE_ROWS):
                self._answer_some(same[start : start + INLINE_ROWS])
            waiting = (
                [one for one in waiting if one.version is not version] if len(same) < len(waiting) else []
            )

    def _answer_some(self, some: Sequence[_Waiting]) -> None:
        try:
            answered = self._answerer.answer(
                Group(
                    some[0].version, [one.row for one in some], None if some[0].single else range(len(some))
                ),
                now=datetime.now(UTC),
                started=[one.started for one in some],
            )
        except Exception as error:
            if len(some) > 1:  # somebody's row is the reason: nobody else shall hear of it
                for one in some:
                    self._answer_some([one])
            elif not some[0].answer.done():
                some[0].answer.set_exception(error)
            return
        for one, prediction in zip(some, answered.predictions, strict=True):
            if not one.answer.done():  # the client may have left
                one.answer.set_result(
                    Answered(answered.versions, [prediction], answered.at, answered.fetch_s)
                )
                answered.fetch_s = 0.0  # one look into the store, counted once
