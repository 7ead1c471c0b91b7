"""Work that one process at a time does in a project of this machine, kept apart by locks on files of Rondo's folder.

The system lets go of a lock when its process dies, however it dies.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rondo.errors import Conflict

RUN, UP = "run.lock", "up.lock"
_TRIES, _BETWEEN_S = 20, 0.01  # who only asks holds the lock for a moment, and is no reason to refuse anybody


@contextmanager
def alone(home: Path, lock: str, *, what: str, mend: str) -> Iterator[None]:
    """Nobody else holds that lock meanwhile.

    Args:
        home: Rondo's folder of the project.
        lock: the file's name.
        what: who holds it, for the message.
        mend: what to do about it.

    Raises:
        Conflict: somebody holds it; the message says which process, and since when.
    """
    import fcntl

    home.mkdir(parents=True, exist_ok=True)
    with (home / lock).open("a+", encoding="utf-8") as file:
        if not _locked(file, fcntl.LOCK_EX):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Conflict(f"{what} ({holder})", where=str(home), mend=mend)
        file.truncate(0)
        file.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        file.flush()
        yield


def is_held(home: Path, lock: str) -> bool:
    """Whether some process holds that lock right now."""
    import fcntl

    try:
        with (home / lock).open("rb") as file:
            return not _locked(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _locked(file: IO[str] | IO[bytes], kind: int) -> bool:
    import fcntl

    for attempt in range(_TRIES):
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if kind == fcntl.LOCK_SH:
                return False
            time.sleep(_BETWEEN_S if attempt < _TRIES - 1 else 0)
        else:
            return True
    return False
