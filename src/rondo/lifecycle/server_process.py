"""A server of the project in a process of its own, for the time of a block."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from rondo.errors import NotAvailable
from rondo.records.layout import Layout

START_S = 60.0
STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where it answers."""

    host: str
    port: int
    process: subprocess.Popen[bytes]

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
        NotAvailable: it ended, or was not ready in time; its last words are told.
    """
    home.mkdir(parents=True, exist_ok=True)
    said, told = home / "serve.log", home / "server.json"
    told.unlink(missing_ok=True)
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=output, stderr=output, env=env, start_new_session=True
        )
    try:
        yield _ready(process, told, said)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], told: Path, said: Path) -> RunningServer:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        if process.poll() is not None:
            break
        if told.exists():
            address = json.loads(told.read_text(encoding="utf-8"))
            if _answers(address["host"], address["port"]):
                return RunningServer(address["host"], address["port"], process)
        time.sleep(0.05)
    words = said.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise NotAvailable("the server did not get ready", where=str(said), rule=f"It said: {words or 'nothing'}")


def _answers(host: str, port: int) -> bool:
    try:
        with urlopen(f"http://{host}:{port}/v2/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
