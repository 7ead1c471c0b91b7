"""How many known outcomes one client may change: nobody rewrites what a model is judged by, unseen and at once.

A client is the address that the request came from; behind a proxy all clients are one, and share one allowance. A first
outcome is not counted: who sends wrong ones from the start cannot be told from who sends right ones.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic

from rondo.stages.serving.problems import Fault, Refusal

log = logging.getLogger("rondo.serving")

WINDOW_S = 3600.0
MOST_CLIENTS = 10_000
"""Remembered at once; beyond it those that changed nothing for longest are forgotten."""


@dataclass(slots=True)
class _Client:
    changes: deque[tuple[float, int]] = field(default_factory=deque)  # when, how many; oldest first
    used: int = 0  # all of them together
    told: float = float("-inf")  # when the log last heard of it


class Corrections:
    """Counts changes of known outcomes per client over the last hour. For one event loop."""

    def __init__(self, most: int, *, clock: Callable[[], float] = monotonic) -> None:
        """Args:
        most: changes that a client may make in an hour.
        clock: seconds that never go back.
        """
        self._most, self._clock = most, clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    def allow(self, client: str, changes: int) -> None:
        """Counts the changes, when all of them are allowed; else none of them is, and none is counted.

        Raises:
            Refusal: 429, with the seconds after which they will be; never, where they alone are too many.
        """
        if not changes:
            return
        now = self._clock()
        known = self._clients.setdefault(client, _Client())
        self._clients.move_to_end(client)
        while len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)
        while known.changes and known.changes[0][0] <= now - WINDOW_S:
            known.used -= known.changes.popleft()[1]
        if known.used + changes <= self._most:
            known.changes.append((now, changes))
            known.used += changes
            return
        if now - known.told >= WINDOW_S:
            known.told = now
            log.warning("the client %s wants to change more than %d outcomes in an hour", client, self._most)
        raise self._refusal(known, changes, now)

    def _refusal(self, known: _Client, changes: int, now: float) -> Refusal:
        what = (
            f"{changes:,} known outcomes would change after {known.used:,} in the last hour; "
            f"at most {self._most:,} may be changed by one client"
        )
        hint = "If they are meant, send them later, or raise serving.max_corrections."
        headers = {}
        if changes <= self._most:
            headers["retry-after"] = str(self._seconds_until(known, changes, now))
        return Refusal(429, what, (Fault((), "too_many_corrections", what, hint),), headers=headers)

    def _seconds_until(self, known: _Client, changes: int, now: float) -> int:
        used = known.used
        for at, count in known.changes:
            used -= count
            if used + changes <= self._most:
                return max(1, ceil(at + WINDOW_S - now))
        return ceil(WINDOW_S)
