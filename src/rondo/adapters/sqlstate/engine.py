"""Connections and transactions, and the database's own errors in our words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from rondo.errors import (
    Conflict,
    ContractError,
    CorruptArtifact,
    NotAvailable,
    RondoError,
    TemporaryPortError,
)

_WRITES = "rondo_writes"


class Database:
    """Transactions on one database; safe for threads, to be opened anew in every process."""

    def __init__(self, where: str | Path, *, patience: timedelta) -> None:
        url = _url(where)
        self.name = url.database or str(where)
        self._patience = patience
        Path(self.name).parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(
            url,
            pool_size=4,
            max_overflow=28,
            pool_timeout=patience.total_seconds(),
            connect_args={"timeout": patience.total_seconds(), "check_same_thread": False},
        )
        self._writer = self._engine.execution_options(**{_WRITES: True})
        event.listen(self._engine, "connect", self._on_connect)
        event.listen(self._engine, "begin", _on_begin)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the database."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that nobody else's write can come between; taken back when the block raises."""
        with self._translated(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Lets every connection go."""
        self._engine.dispose()

    def _on_connect(self, connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, late and without IMMEDIATE; we say when.
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            self._use_wal(cursor)
            for pragma in ("synchronous=FULL", "foreign_keys=ON", "journal_size_limit=16777216"):
                cursor.execute(f"PRAGMA {pragma}")
        finally:
            cursor.close()

    def _use_wal(self, cursor: Any) -> None:
        # Turning WAL on needs the file alone for a moment, and SQLite does not wait for that by itself.
        give_up = time.monotonic() + self._patience.total_seconds()
        mode = ""
        while not mode:
            try:
                mode = cursor.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            except Exception as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
        if mode != "wal":
            raise NotAvailable(
                "the file system does not support the write-ahead log of SQLite",
                where=self.name,
                mend="Put the state store on a local disk.",
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except NoConnectionLeft as error:
            raise Conflict(
                "all connections to the state store are in use", where=self.name, mend="Try again."
            ) from error
        except (DatabaseError, InterfaceError) as error:
            raise _in_our_words(str(error.orig), self.name) from error


def _on_begin(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once, so that nothing read here can be old when it is written back.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _in_our_words(message: str, where: str) -> RondoError:
    said = message.lower()
    if "locked" in said or "busy" in said:
        return Conflict(
            "the state store is held by another process for too long",
            where=where,
            mend="Wait for the other command to end, then try again.",
        )
    if "malformed" in said or "not a database" in said:
        return CorruptArtifact(
            f"the state store cannot be read: {message}", where=where, mend="Restore it from a copy."
        )
    if "full" in said or "disk i/o" in said:
        return TemporaryPortError(
            f"the state store could not be written: {message}", where=where, mend="Check the disk."
        )
    return NotAvailable(
        f"the state store cannot be used: {message}", where=where, mend="Check path and permissions."
    )


def _url(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise ContractError("not the URL of a database", where="stores.state") from error
    if url.get_backend_name() != "sqlite":
        raise ContractError(
            f"no state store speaks {url.get_backend_name()!r}", where="stores.state", mend="Known: sqlite."
        )
    if url.database in (None, "", ":memory:"):
        raise ContractError(
            "a state store in memory would forget everything", where="stores.state", mend="Name a file."
        )
    return url
