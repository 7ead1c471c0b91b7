"""A server process over tiny bundles with real SQLite state, for tests that speak HTTP.

`python -m rondo.testing.live_server FOLDER` serves the releases that the folder's state store holds; `LiveServer`
starts it, speaks to it and stops it.
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from rondo.adapters.segments import SegmentLog, SegmentWriter
from rondo.adapters.sqlstate import SqlStateStore
from rondo.contract.serving import Serving
from rondo.ports.state import StateStore, Switch
from rondo.records.layout import Layout
from rondo.records.release import PROMOTED, Release
from rondo.testing.bundles import STORED, tiny_bundle

WAIT_S = 30.0


class MemoryValues:
    """The entities 1 to 50 of `tiny_plan()`, in memory."""

    def read(self, views: Sequence[str], keys: Sequence[Any]) -> list[dict[str, Any] | None]:
        """What is kept for each key."""
        found = [STORED.get(key) for key in keys]
        return [None if one is None else dict(one) for one in found]

    def close(self) -> None:
        """Nothing."""


def add_release(root: Path, state: StateStore, version: str, **more: Any) -> Release:
    """A tiny bundle, registered as a release that may be promoted; the rest goes to `tiny_bundle`."""
    bundle = tiny_bundle(Layout(root).releases / version, version, **more)
    relative = bundle.folder.relative_to(root).as_posix()
    made = Release(version, bundle.bundle_id, relative, datetime.now(UTC), judgement="ship")
    return state.add_release(made, by="test")


def route(state: StateStore, weights: Mapping[str, float], shadow: str | None = None) -> int:
    """Gives the versions their shares; the first one is in production. Returns the generation."""
    production = next(iter(weights))
    history = [one for one in state.production_history() if one != production]
    change = Switch(
        production=production,
        previous=history[-1] if history else None,
        weights=weights,
        shadow=shadow,
        kind=PROMOTED,
        by="test",
        reason="test",
        expected_generation=state.routes().generation,
    )
    return state.switch(change, at=datetime.now(UTC)).generation


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body)


class LiveServer:
    """The process; use as a context. `python` may be the interpreter of another environment."""

    def __init__(self, root: Path, *, python: str = sys.executable, **serving: Any) -> None:
        self.root = root
        self._python = python
        self._serving = serving
        self.process: subprocess.Popen[str] | None = None
        self.host, self.port = "127.0.0.1", 0
        self.modules: list[str] = []
        """What the process had imported when it ended in good order."""

    def __enter__(self) -> LiveServer:
        """Starts it and waits until it answers."""
        command = [
            self._python,
            "-m",
            "rondo.testing.live_server",
            str(self.root),
            json.dumps(self._serving),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("http://"):
            raise RuntimeError(f"the server did not start: {line!r}, exit {self.process.wait(WAIT_S)}")
        self.port = int(line.rstrip().rpartition(":")[2])
        return self

    def __exit__(self, *_: object) -> None:
        """Stops it and waits."""
        assert self.process is not None
        if self.process.poll() is None:
            self.stop()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Sends the signal and gives the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            told, _ = self.process.communicate(timeout=WAIT_S)
            self.modules = self.modules or told.split()
            return self.process.returncode
        finally:
            if self.process.poll() is None:
                self.process.kill()

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own; `body` is sent as JSON unless it is bytes."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=WAIT_S)
        try:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            kind = {"content-type": "application/json"} if data is not None else {}
            connection.request(method, path, data, {**kind, **(headers or {})})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, told, answer.read())
        finally:
            connection.close()

    def wait_for_generation(self, generation: int) -> float:
        """Seconds until the server answers by these routes."""
        began = monotonic()
        while self.ask("GET", "/version").json["generation"] < generation:
            if monotonic() - began > WAIT_S:
                raise TimeoutError(f"generation {generation} was not taken over")
            sleep(0.005)
        return monotonic() - began


def main(folder: str, serving: str) -> None:
    """Serves until a signal."""
    from rondo.server import serve

    layout, section = Layout(Path(folder)), Serving.model_validate({"port": 0, **json.loads(serving)})
    state = SqlStateStore(layout.state)
    try:
        serve(
            layout.root,
            "tiny",
            section,
            state=state,
            writer=SegmentWriter(layout.predictions, flush_every=timedelta(milliseconds=20)),
            log=SegmentLog(layout.predictions),
            online=MemoryValues(),
        )
    finally:
        state.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
    sys.stdout.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
