from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rondo.contract.cron import parse_cron
from rondo.lifecycle.schedule import is_due, next_due

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("0 2 * * *", "2026-01-01T01:59", "2026-01-01T02:00"),
        ("0 2 * * *", "2026-01-01T02:00", "2026-01-02T02:00"),
        ("*/15 * * * *", "2026-01-01T23:50", "2026-01-02T00:00"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
    ],
)
def test_the_next_slot(schedule: str, after: str, due: str) -> None:
    assert next_due(parse_cron(schedule), UTC_ZONE, at(after)) == at(due)


@pytest.mark.parametrize("hour", [2, 3])
def test_every_day_has_one_slot_also_when_clocks_change(hour: int) -> None:
    cron = parse_cron(f"30 {hour} * * *")
    moment, slots = at("2025-12-31T12:00"), []
    while (due := next_due(cron, BERLIN, moment)) is not None and due < at("2026-12-31T12:00"):
        slots.append(due.astimezone(BERLIN).date())
        moment = due
    assert len(slots) == len(set(slots)) == 365


def test_missed_slots_are_one_round() -> None:
    cron = parse_cron("0 2 * * *")
    last, now = at("2026-01-01T02:00"), at("2026-01-05T12:00")
    assert is_due(cron, UTC_ZONE, last=last, now=now)
    assert not is_due(cron, UTC_ZONE, last=now, now=now + timedelta(hours=13))
