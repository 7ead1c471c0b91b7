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
    now = workshop.clock()

    def noted(known: tuple[Alert, ...]) -> tuple[Alert, ...]:
        alert = _fired(known, key)
        if alert.acknowledged_at is not None:
            return ()
        return (replace(alert, acknowledged_at=now, acknowledged_by=by),)

    for alert in workshop.state.change_alerts(noted):
        details = {"message": alert.message}
        workshop.state.append(ACKNOWLEDGED, key, by=by, reason=note, details=details, at=now)
        return alert
    return _fired(workshop.state.alerts(open_only=True), key)


def _fired(known: tuple[Alert, ...], key: str) -> Alert:
    fired = {alert.key: alert for alert in known if alert.fired_at is not None}
    if key not in fired:
        mend = nearest(key, fired) if fired else "No alert is open."
        raise NotAvailable(f"no open alert is named {key!r}", mend=mend)
    return fired[key]
