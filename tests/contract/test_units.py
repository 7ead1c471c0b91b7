"""Values with units: what people write, in base units; and nothing but ValueError for anything else."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rondo.contract.training import parse_search
from rondo.contract.units import Duration, Share, parse_limit, parse_quantity

WRITTEN = {
    "100ms": (0.1, "time"),
    "10min": (600, "time"),
    "2 years": (2 * 365.25 * 86400, "time"),
    "6 months": (365.25 * 43200, "time"),
    "500MB": (500e6, "size"),
    "2GiB": (2 * 2**30, "size"),
    "1000 req/s": (1000, "rate"),
    "60 req/min": (1, "rate"),
    "1,000 requests per second": (1000, "rate"),
    "30%": (0.3, "share"),
    "0.85": (0.85, "number"),
    "-1e-3": (-0.001, "number"),
    "$10K": (10_000, "money"),
    "₩ 1.5M/year": (1.5e6, "money"),
}
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
UNITS = st.sampled_from(["", "%", "ms", " s", "min", " weeks", "KB", " GiB", " req/s", "/min", " rps"])


@pytest.mark.parametrize("text", WRITTEN)
def test_what_people_write(text: str) -> None:
    value, dimension = WRITTEN[text]
    quantity = parse_quantity(text)
    assert quantity.value == pytest.approx(value)
    assert quantity.dimension == dimension


def test_money_keeps_currency_and_period() -> None:
    cost = parse_quantity("$10K/month")
    assert (cost.currency, cost.per_s) == ("$", 365.25 * 86400 / 12)


@pytest.mark.parametrize(
    "raw",
    ["", " ", "%", "ms", "-", "+.", "e5", "1 2", "1..2", "10 parsecs", "$10X", "$1/eon", "nan", "inf", "1e999",
     10**400, float("nan"), float("inf"), True, None, [1], "1" * 100],
)  # fmt: skip
def test_what_is_no_quantity_is_a_value_error(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_quantity(raw)


@given(st.text(max_size=80) | st.text(alphabet="0123456789.,+-e%$₩KMGiBsmhdwy/ reqpnt", max_size=20))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert parse_quantity(str(parse_quantity(text))) == parse_quantity(text)
    with suppress(ValueError):
        parse_limit(text, default_op="<")


@given(NUMBERS, UNITS)
def test_the_text_of_a_quantity_is_the_quantity(number: float, unit: str) -> None:
    quantity = parse_quantity(f"{number!r}{unit}")
    assert parse_quantity(str(quantity)) == quantity


@given(NUMBERS, st.sampled_from(["<", "<=", ">", ">="]), st.booleans())
def test_a_limit_holds_as_its_sign_says(number: float, op: str, below: bool) -> None:
    limit = parse_limit(f"{op} {number!r}", default_op="<")
    assert limit.op == op
    assert limit.holds(number) == op.endswith("=")
    assert not limit.holds(float("nan"))
    assert parse_limit(str(limit), default_op=">") == limit


@given(st.text(max_size=20) | st.integers() | st.floats() | st.booleans() | st.none())
def test_durations_and_shares_never_break(raw: Any) -> None:
    for kind in (Duration, Share):
        with suppress(ValidationError):
            TypeAdapter(kind).validate_python(raw)


def test_a_duration_too_long_for_a_calendar_is_refused() -> None:
    with pytest.raises(ValidationError, match="longer than any calendar"):
        TypeAdapter(Duration).validate_python("1e300 years")
    assert TypeAdapter(Duration).validate_python("2 weeks") == timedelta(days=14)


@given(st.text(max_size=30) | st.text(alphabet="intfloachoe(),. 0123456789-lg", max_size=30))
def test_any_text_is_a_range_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert str(parse_search(text)) == text.strip()


@pytest.mark.parametrize(
    "raw", ["int(5, 1)", "int(1, 1)", "int(0.5, 2)", "float(0, 1, log)", "float(1, inf)", "x", [], [[1]]]
)
def test_a_range_that_cannot_be_searched_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_search(raw)
