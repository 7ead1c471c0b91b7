"""HTTP sources: JSON records, page by page, from an address that may be read.

In:   a Source with `http`, `records`, `paginate`, `auth`     (rondo.contract)
Out:  a table                                                 (polars)

pages.py      where the records and the next page lie in an answer. Pure
guard.py      a transport that connects only to addresses that were checked
reader.py     asks, waits, reads within the limits, tells what went wrong
service.py    a command that serves the URL while it is read
"""

from __future__ import annotations

from rondo.adapters.http.reader import HttpReader
from rondo.adapters.http.service import running

__all__ = ["HttpReader", "running"]
