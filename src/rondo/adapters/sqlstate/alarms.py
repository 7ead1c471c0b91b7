"""Alerts: each one a row, open until it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, insert, select

from rondo.adapters.sqlstate.tables import alerts
from rondo.records.files import from_json
from rondo.records.monitoring import Alert, check_figures


def read(connection: Connection, *, open_only: bool, over_since: datetime | None) -> tuple[Alert, ...]:
    """Alerts in order of opening."""
    query = select(alerts.c.body).order_by(alerts.c.opened_at, alerts.c.key)
    is_open = alerts.c.recovered_at.is_(None)
    if open_only:
        query = query.where(is_open)
    elif over_since is not None:
        query = query.where(is_open | (alerts.c.recovered_at >= over_since))
    return tuple(from_json(body, Alert) for body in connection.execute(query).scalars())


def write(connection: Connection, changed: Sequence[Alert]) -> None:
    """Keeps the alerts, new ones and known ones.

    Raises:
        DataError: one is about a figure that is not a number.
    """
    check_figures(changed)
    for alert in changed:
        same = (alerts.c.key == alert.key) & (alerts.c.opened_at == alert.opened_at)
        connection.execute(delete(alerts).where(same))
        connection.execute(
            insert(alerts).values(
                key=alert.key,
                opened_at=alert.opened_at,
                recovered_at=alert.recovered_at,
                body=msgspec.json.encode(alert).decode(),
            )
        )
