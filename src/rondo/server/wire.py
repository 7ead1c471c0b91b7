"""HTTP on the wire, with bounds: how long a head may take and be, and how many connections there are.

Uvicorn bounds none of these. What is refused here never reached the application, and is told in its words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from rondo.stages.serving.problems import PROBLEM_TYPE, Refusal, one_fault

HEAD_BYTES = 32 * 1024
HEAD_TIMEOUT_S = 10.0
MOST_CONNECTIONS = 4096
LINGER_S = 2.0
"""How long a client that still sends may go on after its answer: closing at once would take the answer from it."""


class _LastWord:
    """A transport that is closed only when the client has had its answer."""

    def __init__(self, transport: asyncio.Transport, end: Callable[[], None]) -> None:
        self.write, self.is_closing, self.close = transport.write, transport.is_closing, end


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `sweep` ends those whose head does not arrive; it costs less than a timer for each."""

    head_timeout_s: ClassVar[float] = HEAD_TIMEOUT_S
    most_connections: ClassVar[int] = MOST_CONNECTIONS

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._head_since: float | None = monotonic()  # None: a request is under way, or none has begun
        self._head_bytes = 0
        self._asked = self._ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes the connection, unless there are too many."""
        super().connection_made(transport)
        self._last_word = cast("asyncio.Transport", _LastWord(transport, self.end))
        if len(self.connections) > self.most_connections:
            what = f"More than {self.most_connections} connections are open"
            self.refuse(one_fault(503, "too_many_connections", what, hint="Close idle ones, or come again."))

    def data_received(self, data: bytes) -> None:
        """Parses, and refuses a head that grows without end."""
        if self._ended or self.transport.is_closing():
            return
        before = self._head_since
        super().data_received(data)
        if self._head_since is None:
            return
        self._head_bytes = self._head_bytes + len(data) if before is not None else len(data)
        if self._head_bytes > HEAD_BYTES:
            what = f"The head of the request is longer than {HEAD_BYTES} bytes"
            self.refuse(one_fault(431, "head_too_large", what, loc=("headers",), hint="Send fewer headers."))

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._asked = True
        self._head_since, self._head_bytes = monotonic(), 0

    def on_headers_complete(self) -> None:
        """The head is whole: what names another server in its first line is refused."""
        self._head_since = None
        if self._ended:
            return
        if not self.url.startswith((b"/", b"*")):
            what = "The address is not a path of this server"
            self.refuse(one_fault(400, "absolute_address", what, hint="Send the path alone."))
            return
        super().on_headers_complete()
        self.cycle.transport = self._last_word

    def on_body(self, body: bytes) -> None:
        """Part of a body; nothing when its request was refused."""
        if not self._ended:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a body; nothing when its request was refused."""
        if not self._ended:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next request of a pipeline, unless this answer was the last."""
        if self._ended:
            self.flow.resume_reading()
        else:
            super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP."""
        self.refuse(one_fault(400, "not_http", "This is not HTTP/1.1 as it should be", loc=("head",)))

    def refuse(self, refusal: Refusal) -> None:
        """Answers with the problem and ends the connection."""
        if self._ended or self.transport.is_closing():
            return
        body = refusal.body("none")
        self.transport.write(
            STATUS_LINE[refusal.status]
            + b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (PROBLEM_TYPE, len(body), body)
        )
        self.end()

    def end(self) -> None:
        """Sends nothing more; what the client still sends is read for a while, and thrown away."""
        if self._ended:
            return
        self._ended = True
        whole = self._head_since is None and self.cycle is not None and not self.cycle.more_body
        if whole or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_S, self.transport.close)

    def sweep(self, now: float) -> None:
        """Ends the connection when its head has taken too long; one that never asked is closed unanswered."""
        if self._head_since is None or now - self._head_since <= self.head_timeout_s:
            return
        if self._ended or self.transport.is_closing():
            return
        if not self._asked:
            self.transport.close()
            return
        what = f"The head of the request did not arrive within {self.head_timeout_s:g} s"
        self.refuse(one_fault(408, "head_too_slow", what, loc=("headers",), hint="Send it at once."))
