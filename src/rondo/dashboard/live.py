"""Tells open pages that something changed, as server-sent events: one look per second for all of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

from rondo.errors import RondoError
from rondo.ports.state import StateStore

LOOK_EVERY_S = 1.0
STILL_HERE_EVERY_S = 15.0


def mark_of(state: StateStore) -> str:
    """A text that differs whenever something that the pages show has changed."""
    events, rollout = state.events(limit=1), state.rollout()
    seen, alerts = state.observations(limit=1), state.alerts(open_only=True)
    parts = (
        events[-1].sequence if events else 0,
        (rollout.number, rollout.revision) if rollout else None,
        rollout.said if rollout else "",
        state.routes().generation,
        seen[-1].observed_at if seen else None,
        [(alert.key, alert.last_seen_at, alert.acknowledged_at) for alert in alerts],
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


class Changes:
    """The mark of now, looked at by one task while anybody listens."""

    def __init__(self, look: Callable[[], str], *, every_s: float = LOOK_EVERY_S) -> None:
        self._look, self._every_s = look, every_s
        self._changed = asyncio.Condition()
        self._mark, self._listeners = "", 0
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncIterator[str]:
        """Lines of a stream of events: the mark of now at once, then each new one; comments keep it open."""
        self._listeners += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        told = ""
        try:
            while True:
                try:
                    async with asyncio.timeout(STILL_HERE_EVERY_S), self._changed:
                        await self._changed.wait_for(lambda told=told: self._mark not in ("", told))  # type: ignore[misc]
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                told = self._mark
                yield f"event: change\ndata: {told}\n\n"
        finally:
            self._listeners -= 1

    async def _watch(self) -> None:
        while self._listeners:
            try:
                mark = await asyncio.to_thread(self._look)
            except RondoError:
                mark = self._mark  # a store that does not answer now is asked again in a moment
            if mark != self._mark:
                async with self._changed:
                    self._mark = mark
                    self._changed.notify_all()
            await asyncio.sleep(self._every_s)
