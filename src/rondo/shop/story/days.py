"""The days of the shop on which the story plays; each chapter sets the clock to one of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

START = date(2023, 1, 1)
FIRST = date(2024, 11, 1)
"""The first model: after 22 months."""
TOLD = date(2025, 1, 1)
"""What became of the customers of that day is known."""
CHANGE = date(2025, 3, 1)
"""Prices rise and a new app arrives."""
LATER = date(2025, 11, 1)
END = date(2026, 1, 1)
HORIZON = timedelta(days=60)
AFTERWARDS = END + HORIZON


def moment(day: date) -> datetime:
    """The first moment of the day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
