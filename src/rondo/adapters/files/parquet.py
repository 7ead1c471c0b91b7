"""Parquet files, read so that a damaged or crafted one is refused and never ends the process.

Polars reads them faster, and aborts the whole process on some damaged ones (it asks for as much memory as the bytes
say). Arrow's reader is fuzzed and answers with an error. What a file will need is read from its footer first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from rondo.adapters.files.tables import FILE, check_fits, differences, too_many, with_partitions
from rondo.errors import DataError
from rondo.ports.columns import check_width

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData, ParquetFile

_WIDTHS = {"BOOLEAN": 0.125, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
_WIDE = 16  # what a text takes beside its letters


def read(
    files: Mapping[str, bytes | None], *, max_rows: int, most_bytes: int | None = None, where: str
) -> pl.DataFrame:
    """The rows of all files in their order; partition folders become columns unless a file has them.

    Args:
        files: names with their bytes; without bytes the name is a path.
        max_rows: more rows are refused before they are read.
        most_bytes: so is what would take more memory; by default what is free on this machine.
        where: for errors.

    Raises:
        DataError: a file is incomplete or damaged, two files differ in their columns, or there is too much.
    """
    opened = {file: _open(file, data, where) for file, data in files.items()}
    check_width(max(one.metadata.num_columns for one in opened.values()), where=where)
    if sum(one.metadata.num_rows for one in opened.values()) > max_rows:
        raise too_many(max_rows, where)
    check_fits(sum(needed(one.metadata) for one in opened.values()), where, most_bytes=most_bytes)
    tables = {file: _table(one, file, where) for file, one in opened.items()}
    schemas = {
        file: _alike(table.schema, next(iter(tables.values())).schema) for file, table in tables.items()
    }
    if problems := differences(schemas, where):
        raise DataError("the files do not have the same columns", problems=problems)
    order = next(iter(tables.values())).columns
    parts = [table.select(order).with_columns(pl.lit(file).alias(FILE)) for file, table in tables.items()]
    return with_partitions(pl.concat(parts, how="vertical_relaxed"), list(files), where)


def needed(footer: FileMetaData) -> float:
    """About how many bytes of memory the rows take, as the footer tells."""
    widths = 0.0
    for place in range(footer.num_columns):
        column = footer.schema.column(place)
        widths += column.length if column.length else _WIDTHS.get(column.physical_type, _WIDE)
    written = sum(footer.row_group(place).total_byte_size for place in range(footer.num_row_groups))
    return float(max(widths * footer.num_rows, written))


def _open(file: str, data: bytes | None, where: str) -> ParquetFile:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(file if data is None else pa.BufferReader(data))
        _ = opened.schema_arrow.names  # decodes them: a name that is no text is found here
        return opened
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{file} is an incomplete file",
            where=where,
            rule="A Parquet file ends with its footer; the writer of this one died, or it is something else",
            mend="Write it again",
        ) from error


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
