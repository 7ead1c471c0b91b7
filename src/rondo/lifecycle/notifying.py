"""Says alerts to every receiver that the contract names; what one did not take is said to it again.

Each receiver has its own record of what it has heard, so that one that is down neither loses a message nor makes the
others hear theirs twice. A receiver is known by what the project file says (`env:NAME`), never by its address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from rondo.contract.references import references
from rondo.errors import RondoError
from rondo.lifecycle.workshop import Workshop
from rondo.records.monitoring import Alert
from rondo.stages.monitoring import REMEMBERED, due, message_of, name_of

HEARD = "alerts.heard"
NOT_SENT = "alert.not_sent"
SENT = "alert.sent"


def notify(workshop: Workshop, *, now: datetime) -> None:
    """Sends what is due, and writes of each alert down when everybody has heard of it."""
    receivers = [
        receiver_name(word, number) for number, word in enumerate(workshop.project.monitoring.notify)
    ]
    if not receivers:
        return
    state, heard, since = workshop.state, _heard(workshop), now - REMEMBERED
    known = state.alerts(over_since=since)
    for receiver, word in zip(receivers, workshop.project.monitoring.notify, strict=True):
        heard[receiver] = _tell(workshop, receiver, word, known, heard.get(receiver, {}), now=now)
    names = {name_of(alert) for alert in known}
    kept = {
        receiver: {name: at.isoformat() for name, at in told.items() if name in names}
        for receiver, told in heard.items()
    }
    state.put(HEARD, kept)
    # Sending takes long: what a person or a rollout did to an alert meanwhile stays.
    by_all = [heard[receiver] for receiver in receivers]
    state.change_alerts(lambda alerts: _newly_heard(alerts, by_all), over_since=since)


def receiver_name(word: str, number: int) -> str:
    """How a receiver is named where others can read it: never by an address, which may hold a secret."""
    return word if any(True for _ in references(word)) and "://" not in word else f"notify[{number}]"


def _tell(
    workshop: Workshop,
    receiver: str,
    word: str,
    alerts: tuple[Alert, ...],
    heard: Mapping[str, datetime],
    *,
    now: datetime,
) -> dict[str, datetime]:
    """What the receiver has heard after this look."""
    asked = due(alerts, heard, repeat_every=workshop.project.monitoring.repeat_every, now=now)
    message = message_of(workshop.project.project, asked)
    if message is None:
        return dict(heard)
    details = {"receiver": receiver, "alerts": sorted({alert.key for alert in asked})}
    try:
        workshop.notifier(word).send(message.title, message.body, severity=message.severity)
    except RondoError as error:
        workshop.state.append(NOT_SENT, receiver, by="monitor", reason=str(error), details=details, at=now)
        workshop.progress.say(f"alerts were not sent to {receiver}: {error}; tried again at the next look")
        return dict(heard)
    workshop.state.append(SENT, receiver, by="monitor", reason=message.title, details=details, at=now)
    return {**heard, **dict.fromkeys(message.covers, now)}


def _newly_heard(alerts: Iterable[Alert], heard: list[dict[str, datetime]]) -> Iterable[Alert]:
    for alert in alerts:
        moments = [told[name_of(alert)] for told in heard if name_of(alert) in told]
        if len(moments) == len(heard) and min(moments) != alert.sent_at:
            yield replace(alert, sent_at=min(moments))


def _heard(workshop: Workshop) -> dict[str, dict[str, datetime]]:
    kept: Mapping[str, Mapping[str, str]] = workshop.state.get(HEARD) or {}
    return {
        receiver: {name: datetime.fromisoformat(at) for name, at in told.items()}
        for receiver, told in kept.items()
    }
