"""Uvicorn, told to stop in two steps: first it says that it is leaving, then it leaves."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from types import FrameType

import uvicorn

from rondo.server.wire import BoundedProtocol
from rondo.stages.serving import Application

GRACE_S = 25
KEEP_ALIVE_S = 75


class DrainingServer(uvicorn.Server):
    """Answers until a signal; between the signal and the end every answer closes its connection.

    A second signal ends at once.
    """

    def __init__(self, app: Application, *, on_listening: Callable[[], None], drain: timedelta) -> None:
        self._app, self._on_listening, self._drain_s = app, on_listening, drain.total_seconds()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=BoundedProtocol,
                ws="none",
                lifespan="on",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
                backlog=2048,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, and tells that it did."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started and not self.should_exit:
            # What is loaded by now stays: the collector need not look at it again and again.
            gc.collect()
            gc.freeze()
            self._on_listening()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; once a second ends connections that keep the server waiting."""
        if counter % 10 == 0:
            now = monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.sweep(now)
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to drain; at the second signal ends."""
        if self._app.draining or self._loop is None:
            self.should_exit = self.force_exit = True
            return
        self._app.draining = True
        self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_s, self._leave)

    def _leave(self) -> None:
        self.should_exit = True
