"""Chunks to a file that appears when it is whole: under a hidden name first, then in its place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from polars.io.plugins import register_io_source

from rondo.errors import Conflict
from rondo.stages.scoring.kinds import FileKind

ROW_GROUP = 100_000


def write_tables(
    target: Path, kind: FileKind, schema: pl.Schema, tables: Iterable[pl.DataFrame], *, force: bool
) -> None:
    """Puts the tables, one below the other, into the file.

    Args:
        target: the file's place.
        kind: what it becomes.
        schema: of every table.
        tables: asked one after the other; what they raise leaves the place as it was.
        force: replace a file that is there.

    Raises:
        Conflict: there is a file, also one that came meanwhile.
    """
    with _published(target, force=force) as fresh:
        match kind:
            case "parquet":
                _parquet(fresh, schema, tables)
            case "csv":
                _csv(fresh, schema, tables)
            case "jsonl":
                with fresh.open("wb") as file:
                    for table in tables:
                        table.write_ndjson(file)


def write_lines(target: Path, rows: Iterable[dict[str, Any]], *, force: bool) -> None:
    """Puts the rows into the file, one JSON object a line; otherwise as `write_tables`."""
    encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode
    with _published(target, force=force) as fresh, fresh.open("wb") as file:
        for row in rows:
            file.write(encode(row) + b"\n")


def refuse_to_overwrite(target: Path) -> Conflict:
    """The refusal for a file that is there already."""
    return Conflict(
        "there is a file already", where=str(target), mend="Choose another name, or replace it with --force."
    )


def _parquet(fresh: Path, schema: pl.Schema, tables: Iterable[pl.DataFrame]) -> None:
    def source(*_: object) -> Iterator[pl.DataFrame]:
        yield from tables

    # The one way in which Polars writes a Parquet file piece by piece.
    register_io_source(source, schema=schema).sink_parquet(fresh, row_group_size=ROW_GROUP)


def _csv(fresh: Path, schema: pl.Schema, tables: Iterable[pl.DataFrame]) -> None:
    with fresh.open("wb") as file:
        pl.DataFrame(schema=schema).write_csv(file)
        for table in tables:
            table.write_csv(file, include_header=False)


@contextmanager
def _published(target: Path, *, force: bool) -> Iterator[Path]:
    if target.exists() and not force:
        raise refuse_to_overwrite(target)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    fresh = Path(name)
    try:
        yield fresh
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        fresh.chmod(0o644)
        if force:
            os.replace(fresh, target)
        else:
            _put(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def _put(fresh: Path, target: Path) -> None:
    """Gives the file its name unless somebody else has it by now."""
    try:
        os.link(fresh, target)
    except FileExistsError as error:
        raise refuse_to_overwrite(target) from error
    except OSError:  # a file system without hard links
        os.replace(fresh, target)
