"""Online feature values in one SQLite file: a table per kept view, a row per entity, the newest event time wins.

Feast's plug-in writes and reads these rows, the server reads them without Feast. A view is kept once for every
definition of it that a model still needs, as `view@revision`; its plain name stands for the newest definition.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from rondo.bundle.plan import entity_text
from rondo.errors import CorruptArtifact, TemporaryPortError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_KEYS_PER_QUERY = 500
_BUSY_S = 15.0
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class OnlineRow:
    """The values of one entity in one view; times are moments with a zone (without one they are UTC)."""

    key: Any
    fields: Mapping[str, Any]
    event_time: datetime


@dataclass(frozen=True, slots=True)
class KeptView:
    """What a publication writes of one definition of a view."""

    name: str
    """`view@revision`."""
    recipes: Mapping[str, str]
    """Field -> digest of its definition."""
    rows: Iterable[OnlineRow]


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

        A view is `view@revision`, or plainly `view` for its newest definition.

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
        now_us = micros(self._now())
        for view in views:
            for key, event_us, fields in self._rows(view, wanted, now_us):
                here = found.setdefault(key, {"_event_timestamp": event_us})
                oldest = min(here["_event_timestamp"], event_us)
                here.update(decode(fields))
                here["_event_timestamp"] = oldest
        for row in found.values():
            row["_event_timestamp"] = EPOCH + timedelta(microseconds=row["_event_timestamp"])
        # Equal keys share nothing: a caller may change what it got.
        return [dict(found[text]) if text is not None and text in found else None for text in texts]

    def _rows(self, view: str, keys: list[str], now_us: int) -> Iterator[tuple[str, int, bytes]]:
        try:
            connection = self._connection()
            table = _table(_newest(connection, view))
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                part = keys[start : start + _KEYS_PER_QUERY]
                marks = ",".join("?" * len(part))
                yield from connection.execute(
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
                connection = self._connection()
                count = f"SELECT count(*) FROM {_table(_newest(connection, view))}"  # noqa: S608
                return int(connection.execute(count).fetchone()[0])
        return 0

    def kept(self) -> dict[str, dict[str, str]]:
        """The definitions that rows are kept of: `view@revision` -> field -> digest of its recipe."""
        with suppress(sqlite3.OperationalError):
            if self._path.exists():
                found = self._connection().execute("SELECT name, recipes FROM kept_views ORDER BY name")
                return {name: msgspec.json.decode(recipes) for name, recipes in found}
        return {}

    def create(self, views: Iterable[str]) -> None:
        """Makes room for the views, which are the newest from now on; those that are there stay as they are."""
        with self._transaction() as connection:
            for view in views:
                _create(connection, view)
                _note_newest(connection, view)

    def write(self, view: str, rows: Iterable[OnlineRow], *, ttl_s: float | None = None) -> int:
        """Writes the rows, all of them or none, and gives their number; older rows do not replace newer ones."""
        with self._transaction() as connection:
            view = _newest(connection, view)
            _create(connection, view)
            return _write(connection, view, rows, ttl_s)

    def publish(
        self,
        newest: Iterable[KeptView],
        others: Iterable[KeptView] = (),
        *,
        ttl_s: float | None = None,
        until: datetime,
        needed: Collection[str] | None = None,
    ) -> None:
        """Brings the views to the moment `until` in one transaction: who is not among the rows is forgotten.

        Args:
            newest: what the plain names of the views stand for afterwards.
            others: earlier definitions that get the same values.
            ttl_s: how long after their event time rows are served.
            until: rows of later moments are forgotten.
            needed: definitions in this collection stay, others than those written go; None lets all stay.
        """
        with self._transaction() as connection:
            written = set()
            for view in newest:
                _replace(connection, view, ttl_s, until)
                _note_newest(connection, view.name)
                written.add(view.name)
            for view in others:
                _replace(connection, view, ttl_s, until)
                written.add(view.name)
            if needed is not None:
                for (name,) in connection.execute("SELECT name FROM kept_views").fetchall():
                    if name not in written and name not in needed:
                        _drop(connection, name)

    def drop(self, views: Iterable[str]) -> None:
        """Forgets the views and all their values."""
        with self._transaction() as connection:
            for view in views:
                _drop(connection, _newest(connection, view))

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
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS kept_views (name TEXT PRIMARY KEY, recipes TEXT NOT NULL)"
                )
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS newest_views (view TEXT PRIMARY KEY, name TEXT NOT NULL)"
                )
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


def _newest(connection: sqlite3.Connection, view: str) -> str:
    """What is kept under that name: a name with a revision is itself."""
    if "@" in view:
        return view
    with suppress(sqlite3.OperationalError):  # there is no such table before the first publication
        found = connection.execute("SELECT name FROM newest_views WHERE view = ?", (view,)).fetchone()
        return view if found is None else str(found[0])
    return view


def _note_newest(connection: sqlite3.Connection, name: str) -> None:
    view = name.partition("@")[0]
    connection.execute("INSERT OR REPLACE INTO newest_views VALUES (?, ?)", (view, name))


def _drop(connection: sqlite3.Connection, name: str) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {_table(name)}")
    connection.execute("DELETE FROM kept_views WHERE name = ?", (name,))
    connection.execute("DELETE FROM newest_views WHERE name = ?", (name,))


def _replace(connection: sqlite3.Connection, view: KeptView, ttl_s: float | None, until: datetime) -> None:
    """Leaves the given rows and what is newer than them, and nothing of others."""
    _create(connection, view.name)
    recipes = msgspec.json.encode(view.recipes).decode()
    connection.execute("INSERT OR REPLACE INTO kept_views VALUES (?, ?)", (view.name, recipes))
    table = _table(view.name)
    connection.execute(f"DELETE FROM {table} WHERE event_us > ?", (micros(until),))  # noqa: S608
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("DELETE FROM kept")
    rows = list(view.rows)
    connection.executemany("INSERT OR IGNORE INTO kept VALUES (?)", ((key_text(row),) for row in rows))
    connection.execute(f"DELETE FROM {table} WHERE key NOT IN (SELECT key FROM kept)")  # noqa: S608
    _write(connection, view.name, rows, ttl_s)


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
        key = key_text(row)
        before = connection.execute(known, (key,)).fetchone()
        after = merged(row, None if before is None else (before[0], decode(before[1])), ttl_s)
        if after is not None:
            event_us, expires_us, fields = after
            connection.execute(put, (key, event_us, expires_us, encode(fields)))
            written += 1
    return written


def merged(
    row: OnlineRow, before: tuple[int, Mapping[str, Any]] | None, ttl_s: float | None
) -> tuple[int, int | None, dict[str, Any]] | None:
    """The row as it is kept (event time, end of life, fields) over the one before; None when that one is newer.

    A field that the row does not mention keeps its value.
    """
    event_us = micros(row.event_time)
    fields = {name: _plain(value) for name, value in row.fields.items()}
    if before is not None:
        if before[0] > event_us:
            return None
        fields = {**before[1], **fields}
    return event_us, None if ttl_s is None else event_us + round(ttl_s * 1_000_000), fields


def key_text(row: OnlineRow) -> str:
    """The entity's one spelling."""
    key = entity_text(row.key)
    if key is None:
        raise CorruptArtifact(f"{row.key!r} cannot be an entity of the online store")
    return key


def _plain(value: Any) -> Any:
    """A value as it is kept: a missing number is None, a moment is ISO text."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value


def micros(at: datetime) -> int:
    """Microseconds since 1970; a moment without a zone is UTC."""
    return ((at.replace(tzinfo=UTC) if at.tzinfo is None else at) - EPOCH) // MICROSECOND
