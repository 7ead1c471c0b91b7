"""Rollouts: each one a row, changed together with the routes that it moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select

from rondo.adapters.sqlstate import journal, traffic
from rondo.adapters.sqlstate.tables import rollouts
from rondo.records.files import from_json
from rondo.records.release import Switch
from rondo.records.releasing import rollout_after, rollout_details
from rondo.records.rollout import Rollout


def read(connection: Connection, *, limit: int) -> tuple[Rollout, ...]:
    """The newest rollouts, oldest first."""
    query = select(rollouts.c.number, rollouts.c.body).order_by(rollouts.c.number.desc()).limit(limit)
    return tuple(
        from_json(row.body, Rollout, where=f"rollout {row.number}") for row in connection.execute(query)
    )[::-1]


def advance(
    connection: Connection,
    rollout: Rollout,
    *,
    kind: str,
    by: str,
    reason: str,
    at: datetime,
    change: Switch | None,
    details: Mapping[str, Any] | None,
) -> Rollout:
    """The rollout as it stands afterwards."""
    before = read(connection, limit=1)
    body = msgspec.json.encode(rollout_after(rollout, before[-1] if before else None)).decode()
    after = from_json(body, Rollout)
    if change is not None:
        traffic.carry_out(connection, change, at=at)
    connection.execute(delete(rollouts).where(rollouts.c.number == after.number))
    connection.execute(
        insert(rollouts).values(number=after.number, under_way=0 if after.ended else 1, body=body)
    )
    journal.append(
        connection,
        kind,
        after.candidate,
        by=by,
        reason=reason,
        details=rollout_details(after, details),
        at=at,
    )
    return after
