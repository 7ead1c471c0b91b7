"""Reads a database: one statement in one transaction that can only read and is never committed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
from sqlalchemy import URL, Connection, CursorResult, Engine, bindparam, create_engine, exc, make_url, text
from sqlalchemy.pool import NullPool

from rondo.adapters.sql import postgresql
from rondo.adapters.sql.statement import Statement, bind
from rondo.contract.data import Source
from rondo.contract.references import mask
from rondo.errors import (
    ContractError,
    DataError,
    MissingExtra,
    NotAvailable,
    Problem,
    RondoError,
    TemporaryPortError,
)
from rondo.ports.columns import Columns
from rondo.ports.sources import Resolve

FETCH_ROWS = 20_000
_SQLITE_STEPS = 20_000  # virtual machine steps between two looks at the clock
_BUSY = ("database is locked", "database table is locked", "database schema has changed", "disk i/o error")
_REFUSED = (
    "password",
    "authentication",
    "permission denied",
    "access denied",
    "does not exist",
    "not authorized",
)
_WRONG = (
    "syntax error",
    "no such",
    "ambiguous column",
    "misuse",
    "unrecognized token",
    "wrong number of",
    "incomplete input",
)


class SqlReader:
    """A SourceReader over SQLAlchemy. Safe to call from several threads: each read has its own connection."""

    def __init__(self, root: Path) -> None:
        """Relative SQLite files start at `root`."""
        self._root = root

    def read(self, name: str, source: Source, resolve: Resolve) -> pl.DataFrame:
        """Every row of the query, in the order the database gives; at most `max_rows`."""
        where = f"source {name}"
        statement = bind(source.query or "", _resolved(source.params, resolve), where=where)
        url = self._url(resolve(source.sql or ""), where)
        engine = _engine(url, source.timeout.total_seconds(), where)
        try:
            with _translated(where, url), engine.connect() as connection:
                _only_read(connection, source.timeout.total_seconds())
                return _fetch(connection, statement, source, where)
        finally:
            engine.dispose()

    def origin(self, source: Source) -> str:
        """The URL without password and options."""
        try:
            return make_url(source.sql or "").set(query={}).render_as_string(hide_password=True)
        except exc.ArgumentError:
            return mask(source.sql or "")  # a reference such as ${WAREHOUSE_URL}

    def _url(self, text_: str, where: str) -> URL:
        try:
            url = make_url(text_)
        except exc.ArgumentError as error:
            raise ContractError(
                "sql is not a database URL",
                where=where,
                mend="Write it like postgresql://user:${PASSWORD}@host/db",
            ) from error
        if url.drivername == "postgres" or url.get_backend_name() == "postgresql":
            return postgresql.driver(url)
        if url.get_backend_name() != "sqlite":
            return url
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise ContractError(
                "sql names no SQLite file",
                where=where,
                mend="Write sqlite:///folder/file.db (or ////absolute)",
            )
        path = (self._root / url.database).resolve()
        if not path.is_file():
            raise NotAvailable(f"there is no file {path}", where=where, mend="Check the path of the database")
        # mode=ro never creates a file and never writes one, whatever the statement says.
        return url.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


def _resolved(params: Mapping[str, Any] | list[Any], resolve: Resolve) -> Mapping[str, Any] | list[Any]:
    def value(raw: Any) -> Any:
        return resolve(raw) if isinstance(raw, str) and "${" in raw else raw

    if isinstance(params, Mapping):
        return {key: value(raw) for key, raw in params.items()}
    return [value(raw) for raw in params]


def _engine(url: URL, timeout_s: float, where: str) -> Engine:
    connect: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        connect = {"timeout": min(timeout_s, 5.0)}
    elif url.drivername == "postgresql+psycopg":
        connect = postgresql.connect_options(timeout_s)
    elif url.get_backend_name() in {"postgresql", "mysql", "mariadb"}:
        connect = {"connect_timeout": max(1, int(min(timeout_s, 10)))}
    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=connect)
    except exc.NoSuchModuleError as error:
        raise ContractError(
            f"the database kind {url.drivername!r} is not known",
            where=where,
            mend="Write sqlite, postgresql or mysql",
        ) from error
    except ModuleNotFoundError as error:
        if error.name == "psycopg":
            raise MissingExtra("psycopg", extra="postgres", needed_for=f"{where} (PostgreSQL)") from error
        raise NotAvailable(
            f"the driver {error.name} is not installed",
            where=where,
            mend=f"Install it: pip install {error.name}",
        ) from error


def _only_read(connection: Connection, timeout_s: float) -> None:
    """Makes the session unable to write and unable to run for ever, as far as the database knows how to."""
    match connection.dialect.name:
        case "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
            raw: Any = connection.connection.driver_connection
            ends = time.monotonic() + timeout_s
            raw.set_progress_handler(lambda: int(time.monotonic() > ends), _SQLITE_STEPS)
        case "postgresql":
            postgresql.only_read(connection, timeout_s)
        case "mysql" | "mariadb":
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            connection.rollback()
            if connection.dialect.name == "mysql":
                connection.exec_driver_sql(f"SET SESSION MAX_EXECUTION_TIME = {int(timeout_s * 1000)}")


def _fetch(connection: Connection, statement: Statement, source: Source, where: str) -> pl.DataFrame:
    clause = text(statement.text)
    lists = [key for key, value in statement.values.items() if isinstance(value, list | tuple)]
    clause = clause.bindparams(*(bindparam(key, expanding=True) for key in lists))
    values = {key: _bindable(value, connection.dialect.name) for key, value in statement.values.items()}
    result = connection.execution_options(stream_results=True, max_row_buffer=FETCH_ROWS).execute(
        clause, values
    )
    with closing(result):
        return _collected(result, source, where, is_postgresql=connection.dialect.name == "postgresql")


def _collected(result: CursorResult[Any], source: Source, where: str, *, is_postgresql: bool) -> pl.DataFrame:
    names = list(result.keys())
    if twice := sorted({column for column in names if names.count(column) > 1}):
        raise DataError(
            f"the query gives several columns named {', '.join(map(repr, twice))}",
            where=where,
            rule="Every column has a name of its own",
            mend="Name the columns instead of *, or rename with AS",
        )
    if is_postgresql and result.cursor is not None:
        postgresql.check_types(result.cursor.description, where=where)
    table = Columns(names, where=where)
    ends = time.monotonic() + source.timeout.total_seconds()
    # Batch by batch into columns: what is held of the answer as Python's values stays small.
    while batch := result.fetchmany(FETCH_ROWS):
        columns = list(zip(*batch, strict=True))
        if is_postgresql:
            _check_moments(names, columns, where)
        if table.add(columns) > source.max_rows:
            raise DataError(
                f"the query gives more than {source.max_rows:,} rows",
                where=where,
                mend="Narrow the query, or raise max_rows",
            )
        if time.monotonic() > ends:
            raise NotAvailable(
                f"the query took too long (more than {source.timeout.total_seconds():g} s)",
                where=where,
                mend="Narrow it, or raise the source's timeout",
            )
    return table.frame()


def _check_moments(names: list[str], columns: list[Any], where: str) -> None:
    problems = [
        Problem(
            where,
            f"column {name!r} holds {value!r}",
            "A moment lies between the years 1 and 9999",
            f"Write NULLIF({name}, '{value}') AS {name}",
        )
        for name, value in postgresql.beyond_time(names, columns)
    ]
    if problems:
        raise DataError(f"{where}: {len(problems)} columns cannot be read", problems=problems)


def _bindable(value: Any, dialect: str) -> Any:
    if isinstance(value, list | tuple):
        return [_bindable(item, dialect) for item in value]
    if dialect == "sqlite" and isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if dialect == "sqlite" and isinstance(value, date):
        return value.isoformat()
    return value


@contextmanager
def _translated(where: str, url: URL) -> Iterator[None]:
    """Errors of the database as ours, with its own message and without secrets."""
    try:
        yield
    except RondoError:
        raise
    except exc.DBAPIError as error:
        raise _told(error, where, url) from error
    except exc.SQLAlchemyError as error:
        raise ContractError(_clean(error, url), where=where) from error


def _told(error: exc.DBAPIError, where: str, url: URL) -> RondoError:
    said = _clean(error.orig or error, url)
    if known := postgresql.told(getattr(error.orig, "sqlstate", None) or "", said, where):
        return known
    low = said.lower()
    mend = "Correct the query"
    if "interrupted" in low or "statement timeout" in low or "maximum statement execution time" in low:
        return NotAvailable(
            f"the query took too long ({said})", where=where, mend="Narrow it, or raise the source's timeout"
        )
    if "readonly" in low or "read-only" in low or "query_only" in low:
        return ContractError(said, where=where, rule="A source only reads", mend=mend)
    if any(word in low for word in _BUSY):
        return TemporaryPortError(said, where=where, mend="Try again when the other work on it is done")
    if "not a database" in low or "malformed" in low:
        return DataError(said, where=where, mend="Check that the file is whole")
    if isinstance(error, exc.ProgrammingError) or any(word in low for word in _WRONG):
        return ContractError(said, where=where, mend=mend)
    if any(word in low for word in _REFUSED):
        return NotAvailable(said, where=where, mend="Check user, password and rights")
    if error.connection_invalidated or isinstance(error, exc.OperationalError | exc.InterfaceError):
        return TemporaryPortError(said, where=where, mend="Check that the database can be reached")
    return DataError(said, where=where, mend=mend)


def _clean(error: BaseException, url: URL) -> str:
    said = mask(" ".join(str(error).split())[:400])
    password = str(url.password) if url.password is not None else ""
    for secret in {password, quote(password, safe="")} - {""}:
        said = said.replace(secret, "…")
    return said or type(error).__name__
