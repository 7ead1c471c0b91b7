"""What the data room leaves: one versioned table, with what was checked and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

CheckStatus = Literal["passed", "warned", "failed", "not_computable"]
STOPPING: frozenset[CheckStatus] = frozenset({"failed", "not_computable"})
"""A warning is told and stops nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its logical type: string, int, float, bool, date or datetime."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Extract:
    """What one source gave: `file` is relative to the raw folder; `sha256` is of that file."""

    source: str
    kind: Literal["sql", "files", "http"]
    rows: int
    columns: tuple[Column, ...]
    file: str
    sha256: str
    read_at: datetime
    origin: str  # where it was read, secrets masked
    seconds: float | None = None  # how long reading took, retries included


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the data: what was found against which rule. Not computable is never passed.

    A warning names what a person should look at; the data is used all the same.
    """

    name: str
    status: CheckStatus
    found: str
    rule: str
    column: str | None = None
    examples: tuple[str, ...] = ()
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A processed table. `file` is relative to the processed folder; times are UTC."""

    version: str
    version_reason: str
    content_hash: str  # of the values, not of the file: equal data hash equally
    rows: int
    columns: tuple[Column, ...]
    file: str
    processed_at: datetime
    event_from: datetime | None = None
    event_to: datetime | None = None
    checks: tuple[Check, ...] = ()
    extracts: tuple[Extract, ...] = ()
