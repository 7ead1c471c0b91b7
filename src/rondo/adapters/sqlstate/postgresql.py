"""PostgreSQL: a schema of its own for each project; writers one after the other, readers beside them.

Every writer first takes one advisory lock, so that it reads what the writer before it left and no serialisation
failure can occur; a reader sees one snapshot. All that a session needs is said inside each transaction, which makes
it safe behind a connection pooler too.
"""

from __future__ import annotations

import hashlib
import math
import re
from datetime import timedelta

from sqlalchemy import Connection, Engine, create_engine, func, select
from sqlalchemy.engine import URL

from rondo.errors import (
    Conflict,
    ContractError,
    CorruptArtifact,
    DataError,
    MissingExtra,
    NotAvailable,
    RondoError,
    TemporaryPortError,
)

_LONGEST_NAME = 63  # bytes; PostgreSQL cuts what is longer, and two projects could meet
_STATE_OF = re.compile(r"FATAL: +(?P<said>.*)")


class Postgresql:
    """A Kind: the schema in the database of that URL; the schema is made when it is not there."""

    def __init__(self, url: URL, patience: timedelta, project: str) -> None:
        if url.drivername not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ContractError(
                f"the state store does not use the driver {url.drivername.partition('+')[2]!r}",
                where="stores.state",
                mend="Write postgresql://user:${PASSWORD}@host/database.",
            )
        self.name = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        self._url = url.set(drivername="postgresql+psycopg")
        self._patience, schema = patience, schema_of(project)
        self._schema = '"' + schema.replace('"', '""') + '"'
        lock = int.from_bytes(hashlib.sha256(schema.encode()).digest()[:8], signed=True)
        place = f"SET LOCAL search_path TO {self._schema}; SET LOCAL synchronous_commit TO on"
        wait_ms = max(1, math.ceil(patience.total_seconds() * 1000))
        self._begin_read = f"{place}; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        self._begin_write = (
            f"{place}; SET LOCAL lock_timeout TO {wait_ms}; SELECT pg_advisory_xact_lock({lock})"
        )

    def open(self) -> Engine:
        """See Kind."""
        patience_s = self._patience.total_seconds()
        try:
            return create_engine(
                self._url,
                pool_size=4,
                max_overflow=28,
                pool_timeout=patience_s,
                pool_pre_ping=True,  # the server may have been started anew since
                connect_args={
                    "connect_timeout": max(2, math.ceil(patience_s)),
                    "application_name": "rondo",
                    "prepare_threshold": None,
                },
            )
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "psycopg", extra="postgres", needed_for="a state store in PostgreSQL"
            ) from error

    def begin(self, connection: Connection, *, writes: bool) -> None:
        """See Kind."""
        connection.exec_driver_sql(self._begin_write if writes else self._begin_read)

    def prepare(self, connection: Connection) -> None:
        """Makes the schema; the caller writes."""
        known = select(func.to_regnamespace(self._schema))
        if connection.execute(known).scalar_one() is None:
            connection.exec_driver_sql(f"CREATE SCHEMA {self._schema}")

    def in_our_words(self, error: BaseException) -> RondoError:
        """See Kind."""
        state = getattr(error, "sqlstate", None) or ""
        told = _STATE_OF.search(str(error))
        said = " ".join((told["said"] if told else str(error)).split())[:300]
        if "NUL" in said:
            return DataError("a text for the state store holds the character NUL", where=self.name)
        if state == "55P03":
            return Conflict(
                "the state store is held by another process for too long",
                where=self.name,
                mend="Wait for the other command to end, then try again.",
            )
        if state.startswith("XX"):
            return CorruptArtifact(
                f"the state store cannot be read: {said}", where=self.name, mend="Restore it from a copy."
            )
        if state == "25006":
            return NotAvailable(
                "the state store can only be read", where=self.name, mend="Name the primary server."
            )
        if _refused(state, said):
            return NotAvailable(
                f"the state store cannot be used: {said}",
                where=self.name,
                mend="Check database, user, password and rights.",
            )
        if not state or state[:2] in {"08", "40", "53", "57", "58"}:
            return TemporaryPortError(
                f"the state store did not answer: {said}",
                where=self.name,
                mend="Check that PostgreSQL runs and can be reached, then try again.",
            )
        return NotAvailable(f"the state store cannot be used: {said}", where=self.name)


def schema_of(project: str) -> str:
    """The schema of a project, a name of its own; it wants quotes wherever the project's name does."""
    name = f"rondo_{project}" if project else "rondo"
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[: _LONGEST_NAME - 9].decode(errors='ignore')}_{mark}"


def _refused(state: str, said: str) -> bool:
    """Whether trying again would be refused again; errors of connecting have a text only."""
    if state:
        return state[:2] in {"28", "3D", "3F"} or state == "42501"
    return any(
        word in said for word in ("authentication", "does not exist", "permission", "pg_hba", "no password")
    )
