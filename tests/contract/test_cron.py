from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.cron import parse_cron


def test_fields_are_read() -> None:
    cron = parse_cron("*/15 9-17/4 1,15 jan-mar mon,7")
    assert cron.minutes == {0, 15, 30, 45}
    assert cron.hours == {9, 13, 17}
    assert (cron.days, cron.months, cron.weekdays) == ({1, 15}, {1, 2, 3}, {0, 1})


def test_sunday_is_0_and_7() -> None:
    sunday, monday = date(2024, 1, 7), date(2024, 1, 8)
    for text in ("0 2 * * 0", "0 2 * * 7", "0 2 * * sun"):
        assert parse_cron(text).fires_on(sunday)
        assert not parse_cron(text).fires_on(monday)


def test_either_day_fires_when_both_are_restricted() -> None:
    cron = parse_cron("0 0 13 * fri")
    assert cron.fires_on(date(2024, 2, 13))  # a Tuesday
    assert cron.fires_on(date(2024, 2, 16))  # a Friday
    assert not cron.fires_on(date(2024, 2, 14))


@pytest.mark.parametrize(("text", "fires"), [("0 0 31 2 *", False), ("0 0 30 2 *", False), ("0 0 29 2 *", True),
                                             ("0 0 31 4,6 *", False), ("0 0 31 2 mon", True), ("0 2 * * *", True),
                                             ("@weekly", True)])  # fmt: skip
def test_a_schedule_that_never_fires_is_known(text: str, fires: bool) -> None:
    assert parse_cron(text).ever_fires() == fires


@pytest.mark.parametrize("text", ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
                                  "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "1, * * * *", "-1 * * * *",
                                  "1-2-3 * * * *", "१ * * * *"])  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_cron(text)


@given(st.text(alphabet="0123456789*/-, abdejmnotu@", max_size=20))
def test_any_text_is_a_schedule_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_cron(text).ever_fires()
