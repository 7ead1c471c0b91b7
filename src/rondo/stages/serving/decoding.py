"""JSON bodies, strictly: no NaN, no name twice, no depth without end, UTF-8 without a byte order mark."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from rondo.stages.serving.problems import Refusal, one_fault

MAX_DEPTH = 32
_decode = msgspec.json.Decoder().decode


def decode(body: bytes) -> Any:
    """The body's value.

    Raises:
        Refusal: 400, it is not JSON as this server takes it.
    """
    try:
        value = _decode(body)
    except msgspec.ValidationError as error:  # a number beyond any type
        raise one_fault(400, "number_out_of_range", f"The body is not usable JSON: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "NaN and Infinity are no JSON; a missing value is written null." if b"N" in body else ""
        raise one_fault(400, "malformed_json", f"The body is not JSON: {_plain(error)}", hint=hint) from error
    except RecursionError as error:
        raise _too_deep() from error
    # Every name is followed by one colon, so more colons than names mean a name twice, or colons in texts.
    # Depth without lists needs names, too.
    if type(value) is dict and body.count(b":") == len(value) and b"[" not in body:
        return value
    names, colons = _measure(value, 0)
    if body.count(b":") != names + colons or b"\\" in body:
        _refuse_twice(body)
    return value


def _plain(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.start})"
    return str(error).removeprefix("JSON is malformed: ") or "it cannot be read"


def _measure(value: Any, depth: int) -> tuple[int, int]:
    """How many names a value has at any depth, and how many colons its texts."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    kind = type(value)
    if kind is str:
        return 0, value.count(":")
    names = colons = 0
    if kind is dict:
        for name, part in value.items():
            names += 1
            colons += name.count(":")
            part_kind = type(part)
            if part_kind is str:
                colons += part.count(":")
            elif part_kind is dict or part_kind is list:
                inner = _measure(part, depth + 1)
                names, colons = names + inner[0], colons + inner[1]
    elif kind is list:
        for part in value:
            part_kind = type(part)
            if part_kind is dict or part_kind is list or part_kind is str:
                inner = _measure(part, depth + 1)
                names, colons = names + inner[0], colons + inner[1]
    return names, colons


def _too_deep() -> Refusal:
    return one_fault(400, "too_deep", f"The body is nested deeper than {MAX_DEPTH} levels")


def _refuse_twice(body: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise one_fault(
                    400, "duplicate_name", f"The name {name[:80]!r} is given twice", loc=(name[:80],)
                )
            seen.add(name)

    # Numbers are left as text: their limits were checked by the decoder before.
    json.loads(body, object_pairs_hook=once, parse_int=str, parse_float=str)
