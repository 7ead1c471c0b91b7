"""`rondo up` as it is typed: it serves, shows, is asked by button, and ends in order however it is ended."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.cli.serve import up as type_up
from rondo.cli.stopping import Stop
from rondo.errors import Conflict
from rondo.lifecycle.heartbeat import LOOKS_EVERY
from rondo.lifecycle.server_process import serving
from rondo.records.layout import Layout
from rondo.records.monitoring import Alert
from rondo.testing.live_server import add_release, route

PROJECT = """
project: tiny
ml_problem: {target: churned, baseline: 0.6}
data: {sources: {a: {files: input.csv}}}
monitoring: {model_metrics: {accuracy: {threshold: 0.85, alert_on: below}}}
"""
NOW = datetime.now(UTC)
ALERT = Alert("accuracy", "accuracy", "warning", "accuracy is 0.7", NOW, NOW, 0.7, 0.85, fired_at=NOW)
PATIENCE_S = 60.0


class Up:
    """The command in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "rondo.cli",
            "up",
            "-C",
            str(folder),
            "--port",
            "0",
            "--dashboard-port",
            "0",
        ]
        self.said: list[str] = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if "monitoring looks" in line:
                break
        self.urls = re.findall(r"http://[\d.:]+", "".join(self.said))

    @property
    def server(self) -> psutil.Process:
        return psutil.Process(self.process.pid).children()[0]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rondo.yaml").write_text(PROJECT)
    state = SqlStateStore(Layout(tmp_path).state)
    add_release(tmp_path, state, "1.0.0")
    route(state, {"1.0.0": 1.0})
    state.put_alerts([ALERT])
    state.close()
    return tmp_path


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    running = Up(folder)
    yield running
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(running.process.pid).children(recursive=True):
            child.kill()
    running.process.kill()
    running.process.communicate()


def test_it_serves_shows_obeys_and_ends_in_order(up: Up, folder: Path) -> None:
    dashboard, server = up.urls
    assert httpx.get(f"{server}/v2/health/ready").status_code == 200
    with httpx.Client(base_url=dashboard) as browser:
        secret = re.search(r'name="secret" value="([^"]+)"', browser.get("/alerts").text)
        assert secret is not None
        pressed = browser.post("/do/acknowledge", data={"secret": secret[1], "key": "accuracy", "by": "ann"})
        assert pressed.status_code == 303

    with pytest.raises(Conflict, match=rf"`rondo up` runs here already \(process {up.process.pid} since"):
        type_up(folder, 0, 0)
    assert (Layout(folder).home / "server.json").exists()

    child = up.server
    assert up.stop() == 0
    assert not child.is_running()
    assert not (Layout(folder).home / "server.json").exists()
    state = SqlStateStore(Layout(folder).state)
    assert state.get(LOOKS_EVERY) is None
    assert state.alerts()[0].acknowledged_by == "ann (dashboard)"
    state.close()


@pytest.mark.long
def test_its_server_ends_with_it_also_when_it_is_killed(up: Up) -> None:
    child = up.server
    up.stop(signal.SIGKILL)
    child.wait(PATIENCE_S)


@pytest.mark.long
def test_it_ends_with_its_server_and_says_so(up: Up) -> None:
    up.server.kill()
    assert up.process.wait(PATIENCE_S) == 5
    assert up.process.stdout is not None
    assert "the server ended by itself" in up.process.stdout.read()


def test_an_address_that_is_taken_is_a_conflict(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(Conflict, match=rf"port {port} of 127\.0\.0\.1 is not free"),
            serving(folder, port=port),
        ):
            pass


class TestStop:
    @pytest.fixture
    def stop(self) -> Iterator[Stop]:
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        stop = Stop()
        stop.listen()
        yield stop
        for number, handler in before.items():
            signal.signal(number, handler)

    def test_the_first_signal_is_noticed_at_the_next_look(self, stop: Stop) -> None:
        assert not stop.wait(0)
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait(PATIENCE_S)

    def test_the_second_ends_at_once(self, stop: Stop) -> None:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    def test_what_can_be_begun_again_is_ended_by_the_first(self, stop: Stop) -> None:
        with pytest.raises(KeyboardInterrupt), stop.interruptible():
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt), stop.interruptible():
            pytest.fail("it is time to stop")

    def test_it_ends_what_is_under_way_when_its_process_ends(self, stop: Stop) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
            stop.with_process(process)
            assert process.stdin is not None
            process.stdin.close()
            with pytest.raises(KeyboardInterrupt), stop.interruptible():
                threading.Event().wait(PATIENCE_S)
        assert stop.ended
