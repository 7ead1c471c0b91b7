"""Feast's online store over our rows; named by class path in feature_store.yaml.

What is kept where is the rows' business: RondoOnlineStore has them in a file, and redis_online_store.py derives the
same store over Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from feast import Entity, FeatureView, RepoConfig
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel
from feast.value_type import ValueType

from rondo.adapters.feast.places import OnlineRows
from rondo.adapters.feast.repository import REVISION_TAG
from rondo.adapters.feast.rows import EmbeddedOnlineValues, OnlineRow
from rondo.errors import UsageError

_MEMBERS = {
    ValueType.INT64: "int64_val",
    ValueType.DOUBLE: "double_val",
    ValueType.BOOL: "bool_val",
    ValueType.STRING: "string_val",
}


class RondoOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """Where the rows lie; a relative path starts at the repository."""

    type: Literal["rondo.adapters.feast.online_store.RondoOnlineStore"] = (
        "rondo.adapters.feast.online_store.RondoOnlineStore"
    )
    path: str


class RondoOnlineStore(OnlineStore):  # type: ignore[misc]
    """Writes and reads the rows that the server reads."""

    def __init__(self) -> None:
        self._opened: dict[str, OnlineRows] = {}

    def _values(self, config: RepoConfig) -> OnlineRows:
        place = self._place(config)
        if place not in self._opened:
            self._opened[place] = self._open(config, place)
        return self._opened[place]

    def _place(self, config: RepoConfig) -> str:
        path = Path(config.online_store.path)
        if not path.is_absolute() and config.repo_path is not None:
            path = Path(config.repo_path) / path
        return str(path)

    def _open(self, config: RepoConfig, place: str) -> OnlineRows:
        return EmbeddedOnlineValues(Path(place))

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Writes the rows; all of them or none."""
        rows = [
            OnlineRow(_key(key), {name: _python(value) for name, value in fields.items()}, event_time)
            for key, fields, event_time, _created in data
        ]
        ttl_s = table.ttl.total_seconds() if table.ttl else None
        self._values(config).write(_kept_as(table), rows, ttl_s=ttl_s or None)
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, Value] | None]]:
        """The row of each key; (None, None) where there is none, or where it is older than the view's TTL."""
        types = {field.name: field.dtype.to_value_type() for field in table.features}
        names = requested_features or list(types)
        found: list[tuple[datetime | None, dict[str, Value] | None]] = []
        for row in self._values(config).read([_kept_as(table)], [_key(key) for key in entity_keys]):
            if row is None:
                found.append((None, None))
            else:
                values = {name: _value(row.get(name), types[name]) for name in names if name in types}
                found.append((row["_event_timestamp"], values))
        return found

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Makes room for the views. One that is no longer defined keeps its rows: a released model may read them."""
        self._values(config).create([_kept_as(table) for table in tables_to_keep])

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Forgets the views."""
        self._values(config).drop([_kept_as(table) for table in tables])


def _kept_as(view: FeatureView) -> str:
    """The definition of the view that this repository knows."""
    revision = (view.tags or {}).get(REVISION_TAG)
    return f"{view.name}@{revision}" if revision else str(view.name)


def _key(key: EntityKey) -> Any:
    if len(key.entity_values) != 1:
        raise UsageError("the online store keeps views of one entity", rule="One join key per view")
    return _python(key.entity_values[0])


def _python(value: Value) -> Any:
    member = value.WhichOneof("val")
    if member is None:
        return None
    if member not in _MEMBERS.values():
        raise UsageError(f"the online store keeps numbers, truth values and texts, not {member}")
    return getattr(value, member)


def _value(value: Any, kind: ValueType) -> Value:
    kept = Value()
    if value is not None:
        setattr(kept, _MEMBERS[kind], float(value) if kind is ValueType.DOUBLE else value)
    return kept
