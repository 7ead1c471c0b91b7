"""Transactions on the database of a state store, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from rondo.adapters.sqlstate.postgresql import Postgresql
from rondo.adapters.sqlstate.sqlite import Sqlite
from rondo.errors import Conflict, ContractError, RondoError

_WRITES = "rondo_writes"


class Kind(Protocol):
    """What differs from database to database."""

    name: str
    """Where the store is, for messages; without a password."""

    def open(self) -> Engine:
        """Its engine; connects to nothing yet."""

    def begin(self, connection: Connection, *, writes: bool) -> None:
        """Begins a transaction: one view of the whole store, or (`writes`) alone among all writers."""

    def prepare(self, connection: Connection) -> None:
        """Makes the place for the tables."""

    def in_our_words(self, error: BaseException) -> RondoError:
        """The database's own error as ours."""


class Database:
    """Transactions on one database; safe for threads, to be opened anew in every process."""

    def __init__(self, where: str | Path, *, patience: timedelta, project: str) -> None:
        self._kind = _kind(where, patience, project)
        self.name = self._kind.name
        self._engine = self._kind.open()
        self._writer = self._engine.execution_options(**{_WRITES: True})
        event.listen(self._engine, "begin", self._on_begin)

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

    def prepare(self, connection: Connection) -> None:
        """Makes the place for the tables, in a transaction that writes."""
        self._kind.prepare(connection)

    def close(self) -> None:
        """Lets every connection go."""
        self._engine.dispose()

    def _on_begin(self, connection: Connection) -> None:
        self._kind.begin(connection, writes=bool(connection.get_execution_options().get(_WRITES)))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except NoConnectionLeft as error:
            raise Conflict(
                "all connections to the state store are in use", where=self.name, mend="Try again."
            ) from error
        except DBAPIError as error:
            raise self._kind.in_our_words(error.orig or error) from error


def _kind(where: str | Path, patience: timedelta, project: str) -> Kind:
    url = _url(where)
    match url.get_backend_name():
        case "sqlite":
            return Sqlite(url, patience)
        case "postgresql" | "postgres":
            return Postgresql(url, patience, project)
        case other:
            raise ContractError(
                f"no state store speaks {other!r}", where="stores.state", mend="Known: sqlite, postgresql."
            )


def _url(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    try:
        return make_url(where)
    except ArgumentError as error:
        raise ContractError("not the URL of a database", where="stores.state") from error
