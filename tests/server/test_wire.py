"""On a real socket: what is not HTTP as it should be, what comes too slowly, and what is too much."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic
from typing import Any, cast

import pytest

from rondo.server.process import DrainingServer
from rondo.server.wire import HEAD_BYTES, BoundedProtocol
from rondo.stages.serving import Application
from rondo.testing.serving import House

HEAD = b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
BODY = b'{"user_id": 1}'
WHOLE = HEAD + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
Talk = Callable[["Wire"], Awaitable[Any]]


class Wire:
    """A real server within this process, and raw connections to it."""

    def __init__(self, server: DrainingServer, port: int) -> None:
        self.server, self.port = server, port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, data: bytes, *, end: bool = False) -> bytes:
        """Everything that is answered until the server closes; `end` says that nothing more comes."""
        reader, writer = await self.connect()
        writer.write(data)
        if end:
            writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(), 30.0)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def held(self, count: int) -> list[BoundedProtocol]:
        """The server's side of the connections, once it has that many."""
        while len(self.server.server_state.connections) < count:
            await asyncio.sleep(0)
        return [one for one in self.server.server_state.connections if isinstance(one, BoundedProtocol)]


def on_the_wire(house: House, talk: Talk) -> Any:
    app, writer = house.make(max_body_kb=64)

    async def whole() -> Any:
        listening = socket.create_server(("127.0.0.1", 0))
        ready = asyncio.Event()
        server = DrainingServer(app, on_listening=ready.set, drain=timedelta(0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await ready.wait()
        try:
            return await talk(Wire(server, listening.getsockname()[1]))
        finally:
            server.should_exit = server.force_exit = True
            await serving
            listening.close()

    try:
        return asyncio.run(whole())
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


NOT_HTTP: dict[str, tuple[bytes, int]] = {
    "H9 a length that is negative": (HEAD + b"content-length: -1\r\n\r\n", 400),
    "H9 a length in words": (HEAD + b"content-length: ten\r\n\r\n", 400),
    "H9 two lengths": (HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\n{}", 400),
    "H9 a chunk of strange size": (HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\n", 400),
    "H9 a length that is too much": (HEAD + b"content-length: 999999999\r\n\r\n{", 413),
    "H9 two megabytes that are announced": (
        HEAD + b"content-length: 2000000\r\n\r\n" + b" " * 2_000_000,
        413,
    ),
    "H9 chunks without end": (
        HEAD + b"transfer-encoding: chunked\r\n\r\n" + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 8,
        413,
    ),
    "H9 more than was announced": (HEAD + b"content-length: 2\r\nconnection: close\r\n\r\n{}{}{}", 422),
    "H20 a token of a megabyte": (HEAD + b"authorization: Bearer " + b"x" * 2**20 + b"\r\n\r\n", 431),
    "H22 the whole address": (WHOLE.replace(b"/predict", b"http://evil.example/predict"), 400),
    "H22 the address of a proxy": (b"CONNECT evil.example:443 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", 400),
    "H22 two hosts": (
        WHOLE.replace(b"host: 127.0.0.1", b"connection: close\r\nhost: 127.0.0.1\r\nhost: evil.example"),
        400,
    ),
    "H22 a length and chunks": (
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "H22 chunks twice": (HEAD + b"transfer-encoding: chunked, chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    "H22 another host": (WHOLE.replace(b"host: 127.0.0.1", b"connection: close\r\nhost: evil.example"), 421),
    "H23 a broken header": (b"GET /health HTTP/1.1\r\nhost 127.0.0.1\r\n\r\n", 400),
    "H23 a header name with a space": (b"GET /health HTTP/1.1\r\nho st: 127.0.0.1\r\n\r\n", 400),
    "H23 a zero byte in a header": (b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: \x00\r\n\r\n", 400),
    "H23 a header without end": (b"GET /health HTTP/1.1\r\nx-a: " + b"a" * (3 * HEAD_BYTES), 431),
    "H23 headers without end": (b"GET /health HTTP/1.1\r\n" + b"x-a: b\r\n" * HEAD_BYTES, 431),
    "H29 nonsense": (b"NONSENSE\r\n\r\n", 400),
    "H29 another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "H29 HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "H29 an address without end": (b"GET /" + b"a" * (3 * HEAD_BYTES), 431),
}


def test_what_is_not_http_as_it_should_be_is_refused_and_others_are_answered(house: House) -> None:
    async def talk(wire: Wire) -> dict[str, bytes]:
        found = {name: await wire.say(data) for name, (data, _) in NOT_HTTP.items()}
        found["at last"] = await wire.say(WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        return found

    answers = on_the_wire(house, talk)
    assert {name: status(answers[name]) for name in NOT_HTTP} == {
        name: wanted for name, (_, wanted) in NOT_HTTP.items()
    }
    assert status(answers["at last"]) == 200
    for name in NOT_HTTP:
        head, _, body = answers[name].partition(b"\r\n\r\n")
        assert b"application/problem+json" in head, name
        assert b'"hint":"' in body, name
        assert b"Traceback" not in body
    assert house.log.predictions().height == 1


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\n", 408),
        (b"G", 408),
        (b"", 0),
    ],
)
def test_a_head_that_does_not_arrive_is_not_waited_for(house: House, sent: bytes, wanted: int) -> None:
    async def talk(wire: Wire) -> bytes:
        reader, writer = await wire.connect()
        writer.write(sent)
        (connection,) = await wire.held(1)
        while sent and not connection._head_bytes:
            await asyncio.sleep(0)
        connection.sweep(monotonic())
        assert not connection.transport.is_closing()
        connection.sweep(monotonic() + connection.head_timeout_s + 1.0)
        answer = await asyncio.wait_for(reader.read(), 30.0)
        writer.close()
        return answer

    answer = on_the_wire(house, talk)
    assert status(answer) == wanted
    assert (b"connection: close" in answer) == bool(wanted)


def test_a_connection_that_was_answered_and_a_slow_body_are_not_swept(house: House) -> None:
    async def talk(wire: Wire) -> list[int]:
        reader, writer = await wire.connect()
        found = []
        for part in (WHOLE, WHOLE[:-5]):
            writer.write(part)
            (connection,) = await wire.held(1)
            if part is WHOLE:
                found.append(status(await asyncio.wait_for(reader.readuntil(b"}]}"), 30.0)))
            else:
                while connection._head_since is not None:
                    await asyncio.sleep(0)
            connection.sweep(monotonic() + 3600.0)
        writer.write(WHOLE[-5:])
        found.append(status(await asyncio.wait_for(reader.readuntil(b"}]}"), 30.0)))
        writer.close()
        return found

    assert on_the_wire(house, talk) == [200, 200]


def test_a_client_that_ends_its_body_early_is_nobodys_failure(house: House) -> None:
    async def talk(wire: Wire) -> tuple[bytes, bytes]:
        cut = await wire.say(HEAD + b"content-length: 100\r\n\r\n{", end=True)
        return cut, await wire.say(WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))

    cut, after = on_the_wire(house, talk)
    assert status(cut) in (0, 400)
    assert status(after) == 200
    assert house.log.predictions().height == 1


def test_old_clients_and_pipelines_are_answered_in_order(house: House) -> None:
    async def talk(wire: Wire) -> tuple[bytes, bytes]:
        old = await wire.say(WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"))
        last = b"GET /nothing HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
        return old, await wire.say(WHOLE * 3 + last)

    old, pipeline = on_the_wire(house, talk)
    assert status(old) == 200
    codes = [int(part.split(b" ", 1)[0]) for part in pipeline.split(b"HTTP/1.1 ")[1:]]
    assert codes == [200, 200, 200, 404]


def test_more_connections_than_may_be_are_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedProtocol, "most_connections", 5)

    async def talk(wire: Wire) -> tuple[bytes, bytes]:
        held = [await wire.connect() for _ in range(5)]
        await wire.held(5)
        refused = await wire.say(b"")
        for _, writer in held:
            writer.close()
        while wire.server.server_state.connections:
            await asyncio.sleep(0)
        return refused, await wire.say(WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))

    refused, after = on_the_wire(house, talk)
    assert (status(refused), status(after)) == (503, 200)


def test_h24_a_client_that_hangs_up_while_its_rows_wait_is_not_worked_for(house: House) -> None:
    rows = b'{"rows": [' + b", ".join([BODY] * 100) + b"]}"

    async def talk(wire: Wire) -> int:
        app = cast("Application", wire.server.config.app)
        go_on = threading.Event()
        app._batches.submit(go_on.wait, 30)  # somebody else's turn
        try:
            _, writer = await wire.connect()
            writer.write(HEAD + b"content-length: %d\r\n\r\n%b" % (len(rows), rows))
            await writer.drain()
            while not app.inflight:
                await asyncio.sleep(0.01)
            waited = app.inflight
            writer.close()
            async with asyncio.timeout(30):
                while app.inflight:
                    await asyncio.sleep(0.01)
        finally:
            go_on.set()
        assert b'code="499"' in app.figures.text(app.table, inflight=0, writer=app.parts.writer)
        assert status(await wire.say(WHOLE.replace(b"host", b"connection: close\r\nhost", 1))) == 200
        return waited

    assert on_the_wire(house, talk) == 1
    assert house.log.predictions().height == 1  # of the one who waited
