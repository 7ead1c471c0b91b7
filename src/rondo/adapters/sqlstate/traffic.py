"""Releases, history and routes: the part that must never be half changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, case, delete, func, insert, select, update

from rondo.adapters.sqlstate import journal
from rondo.adapters.sqlstate.tables import history, leases, releases, standing
from rondo.records.files import from_json
from rondo.records.release import (
    JUDGED,
    REGISTERED,
    RegistryStage,
    Release,
    RolesToMirror,
    Routes,
    Switch,
)
from rondo.records.releasing import (
    history_after,
    judged_again,
    release_details,
    roles_of,
    routes_after,
    stages_after,
    switch_details,
    with_traffic,
)


def read_releases(connection: Connection) -> tuple[Release, ...]:
    """Every release in order of registration."""
    return tuple(_release(row) for row in connection.execute(select(releases).order_by(releases.c.position)))


def read_production(connection: Connection) -> Release | None:
    """The one in production."""
    row = connection.execute(select(releases).where(releases.c.stage == "Production")).one_or_none()
    return None if row is None else _release(row)


def read_history(connection: Connection) -> tuple[str, ...]:
    """The release history, oldest first."""
    return tuple(connection.execute(select(history.c.version).order_by(history.c.position)).scalars())


def read_routes(connection: Connection) -> Routes:
    """The shares of now."""
    row = connection.execute(select(standing.c.generation, standing.c.weights, standing.c.shadow)).one()
    return Routes(row.generation, msgspec.json.decode(row.weights), row.shadow)


def add(connection: Connection, release: Release, *, by: str) -> Release:
    """The release as it stands afterwards."""
    row = connection.execute(select(releases).where(releases.c.version == release.version)).one_or_none()
    if row is None:
        return _add_new(connection, release, by=by)
    known = _release(row)
    live = known.version in with_traffic(read_routes(connection))
    judged = judged_again(known, release, live=live)
    if judged == known:
        return known
    if judged.stage == "Staging" != known.stage:
        _empty_staging(connection)
    connection.execute(
        update(releases)
        .where(releases.c.version == judged.version)
        .values(stage=judged.stage, body=_body(judged))
    )
    _roles_changed(connection)
    reason = "; ".join(judged.judgement_reasons)
    _tell(connection, JUDGED, judged, by=by, reason=reason, at=release.registered_at)
    return judged


def carry_out(connection: Connection, change: Switch, *, at: datetime) -> Routes:
    """The routes after the change."""
    stages: dict[str, RegistryStage] = {
        row.version: row.stage for row in connection.execute(select(releases.c.version, releases.c.stage))
    }
    history_before, before = read_history(connection), read_routes(connection)
    after = routes_after(
        change,
        routes=before,
        versions=stages,
        history=history_before,
        token=_token(connection, change.fence),
    )
    live = with_traffic(after)
    changed = stages_after(stages, production=change.production, before=with_traffic(before), after=live)
    _set_stages(connection, changed, before=stages)
    _set_history(
        connection, history_before, history_after(history_before, change.production, kind=change.kind)
    )
    still_wanted = case((standing.c.warm_version.in_(live), None), else_=standing.c.warm_version)
    connection.execute(
        update(standing).values(
            generation=after.generation,
            weights=msgspec.json.encode(after.weights).decode(),
            shadow=after.shadow,
            warm_version=still_wanted,
        )
    )
    _roles_changed(connection)
    journal.append(
        connection,
        change.kind,
        change.production,
        by=change.by,
        reason=change.reason,
        details=switch_details(change, after),
        at=at,
    )
    return after


def read_roles_to_mirror(connection: Connection) -> RolesToMirror | None:
    """What the model registry does not know yet."""
    number, told = connection.execute(select(standing.c.roles_number, standing.c.roles_told)).one()
    if number == told:
        return None
    query = select(releases.c.version, releases.c.stage).where(releases.c.stage != releases.c.stage_told)
    changed = {row.version: row.stage for row in connection.execute(query.order_by(releases.c.position))}
    return RolesToMirror(number, roles_of(read_releases(connection), read_history(connection)), changed)


def note_mirrored(connection: Connection, told: RolesToMirror) -> None:
    """Remembers what the model registry knows by now."""
    for version, stage in told.stages.items():
        connection.execute(update(releases).where(releases.c.version == version).values(stage_told=stage))
    connection.execute(
        update(standing).where(standing.c.roles_told < told.number).values(roles_told=told.number)
    )


def _add_new(connection: Connection, release: Release, *, by: str) -> Release:
    if release.judgement == "ship":
        _empty_staging(connection)
    release = replace(release, stage="Staging" if release.judgement == "ship" else "None")
    position = select(func.coalesce(func.max(releases.c.position), 0) + 1).scalar_subquery()
    connection.execute(
        insert(releases).values(
            version=release.version,
            position=position,
            bundle_id=release.bundle_id,
            stage=release.stage,
            stage_told="",
            body=_body(release),
        )
    )
    _roles_changed(connection)
    reason = release.version_reason
    _tell(connection, REGISTERED, release, by=by, reason=reason, at=release.registered_at)
    return release


def _tell(connection: Connection, kind: str, release: Release, *, by: str, reason: str, at: datetime) -> None:
    details = release_details(release)
    journal.append(connection, kind, release.version, by=by, reason=reason, details=details, at=at)


def _token(connection: Connection, fence: tuple[str, int] | None) -> int | None:
    if fence is None:
        return None
    query = select(leases.c.token).where(leases.c.name == fence[0], leases.c.owner != "")
    token: int | None = connection.execute(query).scalar_one_or_none()
    return token


def _empty_staging(connection: Connection) -> None:
    live = with_traffic(read_routes(connection))
    connection.execute(
        update(releases)
        .where(releases.c.stage == "Staging", releases.c.version.not_in(live))
        .values(stage="Archived")
    )


def _set_stages(
    connection: Connection, after: Mapping[str, RegistryStage], *, before: Mapping[str, RegistryStage]
) -> None:
    # Who leaves production first: the index allows one version there at any moment.
    for version in sorted(after, key=lambda version: before[version] != "Production"):
        connection.execute(update(releases).where(releases.c.version == version).values(stage=after[version]))


def _set_history(connection: Connection, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    kept = 0
    while kept < min(len(before), len(after)) and before[kept] == after[kept]:
        kept += 1
    connection.execute(delete(history).where(history.c.position > kept))
    for position, version in enumerate(after[kept:], start=kept + 1):
        connection.execute(insert(history).values(position=position, version=version))


def _roles_changed(connection: Connection) -> None:
    connection.execute(update(standing).values(roles_number=standing.c.roles_number + 1))


def _body(release: Release) -> str:
    return msgspec.json.encode(release).decode()


def _release(row: Row[Any]) -> Release:
    return replace(from_json(row.body, Release, where=f"release {row.version}"), stage=row.stage)
