"""Real servers for real protocols: PostgreSQL, Redis and S3 on free ports of this machine, for the time of the tests.

A server that is not installed fails the test with the words how to install it; nothing is skipped.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import Popen
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import pytest

WAIT_S = 60.0
LOCAL = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as asked:
        asked.bind((LOCAL, 0))
        port: int = asked.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running PostgreSQL; its user may make databases and schemas."""

    folder: Path
    bin: Path
    port: int
    password: str
    database: str = "postgres"
    user: str = "rondo"
    _running: list[Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Of the database, with the password."""
        return f"postgresql://{self.user}:{quote(self.password, safe='')}@{LOCAL}:{self.port}/{self.database}"

    def run(self, *statements: str) -> str:
        """What psql prints for the statements, each one by itself; values separated by a bar."""
        lines = [part for statement in statements for part in ("-c", statement)]
        done = subprocess.run(
            [str(self.bin / "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url, *lines],
            check=True,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )
        return done.stdout.strip()

    def another(self, database: str) -> PostgresServer:
        """A new, empty database of the same server."""
        self.run(f'CREATE DATABASE "{database}"')
        return replace(self, database=database)

    def start(self) -> None:
        """Comes back once it answers."""
        arguments = ["-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)]
        settings = {
            "listen_addresses": LOCAL,
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 200,
        }
        arguments += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            process: Popen[bytes] = Popen(
                [str(self.bin / "postgres"), *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_as_ordinary(),
            )
        self._running.append(process)
        ready = [str(self.bin / "pg_isready"), "-q", "-h", LOCAL, "-p", str(self.port)]
        _wait(lambda: subprocess.run(ready, check=False).returncode == 0, process, self.folder / "log")

    def stop(self, *, crash: bool = False) -> None:
        """Ends the server by its pid; a crash leaves everything as it is at this moment."""
        while self._running:
            _end(self._running.pop(), signal.SIGQUIT if crash else signal.SIGINT)


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A fresh PostgreSQL server, run by an ordinary user even where the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="rondo-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    server = PostgresServer(folder, _postgres_bin(), free_port(), secrets.token_urlsafe(8) + "@:/ %")
    try:
        password = folder / "password"
        password.write_text(server.password)
        password.chmod(0o644)
        made = [str(server.bin / "initdb"), "-D", str(folder / "data"), "-U", server.user, "-E", "UTF8"]
        # A locale that orders texts otherwise than by their bytes, as servers outside have it.
        made += ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        made += ["-A", "scram-sha-256", f"--pwfile={password}", "--no-sync"]
        done = subprocess.run(made, cwd=folder, capture_output=True, text=True, check=False, **_as_ordinary())
        assert done.returncode == 0, done.stderr
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running Redis with a password."""

    folder: Path
    port: int
    password: str
    _running: list[Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """With the password, of database 0."""
        return f"redis://:{quote(self.password, safe='')}@{LOCAL}:{self.port}/0"

    def start(self) -> None:
        """Comes back once it answers."""
        program = _program("redis-server", "redis-server")
        settings = {
            "port": self.port,
            "bind": LOCAL,
            "dir": self.folder,
            "requirepass": self.password,
            "save": "",
        }
        arguments = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
        log = self.folder / "log"
        with log.open("ab") as lines:
            process: Popen[bytes] = Popen([program, *arguments], stdout=lines, stderr=lines)
        self._running.append(process)
        _wait(lambda: _listens(self.port), process, log)

    def stop(self) -> None:
        """Ends the server by its pid; what it kept is gone."""
        while self._running:
            _end(self._running.pop(), signal.SIGTERM)


@contextmanager
def redis() -> Iterator[RedisServer]:
    """A fresh Redis server."""
    with tempfile.TemporaryDirectory(prefix="rondo-redis-") as folder:
        server = RedisServer(Path(folder), free_port(), secrets.token_urlsafe(8) + "@:/")
        try:
            server.start()
            yield server
        finally:
            server.stop()


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running S3: moto's server."""

    url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What a program needs to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key-of-the-tests",
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def bucket(self, name: str) -> str:
        """A new bucket's URL."""
        made = urllib.request.Request(f"{self.url}/{name}", method="PUT")  # noqa: S310
        with urllib.request.urlopen(made, timeout=WAIT_S):  # noqa: S310
            return f"s3://{name}"


@contextmanager
def s3() -> Iterator[S3Server]:
    """A fresh object store."""
    with tempfile.TemporaryDirectory(prefix="rondo-s3-") as folder:
        port, log = free_port(), Path(folder) / "log"
        command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", LOCAL, "-p", str(port)]
        with log.open("ab") as lines:
            process: Popen[bytes] = Popen(command, stdout=lines, stderr=lines, cwd=folder)
        _wait(lambda: _listens(port), process, log)
        try:
            yield S3Server(f"http://{LOCAL}:{port}")
        finally:
            _end(process, signal.SIGTERM)


def _postgres_bin() -> Path:
    """The folder of PostgreSQL's programs: the newest of Debian's, pg_config's, or the one on the PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name))[::-1]
    if told := shutil.which("pg_config"):
        asked = subprocess.run([told, "--bindir"], capture_output=True, text=True, check=True)
        places.append(Path(asked.stdout.strip()))
    if found := shutil.which("initdb"):
        places.append(Path(found).resolve().parent)
    needed: Sequence[str] = ("initdb", "postgres", "pg_isready", "psql")
    for place in places:
        if all((place / name).is_file() for name in needed):
            return place
    raise _not_installed("PostgreSQL's server programs", "postgresql")


def _program(name: str, package: str) -> str:
    if found := shutil.which(name):
        return found
    raise _not_installed(name, package)


def _not_installed(what: str, package: str) -> BaseException:
    return pytest.fail.Exception(f"{what} is not on this machine; install it: apt-get install {package}")


def _as_ordinary() -> dict[str, Any]:
    """How a process is started as an ordinary user: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOCAL, port), timeout=1):
        return True
    return False


def _wait(ready: Callable[[], bool], process: Popen[bytes], log: Path) -> None:
    give_up = monotonic() + WAIT_S
    while not ready():
        if process.poll() is not None or monotonic() > give_up:
            _end(process, signal.SIGKILL)
            pytest.fail(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        sleep(0.02)


def _end(process: Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
