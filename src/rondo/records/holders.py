"""Who holds something: processes named so that others can tell whether they still run."""

from __future__ import annotations

import os
import socket
from pathlib import Path

STOPS_WITH = "RONDO_STOPS_WITH"
"""The variable that tells a server by whom it is kept: it ends when that process is gone."""


def this_process() -> str:
    """The name of this process: host/pid/start, where start tells apart processes that had the same pid."""
    return f"{socket.gethostname()}/{os.getpid()}/{_start(os.getpid())}"


def is_gone(holder: str) -> bool:
    """Whether the holder is a process of this machine that has ended; of others nothing is known."""
    host, _, start = holder.rpartition("/")
    host, _, pid = host.rpartition("/")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    return _start(int(pid)) != start


def _start(pid: int) -> str:
    """When the process started; empty when there is no such process any more."""
    if Path("/proc/self/stat").exists():
        # Ticks since boot: unlike a time of day they do not move when the clock is set.
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    import psutil

    try:
        return str(int(psutil.Process(pid).create_time()))
    except psutil.NoSuchProcess:
        return ""
