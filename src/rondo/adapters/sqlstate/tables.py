"""The tables, as queries see them; migrations.py made them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Dialect, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

from rondo.errors import CorruptArtifact

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A moment as text of fixed width in UTC, so that the order of the texts is the order in time."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """The text; a time without zone is refused, because nobody could tell what it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The moment in UTC."""
        if value is None:
            return None
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise CorruptArtifact(
                f"{value!r} stands in the state store where a moment should", mend="Restore it from a copy."
            ) from error


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, metadata, *columns)


def _key(name: str, kind: type[Any] = Text) -> Column[Any]:
    return Column(name, kind, primary_key=True)


migrations = _table("migrations", _key("number", Integer), Column("at", Moment))

releases = _table(
    "releases",
    _key("version"),
    Column("position", Integer),
    Column("bundle_id", Text),
    Column("stage", Text),
    Column("stage_told", Text),  # what the model registry knows
    Column("body", Text),  # a Release as JSON; its stage is in the column
)

history = _table("history", _key("position", Integer), Column("version", Text))

# One row: everything that servers poll, and the counters that change together with it.
standing = _table(
    "standing",
    _key("id", Integer),
    Column("generation", Integer),
    Column("weights", Text),
    Column("shadow", Text),
    Column("warm_number", Integer),
    Column("warm_version", Text),
    Column("roles_number", Integer),
    Column("roles_told", Integer),
    Column("events", Integer),
    Column("events_head", Text),
)

events = _table(
    "events",
    _key("sequence", Integer),
    Column("at", Moment),
    Column("kind", Text),
    Column("subject", Text),
    Column("by", Text),
    Column("reason", Text),
    Column("details", Text),
    Column("hash", Text),
)

rollouts = _table(
    "rollouts",
    _key("number", Integer),
    Column("under_way", Integer),  # 1 or 0; the database allows one 1
    Column("body", Text),
)

observations = _table(
    "observations",
    _key("id", Integer),
    Column("metric", Text),
    Column("body", Text),
    Column("identity", Text),  # of the figure and its window; empty in rows of before
    Column("observed_at", Moment),
)

alerts = _table(
    "alerts",
    _key("key"),
    Column("opened_at", Moment, primary_key=True),
    Column("recovered_at", Moment),
    Column("body", Text),
)

decisions = _table("decisions", _key("id", Integer), Column("body", Text))

marks = _table("marks", _key("key"), Column("value", Text))

leases = _table(
    "leases",
    _key("name"),
    Column("owner", Text),  # empty when nobody holds it
    Column("token", Integer),
    Column("taken_at", Moment),
    Column("ends_at", Moment),
)

servers = _table("servers", _key("server_id"), Column("seen_at", Moment), Column("body", Text))
