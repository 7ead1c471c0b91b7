"""Named moments after each durable action, at which a test may kill the process.

Nothing happens unless `RONDO_FAILPOINT` names the moment: `promote.switched`, or `promote.switched:3` for the third
time it is reached, or `*:7` for the seventh moment whatever its name. The process then ends at once, as a
power cut would end it.
"""

from __future__ import annotations

import os
import signal

_reached: dict[str, int] = {}


def reached(name: str) -> None:
    """Ends the process without any clean-up when a test asked for that."""
    wanted = os.environ.get("RONDO_FAILPOINT")
    if not wanted:
        return
    moment, _, count = wanted.partition(":")
    if moment not in (name, "*"):
        return
    _reached[moment] = _reached.get(moment, 0) + 1
    if _reached[moment] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
