"""models, promote, rollback: what may serve, and what does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rondo.cli.output import progress, say, say_json, table
from rondo.errors import UsageError


def models(folder: Path, at: str | None, limit: int, as_json: bool) -> None:
    """The newest registered versions, newest last; with a moment, who answered then. A program gets all of them."""
    from rondo.assembly import open_project

    state = open_project(folder).state
    if at is not None:
        from rondo.stages.deployment import MOVES, served_at

        moment = _moment(at)
        shares = served_at([event for kind in MOVES for event in state.events(kind=kind)], moment)
        if as_json:
            say_json({"at": moment, "shares": shares})
        elif shares:
            table(("version", "share of requests"), [(one, f"{share:.1%}") for one, share in shares.items()])
        else:
            say(f"Nothing served at {moment:%Y-%m-%d %H:%M:%S} UTC.")
        return
    releases = state.releases()
    if as_json:
        say_json(releases)
    elif not releases:
        say("No version is registered yet. `rondo run` makes one.")
    else:
        table(
            ("version", "stage", "registered (UTC)", "why this number"),
            [
                (r.version, r.stage, f"{r.registered_at:%Y-%m-%d %H:%M}", r.version_reason)
                for r in releases[-limit:]
            ],
        )
        if (earlier := len(releases) - limit) > 0:
            say(f"{earlier:,} earlier ones are shown by --limit {len(releases)}.")


def _moment(text: str) -> datetime:
    """A moment as people write it, in UTC unless it says otherwise; a day alone is its end."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no moment", mend="Write 2026-01-31, 2026-01-31T14:00 or 2026-01-31T14:00+09:00."
        ) from error
    if len(text) == len("2026-01-31"):
        found = found.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


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
