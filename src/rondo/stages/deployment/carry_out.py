"""Does the steps of a plan, under the deployment lease, so that there is one deployment at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_never

from rondo.errors import CorruptArtifact, NotAvailable, TemporaryPortError
from rondo.ports.progress import Progress, Silent
from rondo.ports.state import StateStore
from rondo.ports.tracking import ModelRegistry
from rondo.records.failpoints import reached
from rondo.records.files import publish_folder
from rondo.records.holders import is_gone
from rondo.records.release import (
    PROMOTED,
    ROLLED_BACK,
    ROLLOUT_ABORTED,
    Release,
    Routes,
    Switch,
    WarmRequest,
)
from rondo.stages.deployment.explain import explain_step
from rondo.stages.deployment.freezing import OVERRULED
from rondo.stages.deployment.leasing import leased
from rondo.stages.deployment.mirror import LEASE, mirror_roles
from rondo.stages.deployment.plan import (
    AwaitServers,
    Done,
    MirrorRoles,
    Patience,
    Plan,
    Standing,
    Step,
    SwitchRoutes,
    VerifyBundle,
    WarmServers,
    plan_promotion,
    plan_rollback,
    rollback_interrupted,
)
from rondo.stages.deployment.servers import Readiness, behind, readiness
from rondo.stages.deployment.step import overruled
from rondo.stages.deployment.verified import Verify, verify_bundle

NOT_MIRRORED = "roles.not_mirrored"


@dataclass(frozen=True, slots=True)
class Means:
    """What carrying out needs. `model` is the name in the registry, `root` the project's folder."""

    model: str
    root: Path
    store: StateStore
    registry: ModelRegistry
    verify: Verify = verify_bundle
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    wait: Callable[[float], None] = time.sleep  # seconds
    patience: Patience = field(default_factory=Patience)
    progress: Progress = field(default_factory=Silent)


def promote(version: str, means: Means, *, by: str, reason: str) -> Done:
    """Brings the version into production: warm on every running server first, then all traffic at once.

    Raises:
        Conflict: it is not registered, or somebody else deploys; production is untouched.
        GateSaidNo: its gates did not say `ship`; production is untouched.
        CorruptArtifact: its bundle is not as it was written; production is untouched.
        NotAvailable: a running server could not load it; production is untouched.
    """

    def plan(standing: Standing, fence: tuple[str, int]) -> Plan:
        return plan_promotion(version, standing, by=by, reason=reason, fence=fence, patience=means.patience)

    return _under_lease(plan, means, by=by)


def rollback(means: Means, *, by: str, reason: str, to: str | None = None) -> Done:
    """Brings back the version before, along the release history (or down to `to`).

    Raises:
        Conflict: there is none, or somebody else deploys; production is untouched.
        CorruptArtifact: its bundle is not as it was written; production is untouched.
        NotAvailable: a running server could not load it; production is untouched.
    """

    def plan(standing: Standing, fence: tuple[str, int]) -> Plan:
        return plan_rollback(standing, by=by, reason=reason, to=to, fence=fence, patience=means.patience)

    return _under_lease(plan, means, by=by)


def read_standing(store: StateStore, *, dead_holder_token: int | None = None) -> Standing:
    """What stands, for a plan; a change in between is noticed by the switch, through the generation."""
    routes = store.routes()
    pending = store.roles_to_mirror() is not None
    found = [
        event for kind in (PROMOTED, ROLLED_BACK, NOT_MIRRORED) for event in store.events(kind=kind, limit=1)
    ]
    latest = max(found, key=lambda event: event.sequence, default=None)
    return Standing(
        releases=store.releases(),
        history=store.production_history(),
        routes=routes,
        roles_pending=pending,
        interrupted=rollback_interrupted(latest, roles_pending=pending, dead_holder_token=dead_holder_token),
    )


def _under_lease(plan: Callable[[Standing, tuple[str, int]], Plan], means: Means, *, by: str) -> Done:
    store, patience, died = means.store, means.patience, False

    def gone(owner: str) -> bool:
        nonlocal died
        died = is_gone(owner)
        return died

    turn = leased(
        store, patience.whole, clock=means.clock, wait=means.wait, patience=patience.its_turn, gone=gone
    )
    with turn as (_, token):
        reached("deployment.leased")
        standing = read_standing(store, dead_holder_token=token - 1 if died else None)
        decided = plan(standing, (LEASE, token))
        done = Done(decided, standing.routes)
        for number, step in enumerate(decided.steps):
            means.progress.step(explain_step(step), number, len(decided.steps))
            done = _do(step, done, means, by=by)
        return done


def _do(step: Step, done: Done, means: Means, *, by: str) -> Done:
    match step:
        case VerifyBundle(release):
            _verify(release, means)
            return done
        case WarmServers():
            return replace(done, warm=_warm(step, means, by=by))
        case SwitchRoutes(change):
            routes = _switch(change, means)
            reached("deployment.switched")
            return replace(done, routes=routes)
        case AwaitServers(at_most):
            return replace(done, late=_late(done.routes.generation, at_most, means))
        case MirrorRoles():
            return replace(done, not_mirrored=tell_registry(done.plan.version, means, by=by))
        case _:
            assert_never(step)


def _switch(change: Switch, means: Means) -> Routes:
    """The routes after the change; a rollout under way ends with it, because a person decided otherwise."""
    store, now = means.store, means.clock()
    rollout = store.rollout()
    if rollout is None or rollout.ended:
        return store.switch(change, at=now)
    words = f"{change.production} {'rolled back to' if change.kind == ROLLED_BACK else 'promoted'} by hand"
    after, _ = overruled(rollout, by=change.by, reason=change.reason or words, now=now)
    store.advance_rollout(
        after,
        kind=f"rollout.{after.state}",
        by=change.by,
        reason=after.said,
        at=now,
        change=change,
        details={OVERRULED: change.kind == PROMOTED},
    )
    return store.routes()


def _verify(release: Release, means: Means) -> None:
    folder = means.root / release.bundle
    if not folder.exists():
        try:
            with publish_folder(folder) as fresh:
                means.registry.fetch(means.model, release.registry_version, fresh)
        except TemporaryPortError:
            raise  # it is not gone: its store did not answer
        except NotAvailable as error:
            raise CorruptArtifact(
                f"the bundle of version {release.version} is gone, here and in the model registry",
                where=str(folder),
                mend="Choose another version; `rondo models` lists them.",
            ) from error
        reached("deployment.fetched")
    found = means.verify(folder)
    if found.bundle_id != release.bundle_id:
        raise CorruptArtifact(
            f"this is bundle {found.bundle_id[:12]}, version {release.version} is {release.bundle_id[:12]}",
            where=str(folder),
            mend="Remove the folder; it is fetched again from the model registry.",
        )


def warm_up(version: str, at_most: timedelta, means: Means) -> Readiness:
    """How the running servers stand after they were asked to hold the version ready; the request stays.

    Whoever does not go on to give the version its share takes the request back.
    """
    store = means.store
    if not store.servers(means.patience.alive_within, now=means.clock()):
        return Readiness()
    asked = store.want_warm(version)
    reached("deployment.warm_asked")
    try:
        return _until_settled(asked, at_most, means)
    except BaseException:
        store.want_warm(None)
        raise


def _warm(step: WarmServers, means: Means, *, by: str) -> tuple[str, ...]:
    seen = warm_up(step.version, step.at_most, means)
    if seen.failed or (seen.loading and step.required):
        error = _aborted(step, seen, means, by=by)
        means.store.want_warm(None)
        raise error
    return seen.ready


def _until_settled(asked: WarmRequest, at_most: timedelta, means: Means) -> Readiness:
    patience, give_up = means.patience, means.clock() + at_most
    while True:
        seen = readiness(asked, means.store.servers(patience.alive_within, now=means.clock()))
        if seen.failed or not seen.loading or means.clock() >= give_up:
            return seen
        means.wait(patience.between_looks.total_seconds())


def not_ready(seen: Readiness, at_most: timedelta) -> list[str]:
    """A sentence for each server that does not hold the version ready."""
    why = [f"{server}: {sentence}" for server, sentence in seen.failed.items()]
    return why + [f"{server}: not ready after {at_most.total_seconds():g} s" for server in seen.loading]


def _aborted(step: WarmServers, seen: Readiness, means: Means, *, by: str) -> NotAvailable:
    why = not_ready(seen, step.at_most)
    means.store.append(
        ROLLOUT_ABORTED,
        step.version,
        by=by,
        reason="a running server did not get the version ready",
        details={"servers": why},
        at=means.clock(),
    )
    reached("deployment.aborted")
    return NotAvailable(
        f"{len(why)} of {len(why) + len(seen.ready)} running servers did not get version {step.version} "
        f"ready ({'; '.join(why)})",
        rule="Traffic moves only to a version that every running server holds ready.",
        mend="Production is as it was. See the server's log.",
    )


def _late(generation: int, at_most: timedelta, means: Means) -> tuple[str, ...]:
    give_up = means.clock() + at_most
    while late := behind(generation, means.store.servers(means.patience.alive_within, now=means.clock())):
        if means.clock() >= give_up:
            return late
        means.wait(means.patience.between_looks.total_seconds())
    return ()


def tell_registry(version: str, means: Means, *, by: str) -> str:
    """Why the model registry could not be told; empty when it knows everything. Under the deployment lease."""
    try:
        mirror_roles(means.store, means.registry, means.model)
    except Exception as error:
        # What serves is decided by the state store, and it has switched: whatever ails the registry, it can
        # learn that later, and must not stand in the way of a second rollback.
        means.store.append(NOT_MIRRORED, version, by=by, reason=str(error), details={}, at=means.clock())
        return str(error)
    return ""
