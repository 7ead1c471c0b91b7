"""Where the online values of a project lie, and how the generated repository tells Feast; no Feast.

Every place is opened as the same kind of rows, and can be rehearsed in without touching what serves.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from rondo.adapters.feast.redis_rows import RedisOnlineValues
from rondo.adapters.feast.rows import EmbeddedOnlineValues, KeptView, OnlineRow
from rondo.contract.references import references


class OnlineRows(Protocol):
    """Online values that can be written; see EmbeddedOnlineValues for what each method does."""

    def read(self, views: Sequence[str], keys: Sequence[Any]) -> list[dict[str, Any] | None]:
        """For each key the fields of all those views in one mapping."""

    def entities(self, view: str) -> int:
        """How many entities the view knows."""

    def kept(self) -> dict[str, dict[str, str]]:
        """The definitions that rows are kept of."""

    def create(self, views: Iterable[str]) -> None:
        """Makes room for the views."""

    def write(self, view: str, rows: Iterable[OnlineRow], *, ttl_s: float | None = None) -> int:
        """Writes the rows, all of them or none."""

    def publish(
        self,
        newest: Iterable[KeptView],
        others: Iterable[KeptView] = (),
        *,
        ttl_s: float | None = None,
        until: datetime,
        needed: Collection[str] | None = None,
    ) -> None:
        """Brings the views to the moment `until`, at once for every reader."""

    def drop(self, views: Iterable[str]) -> None:
        """Forgets the views."""

    def close(self) -> None:
        """Lets go of the store."""


class OnlinePlace(Protocol):
    """Where online values lie."""

    def open(self) -> OnlineRows:
        """The values; connects when they are first used."""

    def rehearsal(self) -> AbstractContextManager[OnlineRows]:
        """Empty values of the same kind for the time of a block."""

    def settings(self, repo: Path) -> dict[str, str]:
        """The `online_store` part of feature_store.yaml."""

    def reachable_by_feast(self) -> AbstractContextManager[None]:
        """For the time of a block, Feast in this process finds everything that the settings refer to."""


class EmbeddedPlace:
    """An OnlinePlace in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> OnlineRows:
        """See OnlinePlace."""
        return EmbeddedOnlineValues(self._path)

    @contextmanager
    def rehearsal(self) -> Iterator[OnlineRows]:
        """See OnlinePlace."""
        with tempfile.TemporaryDirectory() as folder:
            values = EmbeddedOnlineValues(Path(folder) / "online.db")
            try:
                yield values
            finally:
                values.close()

    def settings(self, repo: Path) -> dict[str, str]:
        """See OnlinePlace."""
        return {
            "type": "rondo.adapters.feast.online_store.RondoOnlineStore",
            "path": Path(os.path.relpath(self._path, repo)).as_posix(),
        }

    def reachable_by_feast(self) -> AbstractContextManager[None]:
        """See OnlinePlace."""
        return nullcontext()


class RedisPlace:
    """An OnlinePlace in Redis. `reference` is how the project file names it, so that no password is written down."""

    def __init__(self, url: str, reference: str, project: str, env: Mapping[str, str]) -> None:
        self._url, self._project, self._env = url, project, env
        # Feast resolves ${NAME} itself.
        self._reference = f"${{{reference[4:].strip()}}}" if reference.startswith("env:") else reference

    def open(self) -> OnlineRows:
        """See OnlinePlace."""
        return RedisOnlineValues(self._url, project=self._project)

    @contextmanager
    def rehearsal(self) -> Iterator[OnlineRows]:
        """See OnlinePlace."""
        values = RedisOnlineValues(self._url, project=self._project, space=f"rehearsal-{uuid.uuid4().hex}:")
        try:
            yield values
            values.clear()
        finally:
            values.close()

    def settings(self, repo: Path) -> dict[str, str]:
        """See OnlinePlace."""
        return {
            "type": "rondo.adapters.feast.redis_online_store.RondoRedisOnlineStore",
            "connection": json.dumps(self._reference),
            "project": json.dumps(self._project),
        }

    @contextmanager
    def reachable_by_feast(self) -> Iterator[None]:
        """See OnlinePlace: variables of the project's own `.env` are not in this process's environment."""
        added = {
            name: self._env[name]
            for name in references(self._reference)
            if name in self._env and name not in os.environ
        }
        os.environ.update(added)
        try:
            yield
        finally:
            for name in added:
                os.environ.pop(name, None)
