"""The hash of a table's values. Pure.

Equal values in equal rows hash equally, whatever the file, its compression, its chunks or the order of
its columns; the order of rows counts. It rests on no library's own row hash, which may change with a release.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import numpy as np
import polars as pl

from rondo.stages.data.types import logical


def content_hash(table: pl.DataFrame) -> str:
    """SHA-256 of names, types and values of a plain table, as hex."""
    whole = sha256(f"rondo table 1\n{table.height}\n".encode())
    for name in sorted(table.columns):
        column = table.get_column(name)
        part = sha256()
        for buffer in _buffers(column):
            part.update(buffer)
        whole.update(f"{len(name.encode())}:{name}:{logical(column.dtype)}:{part.hexdigest()}\n".encode())
    return whole.hexdigest()


def _buffers(column: pl.Series) -> Iterator[bytes | memoryview]:
    """Which values are missing, then the values in one fixed form; missing ones as zero."""
    yield np.packbits(column.is_null().to_numpy()).tobytes()
    if column.dtype == pl.String:
        text = column.fill_null("")
        yield _raw(text.str.len_bytes().cast(pl.Int64).to_numpy())
        yield (text.str.join("").item() or "").encode()
    elif column.dtype.is_float():
        # -0.0 + 0.0 is 0.0: the two zeros are one value.
        yield _raw(column.fill_null(0.0).cast(pl.Float64).to_numpy() + 0.0)
    else:
        yield _raw(column.to_physical().fill_null(value=0).cast(pl.Int64).to_numpy())


def _raw(values: np.ndarray) -> memoryview:
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).data.cast("B")
