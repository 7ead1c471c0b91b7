"""Scoring whole files: rows come in chunks, answers go out beside them, and memory does not grow with the file.

In:   a Parquet, CSV or JSON-lines file
Out:  a file of such a kind, whole or not at all
Asks: nothing; who scores the rows is up to the caller (rondo.lifecycle.scoring)

kinds.py     what a file is by its name
reading.py   chunks of rows with their line numbers, values as a request would bring them
writing.py   chunks to a file that appears when it is whole
"""

from __future__ import annotations

from rondo.stages.scoring.kinds import FileKind, kind_of
from rondo.stages.scoring.reading import ROWS_AT_ONCE, Chunk, Source, open_source
from rondo.stages.scoring.writing import write_lines, write_tables

__all__ = [
    "ROWS_AT_ONCE",
    "Chunk",
    "FileKind",
    "Source",
    "kind_of",
    "open_source",
    "write_lines",
    "write_tables",
]
