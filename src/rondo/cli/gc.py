"""gc: bundles that nothing needs on this machine any more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rondo.cli.output import progress, say, say_json, table
from rondo.errors import UsageError

if TYPE_CHECKING:
    from rondo.lifecycle.letting_go import Sweep


def gc(folder: Path, versions: Sequence[str], dry_run: bool, yes: bool, as_json: bool) -> None:
    """Shows what would go, asks, and removes it.

    Raises:
        UsageError: nobody is there to be asked, and `yes` was not said.
    """
    asks, found = not (dry_run or yes), None
    if asks and (as_json or not sys.stdin.isatty()):
        raise UsageError(
            "nobody is there to be asked",
            rule="Nothing is removed unasked",
            mend="Add --yes, or --dry-run to see what would go",
        )
    from rondo.assembly import open_project
    from rondo.lifecycle.letting_go import let_go, plan

    workshop = open_project(folder, progress=progress())
    if asks:
        found = plan(workshop, versions)
        _show(found)
        if not found.removals or not _agreed():
            say("Nothing was removed.")
            return
    sweep = plan(workshop, versions) if dry_run else let_go(workshop, versions, by="rondo gc", agreed=found)
    if as_json:
        say_json({"removed": not dry_run, "removals": sweep.removals, "kept": sweep.kept})
        return
    if not asks:
        _show(sweep)
    if dry_run or not sweep.removals:
        say("Nothing was removed.")
        return
    count = "1 bundle" if len(sweep.removals) == 1 else f"{len(sweep.removals)} bundles"
    say(f"{count} removed, {_size(sweep.size_bytes)}. The model registry has its copies.")


def _show(sweep: Sweep) -> None:
    if sweep.kept:
        table(("stays", "why"), sweep.kept)
        say()
    if sweep.removals:
        rows = [
            (one.version or "(no version)", one.bundle_id[:16], _size(one.size_bytes))
            for one in sweep.removals
        ]
        table(("goes", "bundle", "size"), rows)
        say()


def _agreed() -> bool:
    say("Remove them? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
