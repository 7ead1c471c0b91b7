"""alerts: what is open, and who has taken note of it."""

from __future__ import annotations

from pathlib import Path

from rondo.cli.output import person, progress, say, say_json, table
from rondo.errors import UsageError
from rondo.records.monitoring import Alert

RECENT = 20


def alerts(folder: Path, action: str, key: str | None, note: str, all_: bool, as_json: bool) -> None:
    """Lists alerts, or acknowledges one."""
    if action == "list":
        _list(folder, all_, as_json)
    elif action == "ack" and key:
        _acknowledge(folder, key, note, as_json)
    elif action == "ack":
        raise UsageError(
            "`rondo alerts ack` needs the key of an alert", mend="`rondo alerts` lists the keys."
        )
    else:
        raise UsageError(f"alerts has no action {action!r}", mend="It is `list` or `ack KEY`.")


def _list(folder: Path, all_: bool, as_json: bool) -> None:
    from rondo.assembly import open_project
    from rondo.lifecycle.heartbeat import heartbeat

    workshop = open_project(folder, progress=progress())
    found = workshop.state.alerts(open_only=not all_)
    if as_json:
        say_json(found)
        return
    shown = found[-RECENT:]
    if shown:
        head = ("alert", "state", "severity", "since (UTC)", "told", "what")
        table(head, [_row(alert) for alert in shown])
    else:
        say("No alert is open." if not all_ else "There has been no alert yet.")
    alive = heartbeat(workshop)
    say(f"{alive.told[0].upper()}{alive.told[1:]}.")


def _acknowledge(folder: Path, key: str, note: str, as_json: bool) -> None:
    from rondo.assembly import open_project
    from rondo.lifecycle.acknowledging import acknowledge

    noted = acknowledge(open_project(folder), key, by=person(otherwise="rondo alerts"), note=note)
    if as_json:
        say_json(noted)
    else:
        say(f"{noted.key}: noted by {noted.acknowledged_by}. It is not repeated; its end will be told.")


def _row(alert: Alert) -> tuple[str, ...]:
    told = f"{alert.sent_at:%m-%d %H:%M}" if alert.sent_at else "no"
    return (
        alert.key,
        state_of(alert),
        alert.severity,
        f"{alert.opened_at:%Y-%m-%d %H:%M}",
        told,
        alert.message,
    )


def state_of(alert: Alert) -> str:
    """Where the alert stands, in a word or two."""
    if alert.recovered_at is not None:
        return "over"
    if alert.fired_at is None:
        return "pending"
    return f"noted by {alert.acknowledged_by}" if alert.acknowledged_at else "open"
