"""The application over tiny releases, called as an ASGI server would call it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from rondo.adapters.memory import MemoryStateStore
from rondo.adapters.segments import SegmentLog, SegmentWriter
from rondo.contract.serving import Serving
from rondo.server import application
from rondo.stages.serving import Application
from rondo.testing.live_server import MemoryValues, Reply, add_release, route


class House:
    """A project folder with releases, and the application that serves them."""

    def __init__(self, root: Path) -> None:
        """Nothing is released yet."""
        self.root = root
        self.state = MemoryStateStore()
        self.log = SegmentLog(root / "log")
        self.online: Any = MemoryValues()

    def release(self, version: str, **more: Any) -> None:
        """Registers a tiny bundle as that version."""
        add_release(self.root, self.state, version, **more)

    def route(self, weights: Mapping[str, float], shadow: str | None = None) -> None:
        """Gives the versions their shares."""
        route(self.state, weights, shadow)

    def make(
        self, *, mirror_share: float = 1.0, env: Mapping[str, str] | None = None, **serving: Any
    ) -> tuple[Application, SegmentWriter]:
        """The application, not started, and the writer that it was given."""
        writer = SegmentWriter(self.root / "log", flush_every=timedelta(milliseconds=5))
        app = application(
            self.root,
            "tiny",
            Serving(**serving),
            state=self.state,
            writer=writer,
            log=self.log,
            online=self.online,
            mirror_share=mirror_share,
            env=env or {},
        )
        return app, writer

    @asynccontextmanager
    async def open(self, **given: Any) -> AsyncIterator[Application]:
        """The application, started; stopped after the block. What is given goes to `make`."""
        app, writer = self.make(**given)
        await app.start()
        try:
            yield app
        finally:
            await app.stop()
            writer.close()

    def run(self, talk: Callable[[Application], Awaitable[Any]], **serving: Any) -> Any:
        """What `talk` gives when it is let loose on the application."""

        async def whole() -> Any:
            async with self.open(**serving) as app:
                return await talk(app)

        return asyncio.run(whole())

    def ask(self, method: str, path: str, body: Any = None, **serving: Any) -> Reply:
        """The reply to one request."""
        reply: Reply = self.run(lambda app: ask(app, method, path, body), **serving)
        return reply


async def ask(
    app: Application,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    chunks: list[bytes] | None = None,
    client: str = "127.0.0.1",
) -> Reply:
    """One request of that address; `body` is sent as JSON unless it is bytes."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"host": "127.0.0.1:80", "content-type": "application/json"} | dict(headers or {})
    pieces = chunks if chunks is not None else [data]
    messages = [
        {"type": "http.request", "body": piece, "more_body": place < len(pieces) - 1}
        for place, piece in enumerate(pieces)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        return None

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": (client, 50_000),
    }
    await app(scope, receive, send)
    told = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:]))
