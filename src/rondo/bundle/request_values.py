"""Checks of the values that requests bring: of the right type or refused, never silently made another."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from rondo.bundle.plan import InputType

Check = Callable[[Any], Any]
"""Gives the value in the type that the plan asks for (None stays None); raises Refused."""

_INT64 = 2**63


class Refused(ValueError):
    """A value that cannot be used; says what was found and what is asked, and perhaps a mend."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what, "", mend)

    def __str__(self) -> str:
        return str(self.args[0])


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, int | float):
        return f"the number {value!r}"[:60]
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else type(value).__name__


def number(value: Any) -> float | None:
    """A finite number."""
    if value is None:
        return None
    if type(value) is float:
        if not math.isfinite(value):
            raise Refused(f"a number is expected, found {value!r}; a missing value is written null")
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Refused(f"a number is expected, found one with {len(str(value))} digits") from None
    raise Refused(f"a number is expected, found {_found(value)}")


def integer(value: Any) -> int | None:
    """A whole number of 64 bits; 3.0 is 3, 3.5 is refused."""
    if value is None:
        return None
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not -_INT64 <= value < _INT64:
        raise Refused(f"a whole number is expected, found {_found(value)}")
    return int(value)


def truth(value: Any) -> bool | None:
    """true or false."""
    if value is None or isinstance(value, bool):
        return value
    raise Refused(f"true or false is expected, found {_found(value)}")


def text(value: Any) -> str | None:
    """A text."""
    if value is None or isinstance(value, str):
        return value
    raise Refused(f"a text is expected, found {_found(value)}")


def moment(value: Any) -> datetime | None:
    """A moment in UTC, from a datetime or ISO 8601 text; without a zone it is UTC."""
    if value is None:
        return None
    if type(value) is str:
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise Refused(f"a moment such as 2024-05-01T12:00:00Z is expected, found {_found(value)}")
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise Refused("a moment between the years 1 and 9999 is expected") from None


CHECKS: dict[InputType, Check] = {
    "float": number,
    "int": integer,
    "bool": truth,
    "string": text,
    "datetime": moment,
}


def category(value: Any) -> str | None:
    """A category given directly: a text, or a whole number or truth value, which the batch side writes so."""
    if value is None or isinstance(value, str):
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    raise Refused(f"a text is expected, found {_found(value)}")
