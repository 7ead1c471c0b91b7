"""File sources: Parquet, CSV and JSON lines, in a folder or an S3 bucket, one file or thousands.

In:   a Source with `files` and `params`     (rondo.contract)
Out:  a table                                (polars)

pattern.py    the path: its {fields}, its format, partitions in its folders. Pure
local.py      which files of this machine it names, and their bytes
remote.py     the same of an S3 store, through boto3
tables.py     bytes of texts -> tables; what is wrong with them, by file and line
parquet.py    Parquet files -> tables, whatever is in them
reader.py     puts them together
"""

from __future__ import annotations

from rondo.adapters.files.reader import FilesReader

__all__ = ["FilesReader"]
