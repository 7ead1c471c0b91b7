"""Days that come again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from rondo.contract.calendar import Days


@pytest.mark.parametrize(
    ("days", "inside", "outside"),
    [
        ({"weekday": "saturday"}, date(2026, 11, 28), date(2026, 11, 27)),
        ({"from": "12-15", "to": "01-05"}, date(2026, 12, 15), date(2026, 12, 14)),
        ({"from": "12-15", "to": "01-05"}, date(2027, 1, 5), date(2027, 1, 6)),
        ({"from": "03-01", "to": "03-10"}, date(2024, 3, 10), date(2024, 3, 11)),
        ({"from": "2026-12-15", "to": "2027-01-05"}, date(2027, 1, 1), date(2028, 1, 1)),
        ({"from": "12-25"}, date(2030, 12, 25), date(2030, 12, 26)),
        ({"from": "02-29"}, date(2028, 2, 29), date(2027, 2, 28)),
        ({"from": date(2026, 5, 1)}, date(2026, 5, 1), date(2027, 5, 1)),
    ],
)
def test_days_cover_themselves_and_no_others(days: dict[str, Any], inside: date, outside: date) -> None:
    found = Days.model_validate(days)
    assert found.cover(inside)
    assert not found.cover(outside)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ({}, "exactly one"),
        ({"weekday": "friday", "from": "12-24"}, "exactly one"),
        ({"weekday": "friday", "to": "12-24"}, "to without from"),
        ({"weekday": "someday"}, "weekday"),
        ({"from": "13-01"}, "is not a day"),
        ({"from": "2026-02-30"}, "is not a day"),
        ({"from": "12-15", "to": "2027-01-05"}, "one end has a year"),
        ({"from": "2027-01-05", "to": "2026-12-15"}, "the earlier day comes first"),
    ],
)
def test_what_is_no_day_is_refused(days: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Days.model_validate(days)
