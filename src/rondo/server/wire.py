"""HTTP on the wire, with bounds: how long a head may take and be, and how many connections there are.

Uvicorn bounds none of these. What is refused here never reached the application, and is told in its words.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from rondo.stages.serving.problems import PROBLEM_TYPE, Refusal, one_fault

HEAD_BYTES = 32 * 1024
HEAD_TIMEOUT_S = 10.0
MOST_CONNECTIONS = 4096


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `sweep` ends those whose head does not arrive; it costs less than a timer for each."""

    head_timeout_s: ClassVar[float] = HEAD_TIMEOUT_S
    most_connections: ClassVar[int] = MOST_CONNECTIONS

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._head_since: float | None = monotonic()  # None: a request is under way, or none has begun
        self._head_bytes = 0
        self._asked = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes the connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            what = f"More than {self.most_connections} connections are open"
            self.refuse(one_fault(503, "too_many_connections", what, hint="Close idle ones, or come again."))

    def data_received(self, data: bytes) -> None:
        """Parses, and refuses a head that grows without end."""
        if self.transport.is_closing():
            return
        before = self._head_since
        super().data_received(data)
        if self._head_since is None:
            return
        self._head_bytes = self._head_bytes + len(data) if before is not None else len(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
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
        if not self.url.startswith((b"/", b"*")) and not self.transport.is_closing():
            what = "The address is not a path of this server"
            self.refuse(one_fault(400, "absolute_address", what, hint="Send the path alone."))
            return
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Part of a body; nothing when its request was refused."""
        if self.cycle is not None and not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a body; nothing when its request was refused."""
        if self.cycle is not None and not self.transport.is_closing():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP."""
        self.refuse(one_fault(400, "not_http", "This is not HTTP/1.1 as it should be", loc=("head",)))

    def refuse(self, refusal: Refusal) -> None:
        """Answers with the problem and ends the connection."""
        body = refusal.body("none")
        self.transport.write(
            STATUS_LINE[refusal.status]
            + b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (PROBLEM_TYPE, len(body), body)
        )
        self.transport.close()

    def sweep(self, now: float) -> None:
        """Ends the connection when its head has taken too long; one that never asked is closed unanswered."""
        if self._head_since is None or now - self._head_since <= self.head_timeout_s:
            return
        if self.transport.is_closing():
            return
        if not self._asked:
            self.transport.close()
            return
        what = f"The head of the request did not arrive within {self.head_timeout_s:g} s"
        self.refuse(one_fault(408, "head_too_slow", what, loc=("headers",), hint="Send it at once."))
