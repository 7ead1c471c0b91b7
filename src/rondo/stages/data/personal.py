"""Columns that look like data of persons, and that nobody declared. Pure.

Names and shapes of values are looked at, not what they mean: a hint for a person, never a proof that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import polars as pl

from rondo.records.dataset import Check
from rondo.stages.data.types import logical

NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "names of persons": (
        *(("first", "name"), ("last", "name"), ("full", "name"), ("given", "name"), ("family", "name")),
        *(("firstname",), ("lastname",), ("fullname",), ("surname",), ("forename",)),
    ),
    "e-mail addresses": (("email",), ("e", "mail"), ("mail", "address")),
    "telephone numbers": (("phone",), ("telephone",), ("phone", "number"), ("mobile", "number"), ("msisdn",)),
    "home addresses": (("street",), ("street", "address"), ("home", "address"), ("postal", "address")),
    "dates of birth": (("birth", "date"), ("date", "of", "birth"), ("birthdate",), ("birthday",), ("dob",)),
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
        r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?|(?:\d{4}[ -]){3}\d{4}"
    ),
    "addresses of computers": re.compile(
        r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
    ),
}
_LOOKED_AT = 1000  # different values
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
    if kind not in {"string", "int", "date"}:
        return None
    values = column.drop_nulls().unique(maintain_order=True).head(_LOOKED_AT)
    if values.len() < _FEWEST:
        return None
    if kind == "string":
        texts = values.to_list()
        for what, shape in _SHAPES.items():
            if sum(shape.fullmatch(text.strip()) is not None for text in texts) >= _MOST * len(texts):
                return what
    named = _named(column.name)
    if named is None or (kind == "date") != (named == "dates of birth"):
        # A count of e-mails is no e-mail; a date of birth may come as text.
        return named if named == "dates of birth" and kind == "string" else None
    if kind == "int" and int(values.max() or 0) < 10**6:  # type: ignore[arg-type]
        return None
    return named


def _named(name: str) -> str | None:
    words = tuple(word.lower() for word in _WORDS.findall(name))
    return next(
        (what for what, endings in NAMES.items() for ending in endings if words[-len(ending) :] == ending),
        None,
    )
