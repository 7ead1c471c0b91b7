"""The body of a request, read whole, with bounds: how long it may be, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import monotonic
from typing import Any

from rondo.stages.serving.entering import too_large
from rondo.stages.serving.problems import Refusal

BODY_TIMEOUT_S = 10.0
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The client left before its request was whole: nobody is told anything, and it is nobody's failure."""


class Bodies:
    """Reads bodies. For one event loop, which runs `sweep` beside it."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._reading: dict[int, tuple[asyncio.Task[Any] | None, float]] = {}

    async def read(self, receive: Receive) -> bytes:
        """The whole body.

        Raises:
            Refusal: 413 beyond the limit, 408 when it takes too long.
            ClientGone: there is nobody to answer.
        """
        task = asyncio.current_task()
        place = id(task)
        self._reading[place] = (task, monotonic() + BODY_TIMEOUT_S)
        try:
            message = await receive()
            body: bytes = message.get("body", b"")
            if message["type"] == "http.disconnect":
                raise ClientGone
            if not message.get("more_body"):
                if len(body) > self._most:
                    raise too_large(self._most)
                return body
            return await self._read_on(body, receive)
        except asyncio.CancelledError:
            if task is not None and self._reading.get(place, (None, 0.0))[0] is None:
                task.uncancel()
                what = f"The body did not arrive within {BODY_TIMEOUT_S:g} s"
                raise Refusal(408, what, headers={"connection": "close"}) from None
            raise
        finally:
            self._reading.pop(place, None)

    async def sweep(self) -> None:
        """Ends the reading of bodies that take too long; one look a second is cheaper than a timer each."""
        while True:
            await asyncio.sleep(1.0)
            now = monotonic()
            for place, (task, until) in list(self._reading.items()):
                if task is not None and until < now:
                    self._reading[place] = (None, until)
                    task.cancel()

    async def _read_on(self, first: bytes, receive: Receive) -> bytes:
        chunks, size, more = [first], len(first), True
        while more:
            if size > self._most:
                raise too_large(self._most)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            chunks.append(chunk)
            more = bool(message.get("more_body"))
        if size > self._most:
            raise too_large(self._most)
        return b"".join(chunks)
