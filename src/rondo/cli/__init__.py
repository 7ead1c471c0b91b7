"""The command line: a thin face over the same calls as everything else.

app.py       the commands and their options      output.py    tables, JSON, progress
project.py   init, check, schema                 templates/   what init writes
round.py     run, plan, status, retrain, monitor
release.py   models, promote, rollback, lineage
serve.py     serve, up                                 predict.py   predict
demo.py      the whole story on the practice world
"""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """Runs the command that was typed and ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows no umlauts gets them escaped
            stream.reconfigure(errors="backslashreplace")
    # Plain help: the decorated one costs twice the time and breaks in narrow terminals.
    os.environ.setdefault("TYPER_USE_RICH", "0")
    from rondo.cli.app import app
    from rondo.cli.errors import guarded

    sys.exit(guarded(lambda: app(prog_name="rondo", standalone_mode=False)))
