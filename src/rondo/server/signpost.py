"""`.rondo/server.json`: where the running server of a project is found."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from rondo.errors import CorruptArtifact, NotAvailable
from rondo.records.address import url_of
from rondo.records.files import read_record, write_record

SIGNPOST = "server.json"


@dataclass(frozen=True, slots=True)
class Signpost:
    """A server that answers."""

    pid: int
    host: str
    port: int
    started_at: datetime

    @property
    def url(self) -> str:
        """Where it answers."""
        return url_of(self.host, self.port)

    def put_up(self, home: Path) -> None:
        """Writes it into Rondo's folder of the project."""
        write_record(home / SIGNPOST, self)

    def take_down(self, home: Path) -> None:
        """Removes it, unless it is another server's by now."""
        with suppress(NotAvailable, CorruptArtifact):
            if read_record(home / SIGNPOST, Signpost).pid == self.pid:
                (home / SIGNPOST).unlink(missing_ok=True)


def running_server(home: Path) -> Signpost | None:
    """The server of the project whose folder of Rondo's that is; None when none runs."""
    try:
        found = read_record(home / SIGNPOST, Signpost)
    except (NotAvailable, CorruptArtifact):
        return None
    return found if psutil.pid_exists(found.pid) else None
