"""Online feature values in one SQLite file: a table per view, a row per entity, the newest event time wins.

Feast's plug-in writes and reads these rows, the server reads them without Feast. A field that a write does not
mention keeps its value, so that a released model still finds what a newer plan no longer defines.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from rondo.bundle.plan import entity_text
from rondo.errors import CorruptArtifact, TemporaryPortError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KEYS_PER_QUERY = 500
_BUSY_S = 15.0
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class OnlineRow:
    """The values of one entity in one view; times are moments with a zone (without one they are UTC)."""

    key: Any
    fields: Mapping[str, Any]
    event_time: datetime


class EmbeddedOnlineValues:
    """Reads and writes online values; safe to call from several threads and processes at once.

    Every thread has a connection of its own; readers see what others committed and never wait for a writer.
    A file that is not there yet is a store that knows nobody.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = Path(path)
        self._now = now
        self._own = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def read(self, views: Sequence[str], keys: Sequence[Any]) -> list[dict[str, Any] | None]:
        """For each key the fields of all those views in one mapping; None where no view knows the key.

        `_event_timestamp` is the oldest of the views' times. Rows older than their view's TTL are not there.

        Raises:
            TemporaryPortError: the file cannot be read right now.
            CorruptArtifact: it is not such a store.
        """
        texts = [entity_text(key) for key in keys]
        found: dict[str, dict[str, Any]] = {}
        wanted = [text for text in dict.fromkeys(texts) if text is not None]
        # Only a thread that never read has to look: reading must not make an empty file.
        if not wanted or not (hasattr(self._own, "connection") or self._path.exists()):
            return [None] * len(keys)
        now_us = _micros(self._now())
        for view in views:
            for key, event_us, fields in self._rows(view, wanted, now_us):
                here = found.setdefault(key, {"_event_timestamp": event_us})
                oldest = min(here["_event_timestamp"], event_us)
                here.update(_decode(fields))
                here["_event_timestamp"] = oldest
        for row in found.values():
            row["_event_timestamp"] = _EPOCH + timedelta(microseconds=row["_event_timestamp"])
        # Equal keys share nothing: a caller may change what it got.
        return [dict(found[text]) if text is not None and text in found else None for text in texts]

    def _rows(self, view: str, keys: list[str], now_us: int) -> Iterator[tuple[str, int, bytes]]:
        table = _table(view)
        try:
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                part = keys[start : start + _KEYS_PER_QUERY]
                marks = ",".join("?" * len(part))
                yield from self._connection().execute(
                    f"SELECT key, event_us, fields FROM {table} "  # noqa: S608
                    f"WHERE key IN ({marks}) AND (expires_us IS NULL OR expires_us >= ?)",
                    (*part, now_us),
                )
        except sqlite3.Error as error:
            if "no such table" not in str(error):
                raise self._translated(error) from error

    def entities(self, view: str) -> int:
        """How many entities the view knows."""
        with suppress(sqlite3.OperationalError):
            if self._path.exists():
                count = f"SELECT count(*) FROM {_table(view)}"  # noqa: S608
                return int(self._connection().execute(count).fetchone()[0])
        return 0

    def create(self, views: Iterable[str]) -> None:
        """Makes room for the views; those that are there stay as they are."""
        with self._transaction() as connection:
            for view in views:
                _create(connection, view)

    def write(self, view: str, rows: Iterable[OnlineRow], *, ttl_s: float | None = None) -> int:
        """Writes the rows, all of them or none, and gives their number; older rows do not replace newer ones."""
        with self._transaction() as connection:
            _create(connection, view)
            return _write(connection, view, rows, ttl_s)

    def replace(
        self, views: Mapping[str, Iterable[OnlineRow]], *, ttl_s: float | None = None, until: datetime
    ) -> None:
        """Brings all the views to the moment `until` in one transaction: who is not among the rows is forgotten."""
        with self._transaction() as connection:
            for view, rows in views.items():
                _create(connection, view)
                table = _table(view)
                connection.execute(f"DELETE FROM {table} WHERE event_us > ?", (_micros(until),))  # noqa: S608
                connection.execute(
                    "CREATE TEMP TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY) WITHOUT ROWID"
                )
                connection.execute("DELETE FROM kept")
                rows = list(rows)
                keys = ((_key(row),) for row in rows)
                connection.executemany("INSERT OR IGNORE INTO kept VALUES (?)", keys)
                connection.execute(f"DELETE FROM {table} WHERE key NOT IN (SELECT key FROM kept)")  # noqa: S608
                _write(connection, view, rows, ttl_s)

    def drop(self, views: Iterable[str]) -> None:
        """Forgets the views and all their values."""
        with self._transaction() as connection:
            for view in views:
                connection.execute(f"DROP TABLE IF EXISTS {_table(view)}")

    def close(self) -> None:
        """Lets go of the file, for all threads."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self._own = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Used by its own thread only, but closed by whoever closes the store.
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            self._own.connection = connection
            with self._lock:
                self._all.append(connection)
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> Exception:
        if isinstance(error, sqlite3.OperationalError):
            return TemporaryPortError(f"the online store does not answer: {error}", where=str(self._path))
        return CorruptArtifact(
            f"not an online store: {error}",
            where=str(self._path),
            mend="Remove it; the next run writes it again",
        )


def _table(view: str) -> str:
    return '"view_' + view.replace('"', '""') + '"'


def _create(connection: sqlite3.Connection, view: str) -> None:
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {_table(view)} "
        "(key TEXT PRIMARY KEY, event_us INTEGER NOT NULL, expires_us INTEGER, fields BLOB NOT NULL) WITHOUT ROWID"
    )


def _write(connection: sqlite3.Connection, view: str, rows: Iterable[OnlineRow], ttl_s: float | None) -> int:
    table, written = _table(view), 0
    known = f"SELECT event_us, fields FROM {table} WHERE key = ?"  # noqa: S608
    put = f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)"  # noqa: S608
    for row in rows:
        key, event_us = _key(row), _micros(row.event_time)
        fields = {name: _plain(value) for name, value in row.fields.items()}
        before = connection.execute(known, (key,)).fetchone()
        if before is not None:
            if before[0] > event_us:
                continue
            fields = {**_decode(before[1]), **fields}
        expires_us = None if ttl_s is None else event_us + round(ttl_s * 1_000_000)
        connection.execute(put, (key, event_us, expires_us, _encode(fields)))
        written += 1
    return written


def _key(row: OnlineRow) -> str:
    key = entity_text(row.key)
    if key is None:
        raise CorruptArtifact(f"{row.key!r} cannot be an entity of the online store")
    return key


def _plain(value: Any) -> Any:
    """A value as it is kept: a missing number is None, a moment is ISO text."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value


def _micros(at: datetime) -> int:
    return ((at.replace(tzinfo=UTC) if at.tzinfo is None else at) - _EPOCH) // _MICROSECOND
