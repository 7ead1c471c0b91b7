"""The steps of a promotion or a rollback, decided from what stands. Pure: nothing here is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from rondo.errors import Conflict, GateSaidNo, nearest
from rondo.records.release import PROMOTED, ROLLED_BACK, Event, Release, Routes, Switch
from rondo.records.releasing import history_after


class NothingBefore(Conflict, ValueError):
    """There is no version to roll back to."""


@dataclass(frozen=True, slots=True)
class VerifyBundle:
    """Compare every file of the release's bundle with its hash and replay its golden rows."""

    release: Release


@dataclass(frozen=True, slots=True)
class WarmServers:
    """Ask the running servers to hold the version ready, and wait for them.

    A server that cannot load it stops the plan. One that is not ready in time stops it when `required`.
    """

    version: str
    at_most: timedelta
    required: bool


@dataclass(frozen=True, slots=True)
class SwitchRoutes:
    """Move production and all traffic in one transaction."""

    change: Switch


@dataclass(frozen=True, slots=True)
class AwaitServers:
    """Wait until the running servers answer by the new routes; who is late is told, nothing is taken back."""

    at_most: timedelta


@dataclass(frozen=True, slots=True)
class MirrorRoles:
    """Tell the model registry its aliases and stages."""


Step = VerifyBundle | WarmServers | SwitchRoutes | AwaitServers | MirrorRoles


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in order; without steps there is nothing to do and `note` says why."""

    kind: Literal["promotion", "rollback"]
    version: str
    before: str | None
    steps: tuple[Step, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: the routes of now, the servers that were ready and those that are late.

    `not_mirrored` says why the model registry could not be told; the next command tells it.
    """

    plan: Plan
    routes: Routes
    warm: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    not_mirrored: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is: releases in order of registration, the release history, the routes of now.

    `roles_pending` when the model registry has not been told everything; `interrupted` when the newest change
    was a rollback whose command never came to its end.
    """

    releases: Sequence[Release]
    history: Sequence[str]
    routes: Routes
    roles_pending: bool = False
    interrupted: bool = False

    @property
    def production(self) -> str | None:
        """The version in production."""
        return self.history[-1] if self.history else None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for running servers and for one's turn, and how long a silent server counts as running."""

    alive_within: timedelta = timedelta(seconds=5)
    to_warm: timedelta = timedelta(seconds=60)
    to_warm_back: timedelta = timedelta(seconds=10)
    to_switch: timedelta = timedelta(seconds=5)
    between_looks: timedelta = timedelta(milliseconds=50)
    its_turn: timedelta = timedelta(seconds=10)

    @property
    def whole(self) -> timedelta:
        """How long the deployment lease is held at most."""
        return self.to_warm + self.to_warm_back + self.to_switch + timedelta(minutes=5)


def rollback_interrupted(latest: Event | None, *, roles_pending: bool, dead_holder_token: int | None) -> bool:
    """Whether the newest change was a rollback whose command never came to its end.

    Args:
        latest: the newest event about production or the registry's roles.
        roles_pending: the registry was not told, and no later event says that it did not answer.
        dead_holder_token: that of the deployment lease, when its last holder died holding it.
    """
    if latest is None or latest.kind != ROLLED_BACK:
        return False
    return roles_pending or (dead_holder_token is not None and latest.details["token"] == dead_holder_token)


def plan_promotion(
    version: str,
    standing: Standing,
    *,
    by: str,
    reason: str,
    fence: tuple[str, int] | None = None,
    patience: Patience | None = None,
) -> Plan:
    """The steps that bring the version into production with all traffic.

    Raises:
        Conflict: the version is not registered.
        GateSaidNo: its gates did not say `ship`.
    """
    release = releasable(version, standing.releases)
    if standing.production == version and dict(standing.routes.weights) == {version: 1.0}:
        steps: tuple[Step, ...] = (MirrorRoles(),) if standing.roles_pending else ()
        return Plan("promotion", version, version, steps, f"{version} is in production already")
    return _switch_to(release, standing, PROMOTED, (by, reason), fence, patience or Patience())


def plan_rollback(
    standing: Standing,
    *,
    by: str,
    reason: str,
    to: str | None = None,
    fence: tuple[str, int] | None = None,
    patience: Patience | None = None,
) -> Plan:
    """The steps that bring back the version before, along the release history (or down to the version `to`).

    A rollback that was interrupted after its switch is finished, not done once more.

    Raises:
        NothingBefore: the history holds no version before the present one.
        Conflict: `to` is not in the history.
    """
    if standing.interrupted:
        note = (
            f"the rollback to {standing.production} was interrupted and is finished now; "
            "roll back again to go further"
        )
        return Plan("rollback", standing.production or "", standing.production, (MirrorRoles(),), note)
    if len(standing.history) < 2:
        raise NothingBefore(
            f"there is no version before {standing.production}"
            if standing.history
            else "nothing has been in production yet",
            rule="A rollback follows the release history.",
            mend="Promote a version instead; `rondo models` lists them."
            if standing.releases
            else "`rondo run` makes and releases a first version.",
        )
    target = standing.history[-2] if to is None else to
    history_after(standing.history, target, kind=ROLLED_BACK)
    release = _release(target, standing.releases)
    return _switch_to(release, standing, ROLLED_BACK, (by, reason), fence, patience or Patience())


def _switch_to(
    release: Release,
    standing: Standing,
    kind: str,
    who_and_why: tuple[str, str],
    fence: tuple[str, int] | None,
    patience: Patience,
) -> Plan:
    below = history_after(standing.history, release.version, kind=kind)[:-1]
    back = kind == ROLLED_BACK
    change = Switch(
        production=release.version,
        previous=below[-1] if below else None,
        weights={release.version: 1.0},
        shadow=None,
        kind=kind,
        by=who_and_why[0],
        reason=who_and_why[1],
        expected_generation=standing.routes.generation,
        fence=fence,
    )
    steps = (
        VerifyBundle(release),
        # A version that must go is worse than a server that loads late: a rollback does not wait for ever.
        WarmServers(release.version, patience.to_warm_back if back else patience.to_warm, required=not back),
        SwitchRoutes(change),
        AwaitServers(patience.to_switch),
        MirrorRoles(),
    )
    return Plan("rollback" if back else "promotion", release.version, standing.production, steps)


def releasable(version: str, releases: Sequence[Release]) -> Release:
    """The release of that version, which its gates accepted.

    Raises:
        Conflict: the version is not registered.
        GateSaidNo: its gates did not say `ship`.
    """
    release = _release(version, releases)
    if release.judgement != "ship":
        raise GateSaidNo(
            f"version {version} may not go into production: the gates said {release.judgement!r}"
            + (f" ({'; '.join(release.judgement_reasons)})" if release.judgement_reasons else ""),
            rule="Only a version whose gates said 'ship' is promoted.",
            mend="Look at reports/evaluation.html.",
        )
    return release


def _release(version: str, releases: Sequence[Release]) -> Release:
    for release in releases:
        if release.version == version:
            return release
    raise Conflict(
        f"version {version} is not registered",
        mend=nearest(version, [release.version for release in releases])
        if releases
        else "`rondo run` makes and releases a first version.",
    )
