"""A real server process, over HTTP and real SQLite state."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from rondo.adapters.segments import SegmentLog, SegmentWriter
from rondo.adapters.sqlstate import SqlStateStore
from rondo.contract.serving import Serving
from rondo.errors import Conflict, ContractError
from rondo.records.layout import Layout
from rondo.server import running_server, serve
from rondo.testing.live_server import LiveServer, add_release, route

TRAINING = {
    "mlflow",
    "sklearn",
    "pandas",
    "feast",
    "dvc",
    "pyarrow",
    "lightgbm",
    "httpx",
    "optuna",
    "altair",
    "onnx",
}
VERSIONS = ("1.0.0", "1.1.0")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqlStateStore]:
    """Two releases; the first one serves."""
    state = SqlStateStore(Layout(tmp_path).state)
    for version, slope in zip(VERSIONS, (0.05, 0.02), strict=True):
        add_release(tmp_path, state, version, slope=slope)
    route(state, {"1.0.0": 1.0})
    yield state
    state.close()


class Clients:
    """Threads that ask without pause, each on its own connection, and remember what they were told."""

    def __init__(self, server: LiveServer, *, keep: bool = True) -> None:
        self._server, self._keep = server, keep
        self._stop = threading.Event()
        self.replies: list[tuple[int, str, str, int]] = []
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(place,)) for place in range(4)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for(self, count: int) -> None:
        until = monotonic() + 30
        while len(self.replies) < count and monotonic() < until:
            self._stop.wait(0.005)

    def _ask(self, place: int) -> None:
        connection = http.client.HTTPConnection(self._server.host, self._server.port, timeout=30)
        key = place
        while not self._stop.is_set():
            key = key % 50 + 1
            try:
                connection.request(
                    "POST", "/predict", json.dumps({"user_id": key}), {"content-type": "application/json"}
                )
                answer = connection.getresponse()
                told = json.loads(answer.read())
                version = answer.headers["x-rondo-version"]
                self.replies.append((answer.status, version, told.get("version", ""), key))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
        connection.close()


def test_the_server_imports_no_training_library(tmp_path: Path, state: SqlStateStore) -> None:
    with LiveServer(tmp_path) as server:
        assert server.ask("POST", "/predict", {"user_id": 3}).status == 200
        assert server.ask("POST", "/feedback", {"prediction_id": "p", "outcome": "yes"}).status == 202
        for path in ("/metrics", "/docs", "/openapi.json", "/ready"):
            assert server.ask("GET", path).status == 200
        described = server.ask("GET", "/docs").body
        assert b"width=device-width" in described
        assert b"[&#x27;" not in described  # types are told in words
        assert server.stop() == 0
    assert "onnxruntime" in server.modules
    assert TRAINING & set(server.modules) == set()


def test_switches_under_load_lose_no_request_and_mix_no_versions(
    tmp_path: Path, state: SqlStateStore
) -> None:
    with LiveServer(tmp_path) as server, Clients(server) as clients:
        for turn in range(6):
            generation = route(state, {VERSIONS[(turn + 1) % 2]: 1.0})
            took_s = server.wait_for_generation(generation)
            print(f"generation {generation} was taken over in {took_s:.3f} s")  # noqa: T201
            clients.wait_for(len(clients.replies) + 50)
    assert clients.failures == []
    assert {status for status, *_ in clients.replies} == {200}
    assert {header == body for _, header, body, _ in clients.replies} == {True}
    assert {version for _, version, *_ in clients.replies} == set(VERSIONS)
    assert SegmentLog(Layout(tmp_path).predictions).predictions().height >= len(clients.replies)


def test_shares_are_sticky_by_entity(tmp_path: Path, state: SqlStateStore) -> None:
    with LiveServer(tmp_path) as server:
        server.wait_for_generation(route(state, {"1.0.0": 0.5, "1.1.0": 0.5}))
        with Clients(server) as clients:
            clients.wait_for(400)
    seen: dict[int, set[str]] = {}
    for _, version, _, key in clients.replies:
        seen.setdefault(key, set()).add(version)
    assert {len(versions) for versions in seen.values()} == {1}
    assert Counter(next(iter(versions)) for versions in seen.values()).keys() == set(VERSIONS)


def test_a_signal_drains_and_everything_answered_is_in_the_log(tmp_path: Path, state: SqlStateStore) -> None:
    with LiveServer(tmp_path) as server:
        assert running_server(Layout(tmp_path).home) is not None
        with Clients(server) as clients:
            clients.wait_for(100)
            assert server.stop() == 0
    found = running_server(Layout(tmp_path).home)
    assert found is None
    answered = [reply for reply in clients.replies if reply[0] == 200]
    assert len(answered) == len(clients.replies)
    # What failed was refused at the door after the server had gone: nothing was cut off in the middle.
    assert all("refused" in failure.lower() or "reset" in failure.lower() for failure in clients.failures)
    log = SegmentLog(Layout(tmp_path).predictions)
    assert log.predictions().height == len(answered)
    assert log.state().torn == 0
    assert sum(one.requests for one in log.figures()) == len(answered)


def test_a_killed_server_loses_at_most_its_last_flush(tmp_path: Path, state: SqlStateStore) -> None:
    log = SegmentLog(Layout(tmp_path).predictions)
    with LiveServer(tmp_path) as server:
        with Clients(server) as clients:
            clients.wait_for(200)
            before = len(clients.replies)
            until = monotonic() + 60
            while log.predictions().height < before and monotonic() < until:  # by the flush after them
                clients.wait_for(len(clients.replies) + 50)
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    assert before <= log.predictions().height <= len(clients.replies)
    assert running_server(Layout(tmp_path).home) is None


def test_requests_that_are_not_http_as_it_should_be(tmp_path: Path, state: SqlStateStore) -> None:
    head = b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    raw = {
        head + b"content-length: 5\r\ncontent-length: 6\r\n\r\n{}": b"400",
        head + b"content-length: -1\r\n\r\n": b"400",
        head + b"content-length: 999999999\r\n\r\n{": b"413",
        b"NONSENSE\r\n\r\n": b"400",
    }
    with LiveServer(tmp_path) as server:
        for request, status in raw.items():
            with socket.create_connection((server.host, server.port), timeout=30) as connection:
                connection.sendall(request)
                assert connection.recv(65536).split(b" ", 2)[1] == status
        assert server.ask("GET", "/ready").status == 200


def test_a_new_server_knows_the_outcomes_of_the_old(tmp_path: Path, state: SqlStateStore) -> None:
    outcome = {"prediction_id": "p", "outcome": "yes"}
    with LiveServer(tmp_path) as server:
        assert server.ask("POST", "/feedback", outcome).status == 202
    with LiveServer(tmp_path) as server:
        assert server.ask("POST", "/feedback", outcome).status == 200
        assert server.ask("POST", "/feedback", {**outcome, "outcome": "no"}).status == 409


def test_a_host_that_others_reach_is_refused(tmp_path: Path, state: SqlStateStore) -> None:
    writer = SegmentWriter(tmp_path / "log")
    with pytest.raises(ContractError, match=r"where others reach it.*serving\.access\.predict"):
        serve(tmp_path, "tiny", Serving(host="0.0.0.0"), state=state, writer=writer)
    writer.close()


def test_a_port_that_is_taken_is_a_conflict(tmp_path: Path, state: SqlStateStore) -> None:
    writer = SegmentWriter(tmp_path / "log", flush_every=timedelta(seconds=1))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Conflict, match="is not free"):
            serve(tmp_path, "tiny", Serving(), state=state, writer=writer, port=taken.getsockname()[1])
    writer.close()
