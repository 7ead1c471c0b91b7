"""Parquet files of this machine, read so that a damaged or crafted one is refused and never ends the process.

Polars reads them faster, and aborts the whole process on some damaged ones (it asks for as much memory as the bytes
say). Arrow's reader is fuzzed and answers with an error. What a file will need is read from its footer first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from rondo.adapters.files.remote import incomplete
from rondo.adapters.files.tables import FILE, differences, too_many, with_partitions
from rondo.errors import DataError

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData, ParquetFile

_WIDTHS = {"BOOLEAN": 0.125, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
_WIDE = 16  # what a text takes beside its letters


def read(files: Sequence[str], *, max_rows: int, most_bytes: int | None = None, where: str) -> pl.DataFrame:
    """The rows of all files in their order; partition folders become columns unless a file has them.

    Args:
        files: paths.
        max_rows: more rows are refused before they are read.
        most_bytes: so is what would take more memory; by default what is free on this machine.
        where: for errors.

    Raises:
        DataError: a file is incomplete or damaged, two files differ in their columns, or there is too much.
    """
    opened = {file: _open(file, where) for file in files}
    if sum(one.metadata.num_rows for one in opened.values()) > max_rows:
        raise too_many(max_rows, where)
    _check_size(sum(needed(one.metadata) for one in opened.values()), most_bytes, where)
    tables = {file: _table(one, file, where) for file, one in opened.items()}
    schemas = {
        file: _alike(table.schema, next(iter(tables.values())).schema) for file, table in tables.items()
    }
    if problems := differences(schemas, where):
        raise DataError("the files do not have the same columns", problems=problems)
    order = next(iter(tables.values())).columns
    parts = [table.select(order).with_columns(pl.lit(file).alias(FILE)) for file, table in tables.items()]
    return with_partitions(pl.concat(parts, how="vertical_relaxed"), files, where)


def needed(footer: FileMetaData) -> float:
    """About how many bytes of memory the rows take, as the footer tells."""
    widths = 0.0
    for place in range(footer.num_columns):
        column = footer.schema.column(place)
        widths += column.length if column.length else _WIDTHS.get(column.physical_type, _WIDE)
    written = sum(footer.row_group(place).total_byte_size for place in range(footer.num_row_groups))
    return float(max(widths * footer.num_rows, written))


def _check_size(bytes_needed: float, most_bytes: int | None, where: str) -> None:
    if most_bytes is None:
        import psutil

        most_bytes = int(psutil.virtual_memory().available)
    if bytes_needed > most_bytes:
        raise DataError(
            f"the files hold about {bytes_needed / 1e9:,.1f} GB, and {most_bytes / 1e9:,.1f} GB of memory are free",
            where=where,
            rule="What is read fits into memory",
            mend="Narrow the path, or read it on a machine with more memory",
        )


def _open(file: str, where: str) -> ParquetFile:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(file)
        _ = opened.schema_arrow.names  # decodes them: a name that is no text is found here
        return opened
    except (pa.ArrowException, OSError, ValueError) as error:
        raise incomplete(file, where) from error


def _table(opened: ParquetFile, file: str, where: str) -> pl.DataFrame:
    import pyarrow as pa

    try:
        with opened:
            # Row group by row group, so that what Arrow and Polars hold twice is one of them.
            parts = [_frame(part) for part in _parts(opened)]
        return pl.concat(parts) if len(parts) > 1 else parts[0]
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        TypeError,
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
    ) as error:
        raise DataError(
            f"{file} is damaged: {' '.join(str(error).split())[:200]}",
            where=where,
            rule="Every page of a Parquet file is as its writer left it",
            mend="Write it again",
        ) from error


def _parts(opened: ParquetFile) -> Iterator[Any]:
    groups = opened.metadata.num_row_groups
    if not groups:
        yield opened.read()
    for place in range(groups):
        yield opened.read_row_group(place)


def _frame(part: Any) -> pl.DataFrame:
    part.validate(full=True)  # Polars takes texts for UTF-8 without looking
    frame = pl.from_arrow(part)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _alike(schema: pl.Schema, first: pl.Schema) -> dict[str, pl.DataType]:
    """The schema, with the first file's type where only the width or the precision differs."""
    return {
        name: first[name] if name in first and _kind(dtype) == _kind(first[name]) else dtype
        for name, dtype in schema.items()
    }


def _kind(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Datetime):
        return f"datetime in {dtype.time_zone}"
    return "int" if dtype.is_integer() else "float" if dtype.is_float() else str(dtype)
