"""Takes what became of predictions: checks it against what all servers know, and writes it down."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import datetime
from typing import Any

from rondo.errors import RondoError
from rondo.ports.prediction_log import PredictionLog, PredictionWriter
from rondo.stages.serving.corrections import Corrections
from rondo.stages.serving.feedback import About, Outcomes, Taken, take
from rondo.stages.serving.figures import Figures
from rondo.stages.serving.problems import Refusal, one_fault
from rondo.stages.serving.ranking import by_item
from rondo.stages.serving.versions import ServedVersion

log = logging.getLogger("rondo.serving")


class OutcomeRecorder:
    """Records outcomes, for one event loop."""

    def __init__(
        self,
        writer: PredictionWriter,
        past: PredictionLog | None,
        figures: Figures,
        *,
        about: About,
        max_rows: int,
        max_corrections: int,
    ) -> None:
        """Args:
        writer: writes outcomes down.
        past: gives those that were written before, and by other servers.
        figures: counts them.
        about: tells what is known of a prediction that this server made.
        max_rows: outcomes in one request.
        max_corrections: known outcomes that a client may change in an hour.
        """
        self.outcomes = Outcomes()
        self._writer, self._figures, self._about, self._max_rows = writer, figures, about, max_rows
        self._corrections = Corrections(max_corrections)
        self._follower = past.follow() if past is not None else None
        self._following = asyncio.Lock()
        self._first: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to read old outcomes; whoever asks first waits for them."""
        self._first = asyncio.create_task(self._recall())

    async def stop(self) -> None:
        """Ends the reading."""
        if self._first is not None:
            self._first.cancel()
            with suppress(asyncio.CancelledError):
                await self._first

    async def recalled(self) -> None:
        """Returns when the outcomes are known that other servers wrote down before this call."""
        if self._first is not None:
            await asyncio.shield(self._first)
        await self._recall()

    async def _recall(self) -> None:
        """A log that cannot be read is told, and not waited for."""
        if self._follower is None:
            return
        async with self._following:
            try:
                newer = await asyncio.to_thread(self._follower.newer)
            except (RondoError, OSError) as error:
                log.error("outcomes of other servers cannot be read: %s", error)  # noqa: TRY400 - its text says it
                return
            self.outcomes.remember(newer)

    def record(self, body: Any, leading: ServedVersion | None, now: datetime, client: str = "") -> Taken:
        """Takes outcomes: all of the request's, or none.

        Args:
            body: see `take`.
            leading: the version that says what an outcome may be.
            now: the moment of receipt.
            client: the address that they came from.

        Raises:
            Refusal: they cannot be used, contradict known ones, change more of these than a client may, or no version
                leads.
        """
        if leading is None:
            raise Refusal(503, "No version says what an outcome may be", headers={"retry-after": "1"})
        items = body.get("items") if type(body) is dict else None
        if type(items) is list and len(items) > self._max_rows:
            raise one_fault(413, "too_many_rows", f"{len(items)} items; at most {self._max_rows} are taken")
        if leading.candidates is not None:
            body = by_item(body)
        classes = leading.bundle.manifest.classes
        taken = take(body, self.outcomes.get, classes, now=now, about=self._about)
        changes = taken.corrected + taken.withdrawn
        try:
            self._corrections.allow(client, changes)
        except Refusal:
            self._figures.refused(changes)
            raise
        for outcome in taken.outcomes:
            self._writer.outcome(outcome)
        self.outcomes.remember(taken.outcomes)
        self._figures.fed_back(taken)
        return taken
