"""The command line: a thin face over the same calls as everything else.

app.py         the commands and their options
output.py      tables, JSON, progress
errors.py      what a person sees when something goes wrong
stopping.py    how a command that runs until it is stopped is stopped
templates/     what init writes

project.py     init, check, schema
round.py       run, plan, status, report, monitor, retrain
release.py     models, promote, rollback
gc.py          gc
rollout.py     deploy, rollout
experiment.py  experiment
history.py     diff, lineage, events
alerts.py      alerts
policy.py      policy backtest
predict.py     predict
serve.py       serve, up
trial.py       a server for one version before its traffic; not for people
demo.py        the whole story on the practice world
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
