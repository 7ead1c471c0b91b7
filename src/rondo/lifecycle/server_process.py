"""A server of the project in a process of its own, for the time of a block; it ends with this process, too."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rondo.errors import Conflict, NotAvailable
from rondo.records.address import url_of
from rondo.records.holders import STOPS_WITH, this_process
from rondo.records.layout import Layout

TRIAL_TOKEN = "RONDO_TRIAL_TOKEN"  # noqa: S105 (the variable in which a server on trial finds its token)
START_S = 60.0
STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where it answers."""

    host: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return url_of(self.host, self.port)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None


@contextmanager
def serving(folder: Path, *, port: int = 0) -> Iterator[RunningServer]:
    """`rondo serve` (port 0: on a free one), from the moment it is ready until the end of the block.

    Raises:
        Conflict: its address is taken.
        NotAvailable: it ended, or was not ready in time; its last words are told.
    """
    command = ["-m", "rondo.cli", "serve", "--project", str(folder), "--port", str(port)]
    with started(command, Layout(folder).home) as server:
        yield server


@contextmanager
def started(
    arguments: Sequence[str], home: Path, *, env: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """Python with these arguments, which starts a server, from the moment it is ready until the end of the block.

    Args:
        arguments: after the interpreter's name.
        home: where the server puts its `server.json`; what it says goes to `serve.log` beside it.
        env: the environment, when not this process's.

    Raises:
        Conflict: its address is taken.
        NotAvailable: it ended, or was not ready in time; its last words are told.
    """
    home.mkdir(parents=True, exist_ok=True)
    said = home / "serve.log"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**(os.environ if env is None else env), STOPS_WITH: this_process()},
            start_new_session=True,
        )
    try:
        yield _ready(process, home / "server.json", said)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], told: Path, said: Path) -> RunningServer:
    give_up = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < give_up:
        address = _told(told)
        # Another server of the project may have left its address there, or be writing it now.
        if address.get("pid") == process.pid and _answers(address["host"], address["port"]):
            return RunningServer(address["host"], address["port"], process)
        time.sleep(0.05)
    words = said.read_text(encoding="utf-8", errors="replace")[-2000:].strip().removeprefix("rondo: ")
    if process.poll() == Conflict.exit_code:
        raise Conflict(words)
    raise NotAvailable("the server did not get ready", where=str(said), rule=f"It said: {words or 'nothing'}")


def _told(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
