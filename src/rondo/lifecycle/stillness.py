"""Whether anything was touched since a round ended, told from the file system alone.

What is up to date is the pipeline keeper's to say; asking it loads it, which takes longer than everything else in a
round that has nothing to do. So a round that ended leaves the time and size of every file that it depends on or made
(as git's index does), and the next one asks the keeper only when one of them is different.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import rondo
from rondo.errors import CorruptArtifact, NotAvailable
from rondo.records.files import read_record, write_record

STILL = "still.json"
_ALWAYS = ("rondo.yaml", "dvc.yaml", "dvc.lock")  # by name: the contract is not loaded for this
Touch = tuple[int, int]  # modified (ns), size in bytes; -1 where there is nothing


@dataclass(frozen=True, slots=True)
class Stillness:
    """How a round left the files, and what it came to."""

    rondo: str
    roots: tuple[str, ...]
    files: Mapping[str, Touch]
    told: str
    refused: bool


def seen(root: Path, roots: Iterable[str]) -> dict[str, Touch]:
    """How these files, and those in these folders, are now."""
    return dict(_touches(root, roots))


def remember(root: Path, roots: Iterable[str], *, told: str, refused: bool) -> None:
    """Keeps how the files are now; `roots` are files and folders, relative to the project or absolute."""
    watched = tuple(sorted({*_ALWAYS, *roots}))
    still = Stillness(rondo.__version__, watched, seen(root, watched), told, refused)
    write_record(root / ".rondo" / STILL, still)


def forget(root: Path) -> None:
    """From now on the keeper is asked: a round is under way."""
    (root / ".rondo" / STILL).unlink(missing_ok=True)


def recall(root: Path) -> Stillness | None:
    """How the last round ended, when nothing was touched since; otherwise None."""
    try:
        still = read_record(root / ".rondo" / STILL, Stillness)
    except (NotAvailable, CorruptArtifact):
        return None
    if still.rondo != rondo.__version__ or seen(root, still.roots) != still.files:
        return None
    return still


def _touches(root: Path, roots: Iterable[str]) -> Iterator[tuple[str, Touch]]:
    for name in roots:
        path = root.resolve() / name
        if not path.is_dir():
            yield name, _touch(path)
            continue
        for folder, _, files in os.walk(path):
            for file in files:
                here = Path(folder, file)
                yield str(here), _touch(here)


def _touch(path: Path) -> Touch:
    try:
        seen = path.stat()
    except OSError:
        return -1, -1
    return seen.st_mtime_ns, seen.st_size
