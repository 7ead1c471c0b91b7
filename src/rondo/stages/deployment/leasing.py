"""The deployment lease: one deployment at a time, and a person's command waits for a step that is just being done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

from rondo.errors import Conflict
from rondo.ports.state import StateStore
from rondo.records.holders import is_gone, this_process
from rondo.stages.deployment.mirror import LEASE

_BETWEEN_TRIES_S = 0.1


@contextmanager
def leased(
    store: StateStore,
    ttl: timedelta,
    *,
    clock: Callable[[], datetime],
    wait: Callable[[float], None],
    patience: timedelta = timedelta(0),
    gone: Callable[[str], bool] = is_gone,
) -> Iterator[tuple[str, int]]:
    """Holds the lease for the block and gives it with its fencing token.

    Args:
        store: keeps the lease.
        ttl: how long the block takes at most.
        clock: now.
        wait: waits that many seconds.
        patience: how long to wait for its turn.
        gone: whether a holder is known to have died.

    Raises:
        Conflict: somebody else holds it all the while.
    """
    us, give_up = this_process(), clock() + patience
    with ExitStack() as held:
        while True:
            now = clock()
            try:
                token = held.enter_context(store.lease(LEASE, us, ttl, now=now, gone=gone))
                break
            except Conflict:
                if now >= give_up:
                    raise
                wait(_BETWEEN_TRIES_S)
        yield LEASE, token
