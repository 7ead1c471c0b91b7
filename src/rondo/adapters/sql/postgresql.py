"""What PostgreSQL needs beside SQLAlchemy: its session, values that Python cannot hold, its error codes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import URL, Connection

from rondo.errors import ContractError, DataError, NotAvailable, Problem, RondoError, TemporaryPortError

# Types whose text means nothing without the server's settings, and what to write in the query instead.
_REFUSED_TYPES: Mapping[int, tuple[str, str]] = {
    790: ("money", "{name}::numeric"),
    1186: ("interval", "EXTRACT(EPOCH FROM {name})"),
    17: ("bytea", "encode({name}, 'hex')"),
}
_MOMENTS = ("date", "timestamp", "timestamptz")


class BeyondTime:
    """A date or moment that no calendar of ours has: infinity, years before 1 and after 9999."""

    def __init__(self, text: str) -> None:
        self.text = text


def driver(url: URL) -> URL:
    """The URL with the driver that `rondo-ml[postgres]` installs, unless it names one."""
    return url.set(drivername="postgresql+psycopg") if "+" not in url.drivername else url


def connect_options(timeout_s: float) -> dict[str, Any]:
    """Options of the driver: a server that is gone is noticed within the source's time."""
    limit_s = max(2, math.ceil(min(timeout_s, 10)))
    return {
        "connect_timeout": limit_s,
        "application_name": "rondo",
        "tcp_user_timeout": max(limit_s, math.ceil(timeout_s)) * 1000,
        "keepalives_idle": limit_s,
    }


def only_read(connection: Connection, timeout_s: float) -> None:
    """The transaction sees one snapshot, cannot write, and no statement of it runs longer than that."""
    for setting in (
        "TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        f"LOCAL statement_timeout TO {max(1, math.ceil(timeout_s * 1000))}",
        "LOCAL timezone TO 'UTC'",
        "LOCAL datestyle TO 'ISO, YMD'",
    ):
        connection.exec_driver_sql(f"SET {setting}")
    raw: Any = connection.connection.driver_connection
    if connection.dialect.driver == "psycopg":
        _read_as_we_do(raw)


def _read_as_we_do(raw: Any) -> None:
    """JSON stays the text that it is; a moment beyond Python's calendar is told by its column, not by the driver."""
    import psycopg
    from psycopg.types import datetime as moments
    from psycopg.types.string import TextLoader

    for name in ("json", "jsonb"):
        raw.adapters.register_loader(name, TextLoader)

    def lenient(kind: Any) -> Any:
        class Loader(kind):  # type: ignore[misc]
            def load(self, data: Any) -> Any:
                try:
                    return super().load(data)
                except psycopg.DataError:
                    return BeyondTime(bytes(data).decode())

        return Loader

    for name, kind in zip(
        _MOMENTS, (moments.DateLoader, moments.TimestampLoader, moments.TimestamptzLoader), strict=True
    ):
        raw.adapters.register_loader(name, lenient(kind))


def check_types(description: Sequence[Any], *, where: str) -> None:
    """Raises DataError for columns of types that have no meaning of their own, each by its name."""
    problems = []
    for column in description:
        if found := _REFUSED_TYPES.get(column[1]):
            kind, instead = found
            problems.append(
                Problem(
                    where,
                    f"column {column[0]!r} is of type {kind}",
                    "A column is numbers, texts, truth values or moments",
                    f"Write {instead.format(name=column[0])} AS {column[0]}",
                )
            )
    if problems:
        raise DataError(f"{where}: {len(problems)} columns cannot be read", problems=problems)


def beyond_time(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> Iterator[tuple[str, str]]:
    """The columns that hold a moment beyond the calendar, each with the first one."""
    for name, values in zip(names, columns, strict=True):
        if found := next((value for value in values if isinstance(value, BeyondTime)), None):
            yield name, found.text


def told(state: str, said: str, where: str) -> RondoError | None:
    """What an error with that SQLSTATE means; None for one that only its text tells."""
    match state:
        case "57014":
            return NotAvailable(
                f"the query took too long ({said})",
                where=where,
                mend="Narrow it, or raise the source's timeout",
            )
        case "25006":
            return ContractError(said, where=where, rule="A source only reads", mend="Correct the query")
        case "42501":
            return NotAvailable(said, where=where, mend="Check the user's rights")
    match state[:2]:
        case "28" | "3D":
            return NotAvailable(said, where=where, mend="Check user, password and database")
        case "42" | "26" | "34" | "0A":
            return ContractError(said, where=where, mend="Correct the query")
        case "08" | "40" | "53" | "55" | "57" | "58":
            return TemporaryPortError(said, where=where, mend="Check that the database can be reached")
        case "22" | "21" | "XX":
            return DataError(said, where=where, mend="Correct the query, or the data")
    return None
