"""What an unquoted word of YAML stands for: YAML 1.2's core schema, less what readers disagree on.

    null ~ (nothing)      nothing
    true false            yes or no
    12 -3 0o17 0x1F       a whole number
    1.5 1e3 -.5           a number
    everything else       text

DVC reads the project file with another reader (ruamel.yaml), people's tools with a third. Words on which they
disagree (`no`, `1:20`, `010`, `1_000`, `.5e3`, bare dates and moments) are refused: what is accepted has one meaning.
A bare date would even stop DVC, which cannot write it into its lock file.
"""

from __future__ import annotations

import math
import re

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:.*")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
# What one reader or another takes for a number and the core schema does not.
_ODD_NUMBER = re.compile(
    r"[-+]?(?:0[0-9_]+|0b[01_]+|[0-9][0-9_]*|0o[0-7_]+|0x[0-9a-fA-F_]+)"
    r"|[-+]?[0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9_]+(?:\.[0-9_]*)?[eE][-+]?[0-9]+"
)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_EXACT = 2**63

PlainValue = str | int | float | bool | None


class Ambiguous(ValueError):
    """A word that readers of YAML understand differently; `mend` says what to write instead."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what, self.mend = what, mend


def read_plain(text: str) -> PlainValue:
    """The value of an unquoted scalar.

    Raises:
        Ambiguous: readers of YAML disagree on it, or it is no finite number.
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text) or _BASED.fullmatch(text):
        number = int(text, 0) if len(text) < 80 else _EXACT
        if not -_EXACT <= number < _EXACT:
            raise Ambiguous(f"{_short(text)} is too large for a whole number", f"Quote it: {quoted(text)}")
        return number
    if _FLOAT.fullmatch(text):
        if not math.isfinite(value := float(text)):
            raise Ambiguous(f"{_short(text)} is not finite", "Write a number within the range of a double")
        return value
    if found := _complaint(text):
        raise Ambiguous(*found)
    return text


def _complaint(text: str) -> tuple[str, str] | None:
    quote = f"Quote it: {quoted(text)}"
    if text.lower() in {"yes", "no", "on", "off"}:
        true = "true" if text.lower() in {"yes", "on"} else "false"
        return (
            f"a bare {text} is text for some readers of YAML and {true} for others",
            f"{quote}, or write {true}",
        )
    if _NOT_FINITE.fullmatch(text):
        return f"{text} is not a finite number", "Write a number, or leave the line out"
    if _SEXAGESIMAL.fullmatch(text):
        return f"a bare {text} is a number to the base 60 for some readers of YAML", quote
    if any(char.isdigit() for char in text) and _ODD_NUMBER.fullmatch(text):
        return f"a bare {text} is one number for some readers of YAML and another, or text, for others", (
            f"{quote}, or write the number plainly, such as 8, 1000 or 0.5"
        )
    if _MOMENT.fullmatch(text):
        return f"a bare {text} is text for some readers of YAML and a date for others", quote
    if text in {"=", "<<"}:
        return f"a bare {text} has a meaning of its own in YAML", quote
    return None


def quoted(text: str) -> str:
    """The text in double quotes, as YAML wants it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
