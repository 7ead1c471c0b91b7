"""What a file is by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rondo.errors import UsageError

FileKind = Literal["parquet", "csv", "jsonl"]

_KINDS: dict[str, FileKind] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


def kind_of(path: Path) -> FileKind:
    """The kind that the file's ending names.

    Raises:
        UsageError: it names none that is known.
    """
    if kind := _KINDS.get(path.suffix.lower()):
        return kind
    raise UsageError(
        f"{path.name!r} does not say what it is", where=str(path), rule=f"It ends in {', '.join(_KINDS)}"
    )
