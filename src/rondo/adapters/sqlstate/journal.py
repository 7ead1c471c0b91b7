"""The event log: appended to, never changed, each line sealed with the one before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from rondo.adapters.sqlstate.tables import events, standing
from rondo.errors import CorruptArtifact
from rondo.records.release import Event
from rondo.records.releasing import as_json, event_hash, sealed


def append(
    connection: Connection,
    kind: str,
    subject: str,
    *,
    by: str,
    reason: str,
    details: Mapping[str, Any],
    at: datetime,
) -> Event:
    """The event, now the last one of the log."""
    count, head = connection.execute(select(standing.c.events, standing.c.events_head)).one()
    unsealed = Event(count + 1, at.astimezone(UTC), kind, subject, by, reason, as_json(details))
    event = sealed(unsealed, head)
    connection.execute(
        insert(events).values(
            sequence=event.sequence,
            at=event.at,
            kind=kind,
            subject=subject,
            by=by,
            reason=reason,
            details=msgspec.json.encode(event.details).decode(),
            hash=event.hash,
        )
    )
    connection.execute(update(standing).values(events=event.sequence, events_head=event.hash))
    return event


def read(connection: Connection, *, kind: str | None, limit: int | None) -> tuple[Event, ...]:
    """Events in order; with a limit the newest ones."""
    query = select(events).order_by(events.c.sequence.desc())
    if kind is not None:
        query = query.where(events.c.kind == kind)
    if limit is not None:
        query = query.limit(limit)
    return tuple(_event(row) for row in connection.execute(query))[::-1]


def verify(connection: Connection, where: str) -> int:
    """The number of events, each of which follows from the one before.

    Raises:
        CorruptArtifact: the log was changed.
    """
    count, head = connection.execute(select(standing.c.events, standing.c.events_head)).one()
    before, sequence = "", 0
    for sequence, row in enumerate(connection.execute(select(events).order_by(events.c.sequence)), start=1):
        event = _event(row)
        if event.sequence != sequence or event.hash != event_hash(event, before):
            raise _changed(sequence, where)
        before = event.hash
    if (sequence, before) != (count, head):
        raise _changed(sequence + 1, where)
    return int(count)


def _event(row: Row[Any]) -> Event:
    try:
        details = msgspec.json.decode(row.details)
    except (ValueError, TypeError) as error:
        raise _changed(row.sequence) from error
    return Event(
        sequence=row.sequence,
        at=row.at,
        kind=row.kind,
        subject=row.subject,
        by=row.by,
        reason=row.reason,
        details=details,
        hash=row.hash,
    )


def _changed(sequence: int, where: str = "") -> CorruptArtifact:
    return CorruptArtifact(
        f"event {sequence} of the log is not what was written",
        where=where,
        rule="The event log is only ever appended to.",
        mend="Compare with a copy of the state store: somebody changed this one by hand.",
    )
