"""The tutorial, from its first command to its last, as a reader would follow it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "tutorial.md"
BIN = Path(sys.executable).parent
ANY = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block: what kind, what its first line says besides, and its text."""

    kind: str
    info: str
    text: str


@dataclass(frozen=True)
class Step:
    """One command and what it should print."""

    command: str
    expected: str


def blocks() -> list[Block]:
    found = re.findall(
        r"^```(\w+) ?(.*?)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [Block(*one) for one in found]


def steps(block: Block) -> list[Step]:
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    return [Step(*(part.split("\n", 1))) for part in parts]


def fits(expected: str, printed: str) -> bool:
    """Whether the lines are as expected; `…` stands for any text, on a line of its own for any lines."""
    pattern = ""
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == ANY:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part.rstrip()) for part in line.split(ANY)) + r"[ ]*\n"
    return re.fullmatch(pattern, printed.rstrip("\n") + "\n") is not None


def env_of(folder: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "200", "HOME": str(folder)}


@contextmanager
def in_the_background(step: Step, folder: Path) -> Iterator[None]:
    """The command, running from its first line until the end of the block."""
    process = subprocess.Popen(
        shlex.split(step.command),
        cwd=folder,
        env=env_of(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert fits(step.expected, said), said
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def change(block: Block, folder: Path) -> None:
    """Writes the block into its file, or in the place of a line of it."""
    name, _, line = block.info.partition(" replaces ")
    path = folder / name
    if not line:
        path.write_text(block.text, encoding="utf-8")
        return
    text, wanted = path.read_text(encoding="utf-8"), line.strip('"') + "\n"
    assert text.count(wanted) == 1, wanted
    path.write_text(text.replace(wanted, block.text), encoding="utf-8")


def on_port(step: Step, port: int) -> Step:
    """The step with a port that is free here."""
    return Step(step.command.replace("8080", str(port)), step.expected.replace("8080", str(port)))


def follow(step: Step, folder: Path) -> None:
    """Runs the command and compares what it prints."""
    began = time.monotonic()
    told = subprocess.run(
        ["bash", "-c", step.command],
        cwd=folder,
        env=env_of(folder),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    print(f"{time.monotonic() - began:6.1f} s  {step.command}")  # noqa: T201
    whole = f"{step.command}\n{told.stdout}\n{told.stderr}"
    assert told.returncode == 0, whole
    assert not step.expected or fits(step.expected, told.stdout), whole


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_does_what_the_page_says(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    followed = 0
    with ExitStack() as running:
        for block in blocks():
            if block.kind in ("yaml", "python"):
                change(block, tmp_path)
            for step in steps(block) if block.kind == "sh" else ():
                own = on_port(step, port)
                if block.info == "background":
                    serving = Step(f"{own.command} --port {port}", own.expected)
                    running.enter_context(in_the_background(serving, tmp_path))
                else:
                    follow(own, tmp_path)
                followed += 1
    assert followed >= 16


@pytest.mark.parametrize(
    ("expected", "printed", "fit"),
    [
        ("a … c", "a b c", True),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a\n…\nd", "a\nd", True),
        ("a", "b", False),
        ("a\n…", "b\na\n", False),
        ("1 row", "11 row", False),
    ],
)
def test_the_dots_stand_for_what_they_should(expected: str, printed: str, fit: bool) -> None:
    assert fits(expected, printed) == fit
