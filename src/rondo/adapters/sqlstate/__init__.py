"""The state store in a SQL database: SQLite by default, one file beside the project.

engine.py       connections, transactions, and the database's own errors in our words
tables.py       the tables, as queries see them
migrations.py   how the tables came to be, numbered
traffic.py      releases, history and routes: the part that must never be half changed
journal.py      the event log with its hash chain
store.py        SqlStateStore
"""

from __future__ import annotations

from rondo.adapters.sqlstate.store import SqlStateStore

__all__ = ["SqlStateStore"]
