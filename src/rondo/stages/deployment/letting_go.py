"""Which versions' bundles must stay on this machine, and why. Pure.

A bundle that is let go of is still in the model registry: a promotion, a rollback or a rollout fetches it again. What
serves, or may have to serve within seconds, does not wait for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rondo.records.release import Release, Routes, ServerReport, WarmRequest
from rondo.records.releasing import with_traffic
from rondo.records.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Needed:
    """A version whose bundle stays, and why. A firm reason holds against a person who names the version, too."""

    version: str
    why: str
    firm: bool


def needed(
    releases: Sequence[Release],
    *,
    history: Sequence[str],
    routes: Routes,
    rollout: Rollout | None,
    wanted: WarmRequest,
    servers: Iterable[ServerReport],
    rollbacks: int,
    newest: int,
) -> dict[str, Needed]:
    """Every version that is needed, with the first reason for it.

    Args:
        releases: in order of registration.
        history: versions that were in production, oldest first, the present one last.
        routes: the shares of now.
        rollout: the newest one.
        wanted: what servers are asked to hold ready.
        servers: that are alive.
        rollbacks: how many versions before the present one stay.
        newest: how many of the last registered ones stay.
    """
    found: dict[str, Needed] = {}
    for one in (
        *_firmly(releases, history, routes, rollout, wanted, servers),
        *(Needed(version, "a rollback may come to it", firm=False) for version in history[-1 - rollbacks :]),
        *(Needed(one.version, f"it is among the {newest} newest", firm=False) for one in releases[-newest:]),
    ):
        found.setdefault(one.version, one)
    return found


def _firmly(
    releases: Sequence[Release],
    history: Sequence[str],
    routes: Routes,
    rollout: Rollout | None,
    wanted: WarmRequest,
    servers: Iterable[ServerReport],
) -> Iterator[Needed]:
    if history:
        yield Needed(history[-1], "it is in production", firm=True)
    for version in with_traffic(routes):
        yield Needed(version, "it gets requests", firm=True)
    if len(history) > 1:
        yield Needed(history[-2], "a rollback brings it back", firm=True)
    if rollout is not None and not rollout.ended:
        told = f"rollout {rollout.number} is under way"
        yield from (Needed(one, told, firm=True) for one in (rollout.candidate, rollout.stable) if one)
    if wanted.version is not None:
        yield Needed(wanted.version, "servers are asked to hold it ready", firm=True)
    for server in servers:
        yield from (Needed(one, f"the server {server.server_id} holds it", firm=True) for one in server.warm)
    for release in releases:
        if release.stage == "Staging":
            yield Needed(release.version, "it waits for its release", firm=True)
        if not release.registry_version:
            yield Needed(release.version, "the model registry does not have it", firm=True)
    if len(releases) == 1:
        yield Needed(releases[0].version, "it is the only version", firm=True)
