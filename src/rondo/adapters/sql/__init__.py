"""SQL sources: one SELECT, bound parameters, a session that can only read.

In:   a Source with `sql`, `query` and `params`     (rondo.contract)
Out:  a table                                       (polars)

statement.py    the text: one SELECT, its places for values
reader.py       connects, reads within the limits, tells what went wrong
postgresql.py   what PostgreSQL needs beside SQLAlchemy
"""

from __future__ import annotations

from rondo.adapters.sql.reader import SqlReader

__all__ = ["SqlReader"]
