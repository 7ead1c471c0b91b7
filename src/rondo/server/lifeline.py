"""A server that another process keeps ends with that process, however that one ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping

from rondo.records.holders import STOPS_WITH, is_gone

_LOOK_EVERY_S = 0.5


def end_with_keeper(env: Mapping[str, str]) -> None:
    """From now on this process gets SIGTERM when the process is gone that keeps it, where `env` names one."""
    if keeper := env.get(STOPS_WITH):
        threading.Thread(target=_watch, args=(keeper,), name="keeper", daemon=True).start()


def _watch(keeper: str) -> None:
    while not is_gone(keeper):
        time.sleep(_LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)
