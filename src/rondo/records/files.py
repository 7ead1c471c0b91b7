"""Records as JSON files, written so that a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rondo.errors import CorruptArtifact, NotAvailable

T = TypeVar("T")


def to_json(record: Any, *, indent: int = 2) -> bytes:
    """The record as JSON text, keys in the order of its fields."""
    return msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=indent) + b"\n"


def from_json(data: bytes | str, kind: type[T], *, where: str = "") -> T:
    """The record of that type.

    Raises:
        CorruptArtifact: the text is not such a record.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise CorruptArtifact(
            f"not a {kind.__name__}: {error}", where=where, mend="Run the stage that writes it again."
        ) from error


def write_record(path: Path, record: Any) -> None:
    """Puts the record at `path`, whole or not at all."""
    write_bytes(path, to_json(record))


def read_record(path: Path, kind: type[T]) -> T:
    """The record at `path`.

    Raises:
        NotAvailable: there is no such file.
        CorruptArtifact: it holds something else.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotAvailable(
            f"{path.name} is not there yet", where=str(path), mend="`rondo run` writes it."
        ) from error
    return from_json(data, kind, where=str(path))


def write_bytes(path: Path, data: bytes) -> None:
    """Puts the bytes at `path`, whole or not at all, and waits until the disk has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def publish_folder(target: Path) -> Iterator[Path]:
    """A fresh folder to fill, which takes the place of `target` when the block ends well.

    When the block raises, `target` stays as it was. A process killed in between leaves at most a hidden
    folder beside it, which the next publication removes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    os.chmod(fresh, 0o755)  # noqa: S103 (mkdtemp lets nobody else read what others are meant to read)
    try:
        yield fresh
        old = target.with_name(f".{target.name}.old")
        if target.exists():
            os.replace(target, old)
        os.replace(fresh, target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def publish_files(target: Path, *, last: str) -> Iterator[Path]:
    """A fresh folder to fill, whose files take their places in `target` when the block ends well.

    What else lies in `target` stays. The file named `last` is put there after all others, so that it can vouch
    for them. When the block raises, everything stays as it was.
    """
    target.mkdir(parents=True, exist_ok=True)
    for left in target.glob(".fresh.*"):
        shutil.rmtree(left, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(dir=target, prefix=".fresh."))
    try:
        yield fresh
        for file in sorted(fresh.iterdir(), key=lambda file: (file.name == last, file.name)):
            os.replace(file, target / file.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
