"""The command line, called in this process."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from rondo.cli.app import app
from rondo.cli.errors import guarded


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


def rondo(*words: str) -> Said:
    """`rondo WORDS…`"""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = guarded(lambda: app(list(words), prog_name="rondo", standalone_mode=False))
    return Said(code, out.getvalue(), err.getvalue())
