"""predict: a whole file, as the server would answer its rows."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from rondo.cli.output import progress, say, say_json
from rondo.errors import UsageError

ON_ERROR = ("refuse", "keep")


def predict(
    folder: Path,
    source: Path,
    target: Path,
    *,
    version: str | None,
    explain: bool,
    errors: str,
    force: bool,
    as_json: bool,
) -> None:
    """The file with scores beside its rows."""
    from rondo.assembly import open_project
    from rondo.lifecycle.scored_rows import OnError
    from rondo.lifecycle.scoring import release_to_score_with, score_file

    if errors not in ON_ERROR:
        raise UsageError(f"--errors is {errors!r}", rule=f"It is one of {', '.join(ON_ERROR)}")
    project = open_project(folder, progress=progress())
    done = score_file(
        source,
        target,
        release=release_to_score_with(project, version),
        root=project.layout.root,
        online=project.online,
        explain=explain,
        on_error=cast("OnError", errors),
        force=force,
        now=project.clock(),
        progress=project.progress,
    )
    if as_json:
        say_json(done)
        return
    kept = f", {done.errors:,} of them with an error instead" if done.errors else ""
    say(f"{done.rows:,} rows scored by {done.version}{kept}: {done.target}")
