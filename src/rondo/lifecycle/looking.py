"""Looks at production in a thread of its own: figures and alerts must not wait until a round is over."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rondo.lifecycle.heartbeat import promise_looks
from rondo.lifecycle.mishaps import Mishaps
from rondo.lifecycle.watching import decide
from rondo.lifecycle.workshop import Workshop
from rondo.records.monitoring import Decision

STOP_S = 10.0
"""A look that takes longer, say because a receiver of alerts does not answer, is left to itself at the end."""


@contextmanager
def looking(workshop: Workshop, *, every: timedelta) -> Iterator[Callable[[], Decision | None]]:
    """Looks again and again for the time of the block; gives what tells the newest decision, once."""
    over, newest = threading.Event(), deque[Decision](maxlen=1)
    thread = threading.Thread(target=_look, args=(workshop, over, every, newest), name="monitor", daemon=True)
    promise_looks(workshop, every)
    thread.start()
    try:
        yield lambda: newest.popleft() if newest else None
    finally:
        over.set()
        thread.join(STOP_S)
    # Not after a failure: whoever does not look any more although he promised is missed.
    promise_looks(workshop, None)


def _look(workshop: Workshop, over: threading.Event, every: timedelta, newest: deque[Decision]) -> None:
    mishaps = Mishaps(workshop, "monitor")
    while not over.is_set():
        with mishaps.survived():
            if workshop.state.production() is not None:
                newest.append(decide(workshop))
        over.wait(every.total_seconds())
