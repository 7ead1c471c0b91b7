"""The semantic version of data. Pure.

MAJOR   a column is gone or has another type: who reads it may break
MINOR   a column came, or the sources changed: more or other data, nothing breaks
PATCH   other rows or values
same    the same values
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from rondo.errors import CorruptArtifact
from rondo.records.dataset import Column, Dataset

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
_SHOWN = 5


def next_version(
    previous: Dataset | None,
    columns: Sequence[Column],
    sources: Collection[str],
    content_hash: str,
    rows: int,
) -> tuple[str, str]:
    """The version of the new table, and the reason in words.

    Args:
        sources: names of the sources it was made from.

    Raises:
        CorruptArtifact: the previous version is no semantic version.
    """
    if previous is None:
        return "1.0.0", "first version"
    major, minor, patch = _numbers(previous.version)
    if content_hash == previous.content_hash:
        return previous.version, f"same values as {previous.version}"
    before = {column.name: column.type for column in previous.columns}
    after = {column.name: column.type for column in columns}
    if broken := _broken(before, after):
        return f"{major + 1}.0.0", "; ".join(broken)
    if more := _more(before, after, {extract.source for extract in previous.extracts}, set(sources)):
        return f"{major}.{minor + 1}.0", "; ".join(more)
    return f"{major}.{minor}.{patch + 1}", _rows(previous.rows, rows)


def _numbers(version: str) -> tuple[int, int, int]:
    found = _VERSION.fullmatch(version)
    if not found:
        raise CorruptArtifact(
            f"{version!r} is no semantic version",
            where="dataset.json",
            mend="Remove data/processed and run again",
        )
    return int(found[1]), int(found[2]), int(found[3])


def _broken(before: dict[str, str], after: dict[str, str]) -> list[str]:
    told = []
    if gone := [name for name in before if name not in after]:
        told.append(f"columns removed: {_names(gone)}")
    changed = [name for name in before if name in after and before[name] != after[name]]
    if changed:
        told.append(f"types changed: {_names([f'{n} ({before[n]} to {after[n]})' for n in changed])}")
    return told


def _more(before: dict[str, str], after: dict[str, str], old: set[str], new: set[str]) -> list[str]:
    told = []
    if added := [name for name in after if name not in before]:
        told.append(f"columns added: {_names(added)}")
    if came := sorted(new - old):
        told.append(f"sources added: {_names(came)}")
    if went := sorted(old - new):
        told.append(f"sources removed: {_names(went)}")
    return told


def _rows(before: int, after: int) -> str:
    if after > before:
        return f"{after - before:,} more rows"
    if after < before:
        return f"{before - after:,} fewer rows"
    return "other values in the same number of rows"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
