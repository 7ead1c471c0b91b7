"""models, promote, rollback, lineage: what serves, and where it comes from."""

from __future__ import annotations

from pathlib import Path

from rondo.cli.output import progress, say, say_json, table


def models(folder: Path, as_json: bool) -> None:
    """Registered versions, newest last."""
    from rondo.assembly import open_project

    releases = open_project(folder).state.releases()
    if as_json:
        say_json(releases)
    elif not releases:
        say("No version is registered yet. `rondo run` makes one.")
    else:
        table(
            ("version", "stage", "registered (UTC)", "why this number"),
            [(r.version, r.stage, f"{r.registered_at:%Y-%m-%d %H:%M}", r.version_reason) for r in releases],
        )


def promote(folder: Path, version: str, reason: str, as_json: bool) -> None:
    """The version into production."""
    from rondo.assembly import open_project
    from rondo.lifecycle.releasing import promote as do

    told = do(open_project(folder, progress=progress()), version, by="rondo promote", reason=reason)
    say_json({"told": told}) if as_json else say(told)


def rollback(folder: Path, reason: str, as_json: bool) -> None:
    """The version before."""
    from rondo.assembly import open_project
    from rondo.lifecycle.releasing import rollback as do

    told = do(open_project(folder, progress=progress()), by="rondo rollback", reason=reason)
    say_json({"told": told}) if as_json else say(told)


def lineage(folder: Path, version: str, as_json: bool) -> None:
    """Data, code, features, run, bundle."""
    from rondo.assembly import open_project
    from rondo.lifecycle.lineage import trace

    lines = trace(open_project(folder), version)
    if as_json:
        say_json(lines)
    else:
        table(("", "version", "identity"), [(line.kind, line.version, line.identity) for line in lines])
