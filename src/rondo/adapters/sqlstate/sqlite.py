"""SQLite: one file, many readers beside one writer."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from rondo.errors import (
    Conflict,
    ContractError,
    CorruptArtifact,
    NotAvailable,
    RondoError,
    TemporaryPortError,
)


class Sqlite:
    """A Kind: the file of that URL, made with its folder when it is not there."""

    def __init__(self, url: URL, patience: timedelta) -> None:
        if url.database in (None, "", ":memory:"):
            raise ContractError(
                "a state store in memory would forget everything", where="stores.state", mend="Name a file."
            )
        self.name = str(url.database)
        self._url, self._patience = url, patience

    def open(self) -> Engine:
        """See Kind."""
        Path(self.name).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            self._url,
            pool_size=4,
            max_overflow=28,
            pool_timeout=self._patience.total_seconds(),
            connect_args={"timeout": self._patience.total_seconds(), "check_same_thread": False},
        )
        event.listen(engine, "connect", self._on_connect)
        return engine

    def begin(self, connection: Connection, *, writes: bool) -> None:
        """See Kind."""
        # IMMEDIATE takes the write lock at once, so that nothing read here can be old when it is written back.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def prepare(self, connection: Connection) -> None:
        """See Kind; the file is the place."""

    def in_our_words(self, error: BaseException) -> RondoError:
        """See Kind."""
        message = str(error)
        said = message.lower()
        if "locked" in said or "busy" in said:
            return Conflict(
                "the state store is held by another process for too long",
                where=self.name,
                mend="Wait for the other command to end, then try again.",
            )
        if "malformed" in said or "not a database" in said:
            return CorruptArtifact(
                f"the state store cannot be read: {message}", where=self.name, mend="Restore it from a copy."
            )
        if "full" in said or "disk i/o" in said:
            return TemporaryPortError(
                f"the state store could not be written: {message}", where=self.name, mend="Check the disk."
            )
        return NotAvailable(
            f"the state store cannot be used: {message}",
            where=self.name,
            mend="Check path and permissions.",
        )

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
