"""Files of this machine: which ones a pattern names, and their bytes, unchanged while they were read."""

from __future__ import annotations

import glob
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rondo.adapters.files.pattern import Pattern, hidden
from rondo.errors import Conflict, DataError, NotAvailable


def named(pattern: Pattern, root: Path, *, where: str) -> list[Path]:
    """The files that the pattern names, in order of their names.

    Raises:
        NotAvailable: there is none, or it is no regular file (a folder, a pipe, a device).
        DataError: one has no bytes.
    """
    path = str(root / pattern.path)
    if glob.has_magic(pattern.path):
        fixed = str(root / pattern.fixed)
        found = [Path(name) for name in sorted(glob.glob(path, recursive=True)) if not hidden(name, fixed)]
        files = [file for file in found if not file.is_dir()]
    else:
        files = [Path(path)]
    if not files:
        raise NotAvailable(f"no file matches {path}", where=where, mend="Check the path and the parameters")
    for file in files:
        _check(file, where)
    return files


def _check(file: Path, where: str) -> None:
    try:
        found = file.stat()
    except FileNotFoundError as error:
        raise NotAvailable(f"there is no file {file}", where=where, mend="Check the path") from error
    except OSError as error:
        raise NotAvailable(f"{file} cannot be read: {error.strerror}", where=where) from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        mend = (
            "Write folder/*.parquet, or folder/ for all files below it"
            if kind == "a folder"
            else "Name a file"
        )
        raise NotAvailable(f"{file} is {kind}", where=where, mend=mend)
    if found.st_size == 0:
        raise DataError(f"{file} has 0 bytes", where=where, mend="Write it again, or remove it")


def content(file: Path, where: str) -> bytes:
    """The bytes of the file."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotAvailable(f"{file} cannot be read: {error.strerror}", where=where) from error


@contextmanager
def unchanged(files: Sequence[Path], *, where: str) -> Iterator[None]:
    """Watches the files for the time of the block.

    Raises:
        Conflict: one was written to or replaced meanwhile.
    """
    before = [_state(file) for file in files]
    yield
    for file, state in zip(files, before, strict=True):
        if _state(file) != state:
            raise Conflict(
                f"{file} changed while it was read",
                where=where,
                rule="Files are read when they are whole",
                mend="Write elsewhere and rename, then run again",
            )


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
