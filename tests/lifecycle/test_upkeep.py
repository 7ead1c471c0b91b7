from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rondo.lifecycle.upkeep import LOOK_EVERY, Due, due

NOW = datetime(2026, 3, 1, 2, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last_scheduled", "last_look", "expected"),
    [
        (NOW - timedelta(hours=1), None, Due(round=True, look=True)),
        (NOW - timedelta(seconds=29), NOW, Due(round=False, look=False)),
        (NOW - timedelta(days=3), NOW - LOOK_EVERY, Due(round=True, look=True)),
        (NOW, NOW - LOOK_EVERY / 2, Due(round=False, look=False)),
    ],
)
def test_what_is_due(last_scheduled: datetime, last_look: datetime | None, expected: Due) -> None:
    assert due("0 2 * * *", "UTC", last_scheduled=last_scheduled, last_look=last_look, now=NOW) == expected


def test_without_a_schedule_only_looks_are_due() -> None:
    long_ago = NOW - timedelta(days=400)
    assert due(None, "UTC", last_scheduled=long_ago, last_look=None, now=NOW) == Due(round=False, look=True)
