"""The state store in a SQL database: SQLite by default, one file beside the project; PostgreSQL for a team.

engine.py       transactions, whichever database it is
sqlite.py       connections to SQLite, and its errors in our words
postgresql.py   the same of PostgreSQL
tables.py       the tables, as queries see them
migrations.py   how the tables came to be, numbered
traffic.py      releases, history and routes: the part that must never be half changed
rolling.py      rollouts, and the change of routes that goes with a step of one
alarms.py       alerts, open and over
journal.py      the event log with its hash chain
store.py        SqlStateStore
"""

from __future__ import annotations

from rondo.adapters.sqlstate.store import SqlStateStore

__all__ = ["SqlStateStore"]
