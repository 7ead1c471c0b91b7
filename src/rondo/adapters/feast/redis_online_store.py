"""Feast's online store over our rows in Redis; named by class path in feature_store.yaml."""

from __future__ import annotations

from typing import Literal

from feast import RepoConfig
from feast.repo_config import FeastConfigBaseModel

from rondo.adapters.feast.online_store import RondoOnlineStore
from rondo.adapters.feast.places import OnlineRows
from rondo.adapters.feast.redis_rows import RedisOnlineValues


class RondoRedisOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """Which Redis, and whose names in it."""

    type: Literal["rondo.adapters.feast.redis_online_store.RondoRedisOnlineStore"] = (
        "rondo.adapters.feast.redis_online_store.RondoRedisOnlineStore"
    )
    connection: str
    project: str


class RondoRedisOnlineStore(RondoOnlineStore):
    """Writes and reads the rows that the server reads, in Redis."""

    def _place(self, config: RepoConfig) -> str:
        return str(config.online_store.connection)

    def _open(self, config: RepoConfig, place: str) -> OnlineRows:
        return RedisOnlineValues(place, project=config.online_store.project)
