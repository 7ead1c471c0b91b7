"""A command that serves a URL for the time of a block (practice worlds, test doubles)."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from rondo.errors import Conflict, ContractError, NotAvailable

START_S = 30.0
_STOP_S = 5.0
_LOOK_S = 0.02


@contextmanager
def running(
    command: str,
    url: str,
    *,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    within_s: float = START_S,
) -> Iterator[None]:
    """Runs the command in `folder` until the block ends; the block begins when its port answers.

    `{port}` in the command is the port of the URL; `python` is the interpreter that runs this.

    Raises:
        ContractError: the command or the URL cannot be used.
        Conflict: somebody else already serves that port.
        NotAvailable: the command ended, or did not serve the port in time; its last words are told.
    """
    where = f"start: {command}"
    host, port = _address(url, where)
    words = _words(command.replace("{port}", str(port)), where)
    if _answers(host, port):
        raise Conflict(
            f"port {port} is already served by something else",
            where=where,
            mend="End that, or give the source another port",
        )
    with tempfile.TemporaryFile() as said:
        process = _start(words, folder, env, said, where)
        try:
            _wait(process, host, port, within_s, said, where)
            yield
        finally:
            _stop(process)


def _address(url: str, where: str) -> tuple[str, int]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if not parts.hostname or port is None:
        raise ContractError("the URL names no host and port", where=where)
    return parts.hostname, port


def _words(command: str, where: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ContractError(f"the command cannot be read: {error}", where=where) from error
    if not words:
        raise ContractError("the command is empty", where=where)
    return [sys.executable, *words[1:]] if words[0] in {"python", "python3"} else words


def _start(
    words: list[str], folder: Path | None, env: Mapping[str, str] | None, said: IO[bytes], where: str
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    except OSError as error:
        raise NotAvailable(
            f"{words[0]} cannot be started: {error.strerror}", where=where, mend="Check the command"
        ) from error


def _wait(
    process: subprocess.Popen[bytes], host: str, port: int, within_s: float, said: IO[bytes], where: str
) -> None:
    ends = time.monotonic() + within_s
    while not _answers(host, port):
        if process.poll() is not None:
            raise NotAvailable(f"it ended with {process.returncode}{_last_words(said)}", where=where)
        if time.monotonic() > ends:
            raise NotAvailable(
                f"it did not serve port {port} within {within_s:g} s{_last_words(said)}", where=where
            )
        time.sleep(_LOOK_S)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and those it started; first asks, then insists."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except (ProcessLookupError, PermissionError):
            process.terminate()
        try:
            process.wait(_STOP_S)
            return
        except subprocess.TimeoutExpired:
            continue
