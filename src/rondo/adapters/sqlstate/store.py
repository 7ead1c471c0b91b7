"""SqlStateStore: the StateStore port on a SQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update

from rondo.adapters.sqlstate import alarms, journal, rolling, traffic
from rondo.adapters.sqlstate.engine import Database
from rondo.adapters.sqlstate.migrations import bring_up_to_date
from rondo.adapters.sqlstate.tables import decisions, leases, marks, observations, servers, standing
from rondo.errors import Conflict, RondoError
from rondo.records.files import from_json
from rondo.records.monitoring import OBSERVATIONS_KEPT, Alert, Decision, Observation
from rondo.records.release import Event, Release, RolesToMirror, Routes, ServerReport, Switch, WarmRequest
from rondo.records.rollout import Rollout

PATIENCE = timedelta(seconds=10)
FORGOTTEN_AFTER = timedelta(days=1)


class SqlStateStore:
    """A StateStore in a SQL database, made when it is not there yet.

    `where` is the path of an SQLite file or a URL of SQLite or PostgreSQL, where every project has a schema of
    its own. A write waits up to `patience` for its turn.
    Open one per process: connections must not cross a fork.
    """

    def __init__(self, where: str | Path, *, project: str = "", patience: timedelta = PATIENCE) -> None:
        self._database = Database(where, patience=patience, project=project)
        try:
            bring_up_to_date(self._database)
        except BaseException:
            self._database.close()
            raise

    def add_release(self, release: Release, *, by: str) -> Release:
        """See StateStore."""
        with self._database.write() as connection:
            return traffic.add(connection, release, by=by)

    def releases(self) -> tuple[Release, ...]:
        """See StateStore."""
        with self._database.read() as connection:
            return traffic.read_releases(connection)

    def production(self) -> Release | None:
        """See StateStore."""
        with self._database.read() as connection:
            return traffic.read_production(connection)

    def production_history(self) -> tuple[str, ...]:
        """See StateStore."""
        with self._database.read() as connection:
            return traffic.read_history(connection)

    def routes(self) -> Routes:
        """See StateStore."""
        with self._database.read() as connection:
            return traffic.read_routes(connection)

    def switch(self, change: Switch, *, at: datetime) -> Routes:
        """See StateStore."""
        with self._database.write() as connection:
            return traffic.carry_out(connection, change, at=at)

    def rollout(self) -> Rollout | None:
        """See StateStore."""
        return next(iter(self.rollouts(limit=1)), None)

    def rollouts(self, *, limit: int = 100) -> tuple[Rollout, ...]:
        """See StateStore."""
        with self._database.read() as connection:
            return rolling.read(connection, limit=limit)

    def advance_rollout(
        self,
        rollout: Rollout,
        *,
        kind: str,
        by: str,
        reason: str,
        at: datetime,
        change: Switch | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Rollout:
        """See StateStore."""
        with self._database.write() as connection:
            return rolling.advance(
                connection, rollout, kind=kind, by=by, reason=reason, at=at, change=change, details=details
            )

    def roles_to_mirror(self) -> RolesToMirror | None:
        """See StateStore."""
        with self._database.read() as connection:
            return traffic.read_roles_to_mirror(connection)

    def roles_mirrored(self, told: RolesToMirror) -> None:
        """See StateStore."""
        with self._database.write() as connection:
            traffic.note_mirrored(connection, told)

    def want_warm(self, version: str | None) -> WarmRequest:
        """See StateStore."""
        with self._database.write() as connection:
            number = standing.c.warm_number + 1
            connection.execute(update(standing).values(warm_number=number, warm_version=version))
            return _wanted(connection)

    def wanted_warm(self) -> WarmRequest:
        """See StateStore."""
        with self._database.read() as connection:
            return _wanted(connection)

    def report_server(self, report: ServerReport) -> None:
        """See StateStore."""
        with self._database.write() as connection:
            stale = servers.c.seen_at < report.seen_at - FORGOTTEN_AFTER
            connection.execute(delete(servers).where((servers.c.server_id == report.server_id) | stale))
            connection.execute(
                insert(servers).values(server_id=report.server_id, seen_at=report.seen_at, body=_json(report))
            )

    def server_gone(self, server_id: str) -> None:
        """See StateStore."""
        with self._database.write() as connection:
            connection.execute(delete(servers).where(servers.c.server_id == server_id))

    def servers(self, alive_within: timedelta, *, now: datetime) -> tuple[ServerReport, ...]:
        """See StateStore."""
        query = (
            select(servers.c.body)
            .where(servers.c.seen_at >= now - alive_within)
            .order_by(servers.c.server_id)
        )
        with self._database.read() as connection:
            return tuple(from_json(body, ServerReport) for body in connection.execute(query).scalars())

    def append(
        self, kind: str, subject: str, *, by: str, reason: str, details: Mapping[str, Any], at: datetime
    ) -> Event:
        """See StateStore."""
        with self._database.write() as connection:
            return journal.append(connection, kind, subject, by=by, reason=reason, details=details, at=at)

    def events(self, *, kind: str | None = None, limit: int | None = None) -> tuple[Event, ...]:
        """See StateStore."""
        with self._database.read() as connection:
            return journal.read(connection, kind=kind, limit=limit)

    def verify_events(self) -> int:
        """See StateStore."""
        with self._database.read() as connection:
            return journal.verify(connection, self._database.name)

    def add_observations(self, observations_: Sequence[Observation]) -> None:
        """See StateStore."""
        if not observations_:
            return
        newest: dict[str, Observation] = {}
        for seen in observations_:
            newest.pop(seen.identity, None)
            newest[seen.identity] = seen
        with self._database.write() as connection:
            first = _next_id(connection, observations)
            same = delete(observations).where(observations.c.identity == bindparam("same"))
            connection.execute(same, [{"same": identity} for identity in newest])
            connection.execute(
                insert(observations),
                [
                    {
                        "id": number,
                        "metric": seen.metric,
                        "body": _json(seen),
                        "identity": identity,
                        "observed_at": seen.observed_at,
                    }
                    for number, (identity, seen) in enumerate(newest.items(), start=first)
                ],
            )
            oldest = max(seen.observed_at for seen in observations_) - OBSERVATIONS_KEPT
            connection.execute(delete(observations).where(observations.c.observed_at < oldest))

    def observations(self, *, metric: str | None = None, limit: int = 1000) -> tuple[Observation, ...]:
        """See StateStore."""
        query = select(observations.c.body).order_by(observations.c.id.desc()).limit(limit)
        if metric is not None:
            query = query.where(observations.c.metric == metric)
        with self._database.read() as connection:
            bodies = connection.execute(query).scalars().all()
        return tuple(from_json(body, Observation) for body in reversed(bodies))

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        """See StateStore."""
        with self._database.write() as connection:
            alarms.write(connection, alerts)

    def change_alerts(
        self, change: Callable[[tuple[Alert, ...]], Iterable[Alert]], *, over_since: datetime | None = None
    ) -> tuple[Alert, ...]:
        """See StateStore."""
        with self._database.write() as connection:
            known = alarms.read(connection, open_only=over_since is None, over_since=over_since)
            changed = tuple(change(known))
            alarms.write(connection, changed)
        return changed

    def alerts(self, *, open_only: bool = False, over_since: datetime | None = None) -> tuple[Alert, ...]:
        """See StateStore."""
        with self._database.read() as connection:
            return alarms.read(connection, open_only=open_only, over_since=over_since)

    def add_decision(self, decision: Decision) -> None:
        """See StateStore."""
        with self._database.write() as connection:
            number = _next_id(connection, decisions)
            connection.execute(insert(decisions).values(id=number, body=_json(decision)))

    def decisions(self, *, limit: int = 100) -> tuple[Decision, ...]:
        """See StateStore."""
        query = select(decisions.c.body).order_by(decisions.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            bodies = connection.execute(query).scalars().all()
        return tuple(from_json(body, Decision) for body in reversed(bodies))

    def get(self, key: str) -> Any:
        """See StateStore."""
        with self._database.read() as connection:
            value = connection.execute(select(marks.c.value).where(marks.c.key == key)).scalar_one_or_none()
        return None if value is None else msgspec.json.decode(value)

    def put(self, key: str, value: Any) -> None:
        """See StateStore."""
        text = _json(value)
        with self._database.write() as connection:
            connection.execute(delete(marks).where(marks.c.key == key))
            connection.execute(insert(marks).values(key=key, value=text))

    @contextmanager
    def lease(
        self,
        name: str,
        owner: str,
        ttl: timedelta,
        *,
        now: datetime,
        gone: Callable[[str], bool] | None = None,
    ) -> Iterator[int]:
        """See StateStore."""
        with self._database.write() as connection:
            token = _take(connection, name, owner, ttl, now=now, gone=gone)
        try:
            yield token
        finally:
            # A lease that cannot be given back ends by itself; it must not hide how the block ended.
            with suppress(RondoError), self._database.write() as connection:
                ours = (leases.c.name == name) & (leases.c.token == token)
                connection.execute(update(leases).where(ours).values(owner=""))

    def close(self) -> None:
        """See StateStore."""
        self._database.close()


def _take(
    connection: Connection,
    name: str,
    owner: str,
    ttl: timedelta,
    *,
    now: datetime,
    gone: Callable[[str], bool] | None,
) -> int:
    held = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    if held is None:
        connection.execute(
            insert(leases).values(name=name, owner=owner, token=1, taken_at=now, ends_at=now + ttl)
        )
        return 1
    if held.owner and held.ends_at > now and not (gone is not None and gone(held.owner)):
        raise Conflict(
            f"{held.owner} holds {name!r} since {held.taken_at:%Y-%m-%d %H:%M:%S} UTC",
            mend=f"Wait for it to end, at the latest at {held.ends_at:%H:%M:%S} UTC.",
        )
    token: int = held.token + 1
    connection.execute(
        update(leases)
        .where(leases.c.name == name)
        .values(owner=owner, token=token, taken_at=now, ends_at=now + ttl)
    )
    return token


def _wanted(connection: Connection) -> WarmRequest:
    row = connection.execute(select(standing.c.warm_number, standing.c.warm_version)).one()
    return WarmRequest(row.warm_number, row.warm_version)


def _next_id(connection: Connection, table: Table) -> int:
    number: int = connection.execute(select(func.coalesce(func.max(table.c.id), 0) + 1)).scalar_one()
    return number


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
