"""Reads files, wherever they lie."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from rondo.adapters.files import local, parquet, pattern, remote, tables
from rondo.adapters.files.pattern import Pattern
from rondo.contract.data import Source
from rondo.contract.references import mask
from rondo.ports.sources import Resolve


class FilesReader:
    """A SourceReader over Parquet, CSV and JSON lines. Safe to call from several threads."""

    def __init__(self, root: Path) -> None:
        """Relative paths start at `root`."""
        self._root = root

    def read(self, name: str, source: Source, resolve: Resolve) -> pl.DataFrame:
        """The rows of every file that the path names, files in order of their names; at most `max_rows`.

        Hidden files and folders (`_SUCCESS`, `_temporary`, `.crc`) are no data. Folders like
        `date=2024-01-01` give a column, unless the files have it.
        """
        where = f"source {name}"
        path = pattern.fill(resolve(source.files or ""), source.params, where=where)
        wanted = pattern.plan(path, source.format, where=where)
        if not wanted.remote:
            return self._local(wanted, source, where)
        storage = {key: resolve(value) for key, value in source.storage.items()}
        contents = remote.contents(wanted, storage, timeout_s=source.timeout.total_seconds(), where=where)
        if wanted.format == "parquet":
            return parquet.read(contents, max_rows=source.max_rows, where=where)
        return _texts(contents, wanted, source, where)

    def origin(self, source: Source) -> str:
        """The path with its wildcards and fields."""
        return mask(source.files or "")

    def _local(self, wanted: Pattern, source: Source, where: str) -> pl.DataFrame:
        files = local.named(wanted, self._root, where=where)
        with local.unchanged(files, where=where):
            if wanted.format == "parquet":
                return parquet.read(dict.fromkeys(map(str, files)), max_rows=source.max_rows, where=where)
            return _texts({str(file): local.content(file, where) for file in files}, wanted, source, where)


def _texts(contents: dict[str, bytes], wanted: Pattern, source: Source, where: str) -> pl.DataFrame:
    if wanted.format == "csv":
        return tables.csv_tables(contents, list(source.keys), max_rows=source.max_rows, where=where)
    return tables.jsonl_table(contents, max_rows=source.max_rows, where=where)
