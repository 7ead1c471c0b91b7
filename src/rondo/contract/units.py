"""Values with units, as people write them: `< 100ms`, `1000 req/s`, `$10K/month`, `2 years`.

A quantity is kept in its base unit, so that two quantities of the same dimension compare as numbers:

    dimension   base unit   written as
    time        s           100ms, 10min, 2h, 30d, 2 weeks, 2 years (of 365.25 days), 6 months (a twelfth)
    size        B           500MB (10^6), 2GiB (2^30)
    rate        1/s         1000 req/s, 60 req/min
    share       1           30%, 99.9%
    money       currency    $10K, $10K/month (an amount per period keeps the period)
    number      none        0.85
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

Dimension = Literal["time", "size", "rate", "share", "money", "number"]

LONGEST = 64  # characters; no quantity that a person writes is longer
YEAR_S = 365.25 * 86_400.0
_TIME_S = {
    "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "d": 86_400.0, "day": 86_400.0,
    "w": 604_800.0, "week": 604_800.0,
    "mo": YEAR_S / 12, "month": YEAR_S / 12, "y": YEAR_S, "yr": YEAR_S, "year": YEAR_S,
}  # fmt: skip
_SIZE_B = {
    "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
    "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40,
}  # fmt: skip
_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_NUMBER = r"[-+]?(?:\d+(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]?\d+)?"
_QUANTITY = re.compile(
    rf"^\s*(?P<currency>[$€£¥₩])?\s*(?P<number>{_NUMBER})\s*(?P<unit>[^\d\s].*?)?\s*$", re.IGNORECASE
)
_LIMIT = re.compile(r"^\s*(?P<op><=|>=|<|>|≤|≥)?\s*(?P<rest>.+)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the base unit of its dimension; `text` is what the person wrote."""

    value: float
    dimension: Dimension
    text: str
    currency: str = ""
    per_s: float = 0.0  # money only: the period in seconds, 0 = a plain amount

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Limit:
    """A quantity that something must stay below or above."""

    op: Literal["<", "<=", ">", ">="]
    quantity: Quantity

    def holds(self, value: float) -> bool:
        """Whether `value` (in the base unit) respects the limit; NaN never does."""
        bound = self.quantity.value
        match self.op:
            case "<":
                return value < bound
            case "<=":
                return value <= bound
            case ">":
                return value > bound
            case ">=":
                return value >= bound

    def __str__(self) -> str:
        return f"{self.op} {self.quantity}"


def parse_quantity(raw: Any) -> Quantity:
    """The quantity that a person wrote.

    Raises:
        ValueError: it is not a number with a known unit.
    """
    if isinstance(raw, Quantity):
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError(f"a number with a unit is expected, found {type(raw).__name__}")
    if isinstance(raw, int | float):
        return _finite(Quantity(_float(raw), "number", f"{raw}"))
    if len(raw) > LONGEST:
        raise ValueError(f"a number with a unit is expected, found a text of {len(raw)} characters")
    found = _QUANTITY.match(raw)
    if not found or not any(char.isdigit() for char in found["number"]):
        raise ValueError(
            f"{raw!r} is not a number with a unit; write it like 100ms, 30%, 500MB, 1000 req/s or 2 years"
        )
    number = _float(found["number"].replace(",", ""))
    unit = (found["unit"] or "").strip()
    if found["currency"]:
        return _finite(_money(number, unit, found["currency"], raw))
    return _finite(_with_unit(number, unit, raw))


def _float(raw: int | float | str) -> float:
    try:
        return float(raw)
    except OverflowError:
        raise ValueError("the number is too large") from None
    except ValueError:
        raise ValueError(f"{raw!r} is not a number") from None


def _finite(quantity: Quantity) -> Quantity:
    if not math.isfinite(quantity.value):
        raise ValueError(f"{quantity.text!r} is not a finite number")
    return quantity


def _singular(unit: str) -> str:
    return unit[:-1] if len(unit) > 2 and unit.endswith("s") and unit not in _TIME_S else unit


def _with_unit(number: float, unit: str, text: str) -> Quantity:
    lower = unit.lower()
    if not unit:
        return Quantity(number, "number", text)
    if unit == "%":
        return Quantity(number / 100.0, "share", text)
    if (time_unit := _singular(lower)) in _TIME_S:
        return Quantity(number * _TIME_S[time_unit], "time", text)
    if lower in _SIZE_B:
        return Quantity(number * _SIZE_B[lower], "size", text)
    rate = re.fullmatch(r"(?:req|reqs|requests?|rows?|events?)?\s*(?:/|per)\s*([a-z]+)", lower)
    if rate and (period := _singular(rate[1])) in _TIME_S:
        return Quantity(number / _TIME_S[period], "rate", text)
    if lower in {"rps", "qps"}:
        return Quantity(number, "rate", text)
    raise ValueError(
        f"the unit {unit!r} of {text!r} is not known; "
        "known: ms s min h d weeks months years, KB MB GB KiB MiB GiB, %, req/s, $"
    )


def _money(number: float, unit: str, currency: str, text: str) -> Quantity:
    amount, _, period = unit.partition("/")
    scale = _SCALE.get(amount.strip().lower())
    if scale is None:
        raise ValueError(f"the unit {unit!r} of {text!r} is not known; money is written like $10K/month")
    per_s = 0.0
    if period:
        named = _singular(period.strip().lower())
        if named not in _TIME_S:
            raise ValueError(f"the period {period!r} of {text!r} is not known; write /day, /month or /year")
        per_s = _TIME_S[named]
    return Quantity(number * scale, "money", text, currency, per_s)


def parse_limit(raw: Any, *, default_op: Literal["<", "<=", ">", ">="]) -> Limit:
    """The limit that a person wrote; without a sign the default one.

    Raises:
        ValueError: it is not a limit with a known unit.
    """
    if isinstance(raw, Limit):
        return raw
    if not isinstance(raw, str) or len(raw) > LONGEST:
        return Limit(default_op, parse_quantity(raw))
    found = _LIMIT.match(raw)
    if not found:
        raise ValueError(f"{raw!r} is not a limit such as '< 100ms'")
    op = (found["op"] or default_op).replace("≤", "<=").replace("≥", ">=")
    return Limit(op, parse_quantity(found["rest"]))  # type: ignore[arg-type]


_EXAMPLE: dict[Dimension, str] = {
    "time": "100ms", "size": "500MB", "rate": "1000 req/s", "share": "30%", "money": "$10K/month",
    "number": "0.85",
}  # fmt: skip


def _unexpected(quantity: Quantity, allowed: tuple[Dimension, ...]) -> str:
    found, expected = quantity.dimension, " or ".join(allowed)
    return f"{quantity.text!r} is a {found}; a {expected} is expected, such as {_EXAMPLE[allowed[0]]}"


def _expect(dimension: Dimension, *also: Dimension) -> Callable[[Any], Quantity]:
    allowed = (dimension, *also)

    def check(raw: Any) -> Quantity:
        quantity = parse_quantity(raw)
        if quantity.dimension not in allowed:
            raise ValueError(_unexpected(quantity, allowed))
        return quantity

    return check


def _expect_limit(op: Literal["<", "<=", ">", ">="], *allowed: Dimension) -> Callable[[Any], Limit]:
    def check(raw: Any) -> Limit:
        limit = parse_limit(raw, default_op=op)
        if limit.quantity.dimension not in allowed:
            raise ValueError(_unexpected(limit.quantity, allowed))
        return limit

    return check


def _duration(raw: Any) -> timedelta:
    if isinstance(raw, timedelta):
        return raw
    quantity = _expect("time")(raw)
    if quantity.value < 0:
        raise ValueError(f"{quantity.text!r} is negative; a duration is 0 or longer")
    try:
        return timedelta(seconds=quantity.value)
    except OverflowError:
        raise ValueError(
            f"{quantity.text!r} is longer than any calendar; at most 2 million years fit"
        ) from None


def _share(raw: Any) -> float:
    quantity = _expect("share", "number")(raw)
    if not 0.0 <= quantity.value <= 1.0:
        raise ValueError(f"{quantity.text!r} is not a share; a share lies between 0% and 100%, or 0 and 1")
    return quantity.value


_TEXT: Any = PlainSerializer(str, return_type=str)
_UNIT_SCHEMA = WithJsonSchema(
    {"type": ["string", "number"], "description": "a number, with a unit where it has one"}
)

AnyQuantity = Annotated[Quantity, BeforeValidator(parse_quantity), _TEXT, _UNIT_SCHEMA]
SizeLimit = Annotated[Limit, BeforeValidator(_expect_limit("<", "size")), _TEXT, _UNIT_SCHEMA]
LatencyLimit = Annotated[Limit, BeforeValidator(_expect_limit("<", "time")), _TEXT, _UNIT_SCHEMA]
ThroughputLimit = Annotated[Limit, BeforeValidator(_expect_limit(">=", "rate")), _TEXT, _UNIT_SCHEMA]
UpperLimit = Annotated[
    Limit, BeforeValidator(_expect_limit(">", "share", "time", "number", "rate")), _TEXT, _UNIT_SCHEMA
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(lambda d: f"{d.total_seconds():g}s", return_type=str),
    _UNIT_SCHEMA,
]
"""A length of time; in the project file `30d`, `10min`, `2 years`."""
Share = Annotated[float, BeforeValidator(_share), _UNIT_SCHEMA]
"""A fraction from 0 to 1; in the project file `20%` or `0.2`."""
