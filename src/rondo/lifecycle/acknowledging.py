"""A person takes note of an alert: it is not repeated any more, and its end is still told."""

from __future__ import annotations

from dataclasses import replace

from rondo.errors import NotAvailable, nearest
from rondo.lifecycle.workshop import Workshop
from rondo.records.monitoring import Alert

ACKNOWLEDGED = "alert.acknowledged"


def acknowledge(workshop: Workshop, key: str, *, by: str, note: str = "") -> Alert:
    """The open alert of that key with who took note of it; one that somebody has noted already stays as it is.

    Raises:
        NotAvailable: no such alert is open.
    """
    fired = {
        alert.key: alert for alert in workshop.state.alerts(open_only=True) if alert.fired_at is not None
    }
    alert = fired.get(key)
    if alert is None:
        mend = nearest(key, fired) if fired else "No alert is open."
        raise NotAvailable(f"no open alert is named {key!r}", mend=mend)
    if alert.acknowledged_at is not None:
        return alert
    now = workshop.clock()
    noted = replace(alert, acknowledged_at=now, acknowledged_by=by)
    workshop.state.put_alerts([noted])
    workshop.state.append(ACKNOWLEDGED, key, by=by, reason=note, details={"message": alert.message}, at=now)
    return noted
