"""How the tables came to be: numbered steps, each done once, all missing ones in one transaction.

A step is written once, in the SQL that SQLite and PostgreSQL share; `append_only` knows where they differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, inspect, select

from rondo.adapters.sqlstate.engine import Database
from rondo.adapters.sqlstate.tables import migrations
from rondo.errors import NotAvailable

# A step is never changed once it is released; the next one mends it.
_FIRST = """
CREATE TABLE migrations (number INTEGER PRIMARY KEY, at TEXT NOT NULL);

CREATE TABLE releases (
  version TEXT PRIMARY KEY,
  position INTEGER NOT NULL UNIQUE,
  bundle_id TEXT NOT NULL,
  stage TEXT NOT NULL CHECK (stage IN ('None', 'Staging', 'Production', 'Archived')),
  stage_told TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX one_in_production ON releases (stage) WHERE stage = 'Production';

CREATE TABLE history (
  position INTEGER PRIMARY KEY,
  version TEXT NOT NULL REFERENCES releases (version)
);

CREATE TABLE standing (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  generation INTEGER NOT NULL,
  weights TEXT NOT NULL,
  shadow TEXT REFERENCES releases (version),
  warm_number INTEGER NOT NULL,
  warm_version TEXT,
  roles_number INTEGER NOT NULL,
  roles_told INTEGER NOT NULL,
  events INTEGER NOT NULL,
  events_head TEXT NOT NULL
);
INSERT INTO standing VALUES (1, 0, '{}', NULL, 0, NULL, 0, 0, 0, '');

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  "by" TEXT NOT NULL,
  reason TEXT NOT NULL,
  details TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX events_by_kind ON events (kind, sequence);

CREATE TABLE observations (id INTEGER PRIMARY KEY, metric TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX observations_by_metric ON observations (metric, id);

CREATE TABLE alerts (
  key TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  recovered_at TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (key, opened_at)
);

CREATE TABLE decisions (id INTEGER PRIMARY KEY, body TEXT NOT NULL);

CREATE TABLE marks (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  token INTEGER NOT NULL,
  taken_at TEXT NOT NULL,
  ends_at TEXT NOT NULL
);

CREATE TABLE servers (server_id TEXT PRIMARY KEY, seen_at TEXT NOT NULL, body TEXT NOT NULL);
"""

_SECOND = """
CREATE TABLE rollouts (
  number INTEGER PRIMARY KEY,
  under_way INTEGER NOT NULL CHECK (under_way IN (0, 1)),
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX one_rollout_under_way ON rollouts (under_way) WHERE under_way = 1;
"""

_Statement = str | Mapping[str, str]  # the same text for every database, or one for each


def _statements(text: str) -> tuple[_Statement, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


# A later look at the same figure of the same window takes the place of the earlier one; old ones are let go.
_THIRD = """
ALTER TABLE observations ADD COLUMN identity TEXT NOT NULL DEFAULT '';
ALTER TABLE observations ADD COLUMN observed_at TEXT NOT NULL DEFAULT '';
CREATE INDEX observations_by_identity ON observations (identity);
CREATE INDEX observations_by_time ON observations (observed_at);
"""


def _append_only(table: str, what: str) -> tuple[_Statement, ...]:
    """The database itself refuses to change or remove a row of the table."""
    said = f"{what} is only ever appended to"
    body = f"BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = 'integrity_constraint_violation'; END"
    refuse = f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
    guards: list[_Statement] = [{"sqlite": "", "postgresql": refuse}]
    for action in ("UPDATE", "DELETE"):
        trigger = f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
        guards.append(
            {
                "sqlite": f"{trigger} BEGIN SELECT RAISE(ABORT, '{said}'); END",
                "postgresql": f"{trigger} FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
            }
        )
    return tuple(guards)


_STEPS: tuple[tuple[_Statement, ...], ...] = (
    (*_statements(_FIRST), *_append_only("events", "the event log")),
    _statements(_SECOND),
    _statements(_THIRD),
)
NEWEST = len(_STEPS)


def bring_up_to_date(database: Database) -> None:
    """Does the missing steps; of several processes one does them and the others find them done.

    Raises:
        NotAvailable: the store was written by a newer Rondo.
    """
    with database.read() as connection:
        if _done(connection, database.name) == NEWEST:
            return
    with database.write() as connection:
        database.prepare(connection)
        for number in range(_done(connection, database.name) + 1, NEWEST + 1):
            for statement in _STEPS[number - 1]:
                if text := _spoken(statement, connection.dialect.name):
                    connection.exec_driver_sql(text)
            connection.execute(insert(migrations).values(number=number, at=datetime.now(UTC)))


def _spoken(statement: _Statement, dialect: str) -> str:
    """The statement in the words of that database; empty where it needs none."""
    text = statement if isinstance(statement, str) else statement[dialect]
    # Texts are compared by their bytes everywhere, as SQLite does, whatever the locale of the database.
    return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', text) if dialect == "postgresql" else text


def _done(connection: Connection, where: str) -> int:
    if not inspect(connection).has_table(migrations.name):
        return 0
    newest: int = connection.execute(select(func.coalesce(func.max(migrations.c.number), 0))).scalar_one()
    if newest > NEWEST:
        raise NotAvailable(
            f"the state store was written by a newer Rondo (its step {newest}, this one knows {NEWEST})",
            where=where,
            mend="Upgrade with: pip install --upgrade rondo-ml",
        )
    return newest
