"""What has to be said to a receiver, given what it has heard. Pure.

An alert is said when it has fired, again every `repeat_every` while it is open and nobody has acknowledged it, and
once more when it is over. What a receiver did not take is due again at the next look. A figure that goes back and
forth is said at most once per QUIET; what fires in between waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from rondo.records.monitoring import Alert

QUIET = timedelta(hours=1)
REMEMBERED = timedelta(days=7)
"""Alerts that are over for longer are not said any more."""
Severity = Literal["warning", "critical", "recovered"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message about everything that is due, and the names of the alerts that it covers."""

    title: str
    body: str
    severity: Severity
    covers: tuple[str, ...]


def name_of(alert: Alert) -> str:
    """The alert among all alerts that ever were."""
    return f"{alert.key}@{alert.opened_at.isoformat()}"


def due(
    alerts: Iterable[Alert], heard: Mapping[str, datetime], *, repeat_every: timedelta, now: datetime
) -> tuple[Alert, ...]:
    """The alerts that the receiver has to hear of now.

    Args:
        heard: when the receiver last took a message about an alert, by name.
    """
    newest: dict[str, list[Alert]] = {}
    for alert in sorted(alerts, key=lambda one: one.opened_at):
        if alert.fired_at is not None:
            newest.setdefault(alert.key, []).append(alert)
    return tuple(
        alert
        for same in newest.values()
        for alert in same
        if _is_due(alert, same, heard, repeat_every=repeat_every, now=now)
    )


def message_of(project: str, alerts: Sequence[Alert]) -> Message | None:
    """One message about these alerts, the worst first; None when there are none."""
    if not alerts:
        return None
    order = {"critical": 0, "warning": 1}
    going_on = sorted((a for a in alerts if a.recovered_at is None), key=lambda a: (order[a.severity], a.key))
    over = sorted((a for a in alerts if a.recovered_at is not None), key=lambda a: a.key)
    counts = [
        f"{count} {word}"
        for word, count in (
            ("critical", sum(a.severity == "critical" for a in going_on)),
            ("warning", sum(a.severity == "warning" for a in going_on)),
            ("over", len(over)),
        )
        if count
    ]
    lines = [f"{a.severity}: {a.message}, since {_moment(a.opened_at)}" for a in going_on]
    lines += [f"over: {a.message}, from {_moment(a.opened_at)} to {_moment(a.recovered_at)}" for a in over]
    lines.append("`rondo alerts` lists them, `rondo alerts ack KEY` stops the repetition.")
    severity: Severity = going_on[0].severity if going_on else "recovered"
    covers = tuple(name_of(alert) for alert in (*going_on, *over))
    return Message(f"{project}: {', '.join(counts)}", "\n".join(lines), severity, covers)


def _is_due(
    alert: Alert,
    same: Sequence[Alert],
    heard: Mapping[str, datetime],
    *,
    repeat_every: timedelta,
    now: datetime,
) -> bool:
    last = heard.get(name_of(alert))
    if alert.recovered_at is not None and now - alert.recovered_at > REMEMBERED:
        return False
    if last is None:
        of_its_key = [heard[name_of(one)] for one in same if name_of(one) in heard]
        return not of_its_key or now - max(of_its_key) >= QUIET
    if alert.recovered_at is not None:
        return last < alert.recovered_at
    return alert.acknowledged_at is None and now - last >= repeat_every


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "?"
