"""The rules of releasing that every state store keeps: pure functions, so that all keep the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from rondo.errors import Conflict, DataError, NotAvailable, nearest
from rondo.records.release import (
    ROLLED_BACK,
    ROUTES_SHIFTED,
    Event,
    RegistryStage,
    Release,
    Routes,
    Switch,
)
from rondo.records.rollout import Rollout


def with_traffic(routes: Routes) -> tuple[str, ...]:
    """The versions that requests reach, the shadow included."""
    return (*routes.weights, *((routes.shadow,) if routes.shadow else ()))


def routes_after(
    change: Switch,
    *,
    routes: Routes,
    versions: Collection[str],
    history: Sequence[str],
    token: int | None,
) -> Routes:
    """The routes that the change makes of these; `token` is that of the lease of its fence, if it is held.

    Raises:
        Conflict: the change was decided on other routes or under a lost lease, or contradicts itself.
        NotAvailable: a version of it is not registered.
    """
    if routes.generation != change.expected_generation:
        raise Conflict(
            f"the routes have changed since this was decided (generation {routes.generation}, "
            f"decided on {change.expected_generation})",
            mend="Look at what changed, then try again.",
        )
    if change.fence is not None and change.fence[1] != token:
        raise Conflict(
            f"the lease {change.fence[0]!r} has passed to somebody else", mend="Wait for it, then try again."
        )
    after = Routes(routes.generation + 1, dict(change.weights), change.shadow)
    for version in (change.production, *with_traffic(after)):
        if version not in versions:
            raise NotAvailable(f"version {version} is not registered", mend=nearest(version, versions))
    previous = history_after(history, change.production, kind=change.kind)[-2:-1]
    if previous != ((change.previous,) if change.previous else ()):
        raise Conflict(
            f"the version before {change.production} is {' '.join(previous) or 'none'}, not {change.previous}"
        )
    if not after.weights or min(after.weights.values()) < 0:
        raise Conflict("the shares of a switch are not negative and sum to 1")
    return after


def judged_again(known: Release, offered: Release, *, live: bool) -> Release:
    """What stands of a known version when its bundle is registered again; `live` when it has traffic.

    Raises:
        Conflict: it is another bundle.
    """
    if known.bundle_id != offered.bundle_id:
        raise Conflict(
            f"version {known.version} is registered with another bundle ({known.bundle_id[:12]}, "
            f"this one is {offered.bundle_id[:12]})",
            rule="A version is one bundle, for ever.",
            mend="Give the new bundle a new version.",
        )
    if known.judgement == offered.judgement:
        return known
    stage = known.stage
    if stage == "None" and offered.judgement == "ship":
        stage = "Staging"
    elif stage == "Staging" and offered.judgement != "ship" and not live:
        stage = "None"
    return replace(
        known,
        judgement=offered.judgement,
        judgement_reasons=offered.judgement_reasons,
        stage=stage,
    )


def release_details(release: Release) -> dict[str, Any]:
    """What an event about a release tells beside its version."""
    return {
        "bundle_id": release.bundle_id,
        "registry_version": release.registry_version,
        "judgement": release.judgement,
        "stage": release.stage,
    }


def switch_details(change: Switch, after: Routes) -> dict[str, Any]:
    """What the event of a switch tells beside the version in production."""
    return {
        "generation": after.generation,
        "weights": dict(after.weights),
        "shadow": after.shadow,
        "previous": change.previous,
        "token": None if change.fence is None else change.fence[1],
    }


def history_after(history: Sequence[str], production: str, *, kind: str) -> tuple[str, ...]:
    """The release history, oldest first, after `production` went into production by an event of that kind.

    Raises:
        Conflict: a rollback to a version that is not below the present one in the history, or shares that
            move under another version than the one in production.
    """
    if kind == ROUTES_SHIFTED:
        if production not in history[-1:]:
            raise Conflict(
                f"{' '.join(history[-1:]) or 'nothing'} is in production, not {production}",
                rule="Production stays where it is while shares are moved.",
            )
        return tuple(history)
    if kind == ROLLED_BACK:
        below = list(history[:-1])
        if production not in below:
            raise Conflict(
                f"{production} is not in the release history below the version in production",
                rule="A rollback follows the release history.",
                mend=f"Promote it instead. {nearest(production, below)}",
            )
        return tuple(below[: len(below) - below[::-1].index(production)])
    if history and history[-1] == production:
        return tuple(history)
    return (*history, production)


def stages_after(
    stages: Mapping[str, RegistryStage], *, production: str, before: Iterable[str], after: Iterable[str]
) -> dict[str, RegistryStage]:
    """The stages that change when traffic moves from the versions `before` to the versions `after`.

    Exactly one version is in Production, others with traffic are in Staging, those that lost it are Archived;
    a version that waits in Staging without traffic goes on waiting.
    """
    had, has = set(before), set(after)

    def word(version: str, stage: RegistryStage) -> RegistryStage:
        if version == production:
            return "Production"
        if version in has:
            return "Staging"
        return "Archived" if version in had or stage == "Production" else stage

    words = {version: word(version, stage) for version, stage in stages.items()}
    return {version: stage for version, stage in words.items() if stage != stages[version]}


def roles_of(releases: Sequence[Release], history: Sequence[str]) -> dict[str, str | None]:
    """Alias -> version: production, the one before it, and the newest one that waits in Staging."""
    staging = [release.version for release in releases if release.stage == "Staging"]
    return {
        "production": history[-1] if history else None,
        "previous": history[-2] if len(history) > 1 else None,
        "staging": staging[-1] if staging else None,
    }


def rollout_after(rollout: Rollout, newest: Rollout | None) -> Rollout:
    """The rollout as it is kept: with its number, and its revision plus 1; `newest` is the newest one so far.

    Raises:
        Conflict: another one is under way, or this one was changed since it was read, or has ended.
    """
    if rollout.number == 0:
        if newest is not None and not newest.ended:
            raise Conflict(
                f"rollout {newest.number} of {newest.candidate} is under way ({newest.state})",
                rule="There is one rollout at a time.",
                mend="Wait for it, or end it: `rondo rollout abort`.",
            )
        return replace(rollout, number=1 if newest is None else newest.number + 1, revision=1)
    if newest is None or newest.number != rollout.number:
        raise Conflict(f"rollout {rollout.number} is not the newest one")
    if newest.ended:
        raise Conflict(f"rollout {newest.number} of {newest.candidate} has ended ({newest.state})")
    if newest.revision != rollout.revision:
        raise Conflict(
            f"rollout {newest.number} has changed since this was decided (revision {newest.revision}, "
            f"decided on {rollout.revision})",
            mend="Look at what changed, then try again.",
        )
    return replace(rollout, revision=rollout.revision + 1)


def rollout_details(rollout: Rollout, details: Mapping[str, Any] | None) -> dict[str, Any]:
    """What an event about a rollout tells beside its candidate."""
    return {
        "rollout": rollout.number,
        "strategy": rollout.strategy,
        "state": rollout.state,
        "phase": rollout.phase.kind,
        "place": rollout.place,
        "stable": rollout.stable,
        **(details or {}),
    }


def as_json(details: Mapping[str, Any]) -> Any:
    """The details as they come back from JSON: times as text, tuples as lists, NaN as null."""
    return msgspec.json.decode(msgspec.json.encode(details))


def sealed(event: Event, before: str) -> Event:
    """The event with its hash, which covers that of the event before.

    Raises:
        DataError: a text holds the character NUL, which not every database can keep.
    """
    for name in ("kind", "subject", "by", "reason"):
        if "\0" in getattr(event, name):
            raise DataError(f"the {name} of an event holds the character NUL", mend="Leave it out.")
    return replace(event, hash=event_hash(event, before))


def event_hash(event: Event, before: str) -> str:
    """SHA-256 over the hash of the event before and this event's canonical JSON (sorted keys, UTC times)."""
    line = msgspec.json.encode(
        {
            "sequence": event.sequence,
            "at": event.at.isoformat(),
            "kind": event.kind,
            "subject": event.subject,
            "by": event.by,
            "reason": event.reason,
            "details": event.details,
        },
        order="deterministic",
    )
    return hashlib.sha256(before.encode() + b"\n" + line).hexdigest()
