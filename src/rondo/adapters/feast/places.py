"""Where the online values of a project lie, and how the generated repository tells Feast; no Feast.

Every place is opened as the same kind of rows, and can be rehearsed in without touching what serves.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from rondo.adapters.feast.rows import EmbeddedOnlineValues, KeptView, OnlineRow


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
