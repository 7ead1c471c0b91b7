"""Columns that look like data of persons, and that nobody declared. Pure.

Names and shapes of values are looked at, not what they mean: a hint for a person, never a proof that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import polars as pl

from rondo.records.dataset import Check
from rondo.stages.data.types import logical

_BIRTH = "dates of birth"
NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "names of persons": (
        *(("first", "name"), ("last", "name"), ("full", "name"), ("given", "name"), ("family", "name")),
        *(("firstname",), ("lastname",), ("fullname",), ("surname",), ("forename",)),
    ),
    "e-mail addresses": (("email",), ("e", "mail"), ("mail", "address")),
    "telephone numbers": (("phone",), ("telephone",), ("phone", "number"), ("mobile", "number"), ("msisdn",)),
    "home addresses": (("street",), ("street", "address"), ("home", "address"), ("postal", "address")),
    _BIRTH: (("birth", "date"), ("date", "of", "birth"), ("birthdate",), ("birthday",), ("dob",)),
    "numbers of identity papers": (
        ("ssn",),
        ("social", "security"),
        ("passport",),
        ("national", "id"),
        ("tax", "id"),
    ),
    "account or card numbers": (("iban",), ("credit", "card"), ("card", "number"), ("account", "number")),
    "addresses of computers": (("ip", "address"), ("ip",)),
}
"""What a column may hold, with the words at the end of its name that say so."""
_SHAPES = {
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "telephone numbers": re.compile(r"\+\d[\d ()/.-]{6,18}\d"),
    "account or card numbers": re.compile(
        r"(?P<iban>[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30})|(?:\d{4}[ -]){3}\d{4}"
    ),
    "addresses of computers": re.compile(
        r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
    ),
}
_ROWS = 50_000  # looked at, from all over the table
_LOOKED_AT = 1000  # different values of them
_MOST = 0.9  # of those looked at have the shape
_FEWEST = 5  # different values; fewer name groups, not persons
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def personal(table: pl.DataFrame, declared: Collection[str]) -> Iterator[Check]:
    """A warning for each column that looks like it.

    Args:
        table: plain (see `types.py`).
        declared: columns that the project knows to hold such data.
    """
    for name in table.columns:
        if name not in declared and (what := _looks_like(table.get_column(name))):
            yield Check(
                "personal_data",
                "warned",
                f"it looks like {what}",
                "data of persons is declared",
                name,  # no examples: a report is the last place for them
                mend=f"Leave it out of its source, or add {name} to data.validate.personal",
            )


def _looks_like(column: pl.Series) -> str | None:
    kind = logical(column.dtype)
    if kind not in {"string", "int", "date", "datetime"}:
        return None
    known = column.drop_nulls()
    some = known.gather_every(max(1, known.len() // _ROWS))
    values = some.unique(maintain_order=True).head(_LOOKED_AT)
    if values.len() < _FEWEST:
        return None
    named = _named(column.name)
    if kind == "string":
        return _shaped(values.to_list()) or named
    if kind == "int":  # a count of e-mails is no e-mail
        return named if named != _BIRTH and int(values.max() or 0) >= 10**6 else None  # type: ignore[arg-type]
    return named if named == _BIRTH else None


def _shaped(texts: Sequence[str]) -> str | None:
    for what, shape in _SHAPES.items():
        found = (shape.fullmatch(text.strip()) for text in texts)
        if sum(match is not None and _is_whole(match) for match in found) >= _MOST * len(texts):
            return what
    return None


def _is_whole(found: re.Match[str]) -> bool:
    """Whether an account number has the check digits of one: other numbers begin with two letters, too."""
    account = found.groupdict().get("iban")
    if account is None:
        return True
    signs = account.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def _named(name: str) -> str | None:
    words = tuple(word.lower() for word in _WORDS.findall(name))
    return next(
        (what for what, endings in NAMES.items() for ending in endings if words[-len(ending) :] == ending),
        None,
    )
