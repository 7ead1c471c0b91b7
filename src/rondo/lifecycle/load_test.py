"""Asks a server over several connections at once for a while, and measures: the client of a pre-flight.

Every connection sends its next request when its last one was answered (a closed loop), so the throughput is what
this many connections get, not what a crowd could ask for.
"""

from __future__ import annotations

import asyncio
import http.client
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter

GRACE_S = 10.0  # for the last answers, after the time is over
WARM_UP = 0.2  # share of the time before the one that is measured
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Who is asked: `token` for its access."""

    host: str
    port: int
    token: str
    path: str = "/predict"

    def request(self, body: bytes) -> bytes:
        """The body as a request on the wire."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: {self.host}:{self.port}\r\n"
            f"authorization: Bearer {self.token}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(slots=True)
class Tally:
    """What came back; latencies in milliseconds."""

    latency_ms: list[float] = field(default_factory=list)
    errors: int = 0
    examples: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        """Answered and failed ones."""
        return len(self.latency_ms) + self.errors

    def failed(self, why: str) -> None:
        """Counts a failure."""
        self.errors += 1
        if why in self.examples or len(self.examples) < 5:
            self.examples[why] += 1


def answerable(target: Target, bodies: Sequence[bytes], *, most: int) -> tuple[list[bytes], str]:
    """Up to `most` bodies that the server answers with 200, asked one by one, and what it said of another."""
    kept: list[bytes] = []
    said = ""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=GRACE_S)
    headers = {"content-type": "application/json", "authorization": f"Bearer {target.token}"}
    try:
        for body in bodies:
            connection.request("POST", target.path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 200:
                kept.append(body)
            else:
                said = f"{answer.status} {text[:300].decode('utf-8', 'replace')}"
            if len(kept) == most:
                break
    except (OSError, http.client.HTTPException) as error:
        said = f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return kept, said


def measure(target: Target, bodies: Sequence[bytes], *, seconds: float, connections: int) -> Tally:
    """What came back in that time, after a warm-up of a fifth of it.

    Args:
        target: who is asked.
        bodies: asked in turn, again and again.
        seconds: how long requests are sent; the last answers are waited for up to GRACE_S more.
        connections: requests under way at a time.
    """
    requests = [target.request(body) for body in bodies]

    async def both() -> Tally:
        await _loaded(target, requests, seconds * WARM_UP, connections)
        return await _loaded(target, requests, seconds, connections)

    # A loop of its own, in a thread of its own: the caller may run in a loop already.
    with ThreadPoolExecutor(1, "load-test") as pool:
        return pool.submit(asyncio.run, both()).result()


async def _loaded(target: Target, requests: Sequence[bytes], seconds: float, connections: int) -> Tally:
    tally, loop = Tally(), asyncio.get_running_loop()
    turn, began = cycle(requests), perf_counter()
    clients = [_Client(turn, tally, began + seconds, loop.create_future()) for _ in range(connections)]
    for client in clients:
        try:
            await loop.create_connection(lambda client=client: client, target.host, target.port)  # type: ignore[misc]
        except OSError as error:
            tally.failed(f"no connection: {error}")
            client.done.set_result(None)
    _, late = await asyncio.wait([client.done for client in clients], timeout=seconds + GRACE_S)
    for client in clients:
        client.close()
    for _ in late:
        tally.failed(f"no answer within {GRACE_S:g} s")
    tally.seconds = perf_counter() - began
    return tally


class _Client(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, turn: Iterator[bytes], tally: Tally, until: float, done: asyncio.Future[None]) -> None:
        self.done = done
        self._turn, self._tally, self._until = turn, tally, until
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head + 2)
        end = head + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < end:
            return
        self._count(self._buffer[9:12], self._buffer[head + 4 : end])
        self._buffer = self._buffer[end:]
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._tally.failed(f"the connection ended: {exc or 'closed by the server'}")
            self.done.set_result(None)

    def close(self) -> None:
        """Ends the connection; what it still waits for is not counted here."""
        if not self.done.done():
            self.done.set_result(None)
        if self._transport is not None:
            self._transport.abort()

    def _next(self) -> None:
        now = perf_counter()
        if now >= self._until:
            if not self.done.done():
                self.done.set_result(None)
            return
        assert self._transport is not None
        self._sent = now
        self._transport.write(next(self._turn))

    def _count(self, status: bytes, body: bytes) -> None:
        if status == b"200":
            self._tally.latency_ms.append((perf_counter() - self._sent) * 1e3)
        else:
            self._tally.failed(f"{status.decode()} {body[:200].decode('utf-8', 'replace')}")
