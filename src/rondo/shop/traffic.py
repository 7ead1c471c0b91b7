"""The shop's own requests: customers are scored by key, and what became of them is told.

Every answer is counted; one that is not a prediction is a failure, and failures are kept with their reason.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

CONNECTIONS = 4
KEPT_FAILURES = 20
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Answered:
    """One customer's prediction."""

    user_id: int
    prediction_id: str
    version: str
    score: float
    label: str


@dataclass(frozen=True, slots=True)
class Answer:
    """When an answer came (time.monotonic), of which version, and how long it took."""

    at: float
    version: str
    latency_ms: float


@dataclass
class Tally:
    """What the requests came to; safe to add to from several threads."""

    requests: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    failed: int = 0
    answers: list[Answer] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def answered(self, version: str, latency_ms: float) -> None:
        """Counts an answer."""
        with self._lock:
            self.requests += 1
            self.versions[version] += 1
            self.answers.append(Answer(time.monotonic(), version, latency_ms))

    def failure(self, reason: str) -> None:
        """Counts a request that got no prediction."""
        with self._lock:
            self.requests += 1
            self.failed += 1
            if len(self.failures) < KEPT_FAILURES:
                self.failures.append(reason)

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the answers did not exceed; NaN before the first."""
        ordered = sorted(answer.latency_ms for answer in self.answers)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class Customers:
    """Asks a running server about customers, by key, as of a moment."""

    def __init__(self, host: str, port: int, tally: Tally) -> None:
        self._address, self._tally = (host, port), tally

    def ask(self, user_ids: Sequence[int], moment: datetime) -> list[Answered]:
        """A request per customer over several connections; the answers in the order of the customers."""
        parts = [user_ids[start::CONNECTIONS] for start in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            answered = itertools.chain.from_iterable(
                pool.map(lambda part: self._ask_each(part, moment), parts)
            )
            by_user = {answer.user_id: answer for answer in answered}
        return [by_user[user] for user in user_ids if user in by_user]

    def tell(self, outcomes: Iterable[tuple[str, bool]]) -> int:
        """What became of predictions (id, churned), in batches; returns how many were taken."""
        taken = 0
        with self.connection() as connection:
            for batch in _batches(outcomes, 500):
                items = [{"prediction_id": name, "outcome": int(churned)} for name, churned in batch]
                status, answer = _post(connection, "/feedback", {"items": items})
                if status >= 300:
                    raise RuntimeError(f"/feedback answered {status}: {answer}")
                taken += len(items)
        return taken

    @contextmanager
    def background(
        self, user_ids: Sequence[int], moment: datetime, *, per_second: float
    ) -> Iterator[Background]:
        """A steady stream of requests from another thread for the time of the block."""
        load = Background(self, user_ids, moment, per_second)
        load.start()
        try:
            yield load
        finally:
            load.stop()

    def _ask_each(self, user_ids: Sequence[int], moment: datetime) -> list[Answered]:
        found = []
        with self.connection() as connection:
            for user in user_ids:
                if answer := self.ask_one(connection, user, moment):
                    found.append(answer)
        return found

    def ask_one(self, connection: http.client.HTTPConnection, user: int, moment: datetime) -> Answered | None:
        """One request over that connection; None (and a failure in the tally) when there was no prediction."""
        started = time.perf_counter()
        try:
            status, answer = _post(
                connection, "/predict", {"user_id": user, "event_time": moment.isoformat()}
            )
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._tally.failure(f"customer {user}: {type(error).__name__}: {error}")
            return None
        if status != 200:
            self._tally.failure(f"customer {user}: {status} {answer}")
            return None
        said = answer["predictions"][0]
        self._tally.answered(answer["version"], (time.perf_counter() - started) * 1000)
        return Answered(user, said["prediction_id"], answer["version"], said["score"], said["label"])

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        try:
            yield connection
        finally:
            connection.close()


class Background(threading.Thread):
    """Customers who come one after the other, at a steady pace, until stopped."""

    def __init__(
        self, customers: Customers, user_ids: Sequence[int], moment: datetime, per_second: float
    ) -> None:
        super().__init__(name="shop-traffic", daemon=True)
        self._customers, self._pause = customers, 1.0 / per_second
        self._asking = user_ids, moment
        self._stopping = threading.Event()

    def run(self) -> None:
        """Asks until stopped."""
        with self._customers.connection() as connection:
            for number in itertools.count():
                if self._stopping.wait(self._pause):
                    return
                user_ids, moment = self._asking
                self._customers.ask_one(connection, user_ids[number % len(user_ids)], moment)

    @property
    def users(self) -> Sequence[int]:
        """Who comes now."""
        return self._asking[0]

    def ask_about(self, user_ids: Sequence[int], moment: datetime) -> None:
        """From now on these customers come, as of that moment."""
        self._asking = user_ids, moment

    def stop(self) -> None:
        """Ends it, and waits for the request under way."""
        self._stopping.set()
        self.join(_TIMEOUT_S)


def _post(connection: http.client.HTTPConnection, path: str, body: Any) -> tuple[int, Any]:
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text else None


def _batches(items: Iterable[tuple[str, bool]], size: int) -> Iterator[list[tuple[str, bool]]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
