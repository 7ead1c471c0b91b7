"""Removes bundles from this machine that nothing needs here any more; the model registry keeps its copies.

Everything is decided again under the leases of registration and deployment, so nothing that is removed can come to be
needed meanwhile. A folder goes with one rename, so a killed removal leaves whole bundles and hidden remains, which the
next one takes away.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from rondo.errors import Conflict, UsageError, nearest
from rondo.lifecycle.advancing import leased, means_of
from rondo.lifecycle.needed_views import ROLLBACKS
from rondo.lifecycle.workshop import Workshop
from rondo.records.failpoints import reached
from rondo.records.holders import is_gone, this_process
from rondo.records.layout import Layout

NEWEST = 5
"""Of the last registered versions so many stay, whatever became of them: they are looked at and compared."""
LET_GO = "bundle.let_go"
_GONE = ".gone"


@dataclass(frozen=True, slots=True)
class Removal:
    """A folder, relative to the project, that nothing needs. `version` is empty where no version has it."""

    version: str
    bundle_id: str
    folder: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """What goes, and why the other versions stay (version, reason)."""

    removals: tuple[Removal, ...]
    kept: tuple[tuple[str, str], ...]

    @property
    def size_bytes(self) -> int:
        """Of all that goes."""
        return sum(one.size_bytes for one in self.removals)


def plan(workshop: Workshop, versions: Sequence[str] = ()) -> Sweep:
    """What a removal would do.

    Args:
        workshop: the project.
        versions: only these; then being new, or one of the versions further back, is no reason to stay.

    Raises:
        UsageError: one of them is not registered.
        Conflict: one of them is needed.
    """
    from rondo.stages import deployment

    state, layout = workshop.state, workshop.layout
    means = means_of(workshop)
    releases = state.releases()
    needs = deployment.needed(
        releases,
        history=state.production_history(),
        routes=state.routes(),
        rollout=state.rollout(),
        wanted=state.wanted_warm(),
        servers=state.servers(means.patience.alive_within, now=means.clock()),
        rollbacks=ROLLBACKS,
        newest=NEWEST,
    )
    known = [release.version for release in releases]
    for version in versions:
        if version not in known:
            raise UsageError(f"no version {version!r} is registered", mend=nearest(version, known))
        if (need := needs.get(version)) is not None and need.firm:
            raise Conflict(
                f"the bundle of version {version} is needed: {need.why}",
                rule="What serves, may have to serve at once, or is nowhere else, stays",
                mend="Nothing was removed; name other versions, or none",
            )
    going = [one for one in releases if (one.version in versions if versions else one.version not in needs)]
    staying = {one.bundle for one in releases if one not in going}
    removals = [
        Removal(one.version, one.bundle_id, one.bundle, _size(folder))
        for one in going
        if one.bundle not in staying and (folder := layout.root / one.bundle).exists()
    ]
    if not versions:
        removals += _without_version(layout, {one.bundle for one in releases})
    going_too = {one.version for one in removals}
    kept = tuple((one, needs[one].why) for one in known if one in needs and one not in going_too)
    return Sweep(tuple(removals), kept)


def let_go(
    workshop: Workshop, versions: Sequence[str] = (), *, by: str, agreed: Sweep | None = None
) -> Sweep:
    """Removes what `plan` says of now, and gives it; no more than was agreed to, where somebody was asked.

    Raises:
        UsageError: as `plan`.
        Conflict: as `plan`; or a registration or a deployment is under way.
    """
    from rondo.stages import deployment

    with ExitStack() as held:
        now = workshop.wall_clock()
        lease = workshop.state.lease(
            deployment.REGISTRATION, this_process(), timedelta(minutes=10), now=now, gone=is_gone
        )
        held.enter_context(lease)
        held.enter_context(leased(means_of(workshop), in_turn=True))
        sweep = plan(workshop, versions)
        if agreed is not None:
            going = tuple(one for one in sweep.removals if one in agreed.removals)
            sweep = replace(sweep, removals=going)
        for one in sweep.removals:
            _remove(workshop, one, by=by)
    return sweep


def _remove(workshop: Workshop, one: Removal, *, by: str) -> None:
    if one.version:
        workshop.state.append(
            LET_GO,
            one.version,
            by=by,
            reason="nothing needs it here; the model registry has it",
            details={"bundle_id": one.bundle_id, "bytes": one.size_bytes},
            at=workshop.clock(),
        )
        reached("letting_go.told")
    folder = workshop.layout.root / one.folder
    hidden = folder if folder.name.startswith(".") else folder.with_name(f".{folder.name}{_GONE}")
    if hidden != folder:
        shutil.rmtree(hidden, ignore_errors=True)
        os.replace(folder, hidden)
        reached("letting_go.hidden")
    shutil.rmtree(hidden)


def _without_version(layout: Layout, known: set[str]) -> list[Removal]:
    """Folders that a killed registration or removal left: nobody works there while the leases are held."""
    if not layout.releases.is_dir():
        return []
    found = {one.relative_to(layout.root).as_posix(): one for one in sorted(layout.releases.iterdir())}
    return [
        Removal("", folder.name, path, _size(folder))
        for path, folder in found.items()
        if path not in known and folder.is_dir() and not folder.is_symlink()
    ]


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
