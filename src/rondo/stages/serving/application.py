"""The ASGI application: predictions on a short way of their own, everything else through Starlette.

What costs in a web framework at ten thousand requests a second is routing, request objects and middleware; the
addresses that predict have none of them. One event loop answers: a row takes microseconds, so it is answered
where it arrives; many rows are answered in a thread, where NumPy and ONNX Runtime let go of the interpreter.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from time import perf_counter
from typing import Any

from rondo.contract.serving import Serving
from rondo.errors import NotAvailable
from rondo.ports.feature_store import OnlineValues
from rondo.ports.prediction_log import PredictionLog, PredictionWriter
from rondo.records.access import OPEN_TO_ALL, Tokens
from rondo.stages.serving.answering import Answered, Answerer, share_out
from rondo.stages.serving.asking import Asked, Reader, read_infer, read_invocations, read_predict
from rondo.stages.serving.bodies import Bodies, ClientGone, Receive
from rondo.stages.serving.decoding import decode
from rondo.stages.serving.entering import Entry, check_deadline, deadline_of
from rondo.stages.serving.feedback import Issued
from rondo.stages.serving.figures import Figures
from rondo.stages.serving.joining import INLINE_ROWS, Joiner
from rondo.stages.serving.keeping import RouteKeeper
from rondo.stages.serving.leaving import while_there
from rondo.stages.serving.mirroring import Mirror
from rondo.stages.serving.problems import PROBLEM_TYPE, Refusal, internal, one_fault
from rondo.stages.serving.recording import OutcomeRecorder
from rondo.stages.serving.repeating import Kept, Repeats
from rondo.stages.serving.replying import write_infer, write_invocations, write_predict
from rondo.stages.serving.routing import RouteTable
from rondo.stages.serving.scoring import Group, Scorer

log = logging.getLogger("rondo.serving")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SHADOW_GRACE_S = 1.0  # for which a stopping server waits for its shadow
_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._:-]{1,64}$")
_INFER = re.compile(r"^/v2/models/([^/]+)(?:/versions/([^/]+))?/infer$")
INFER_PATHS = ("/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer")
_AGAIN = "Send it again after the seconds that retry-after says."


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of."""

    model: str  # the project's name: the model's name in the protocols
    serving: Serving
    keeper: RouteKeeper
    writer: PredictionWriter
    log: PredictionLog | None = None  # gives the outcomes of earlier runs
    online: OnlineValues | None = None
    figures_every: timedelta = timedelta(seconds=5)
    mirror_share: float = 1.0  # of the answered rows that a shadow sees
    tokens: Tokens = OPEN_TO_ALL


@dataclass(frozen=True, slots=True)
class Door:
    """An address that predicts: how its body is read, and how its answer is written."""

    endpoint: str
    read: Reader
    write: Callable[[Answered, Asked, str], bytes]
    version: str | None = None  # asked for by the address


class Application:
    """Answers HTTP. Create it in the process that serves; `start` and `stop` go around its life."""

    def __init__(self, parts: Parts) -> None:
        from rondo.stages.serving.others import other_pages

        self.parts = parts
        self.figures = Figures(parts.model)
        self.draining = False
        self.inflight = 0
        self._boot = secrets.token_hex(6)
        self._answerer = Answerer(self._boot, Scorer(parts.online), parts.writer, Issued(self._boot))
        self._joiner = Joiner(self._answerer)
        self._mirrors: list[Mirror] = []  # the shadow's is the last; those before it tell their last figures
        self._request_numbers = count()
        self.bodies = Bodies(parts.serving.max_body_kb * 1024)
        self._max_rows, self._max_inflight = parts.serving.max_rows, parts.serving.max_inflight
        self._doors: Mapping[str, Door] = {
            "/predict": Door("predict", read_predict, write_predict),
            "/invocations": Door("invocations", read_invocations, write_invocations),
        }
        self._others, self._pages = other_pages(self)
        self.entry = Entry(parts.serving, parts.tokens)
        self._repeats = Repeats()
        self._batches = ThreadPoolExecutor(1, "batches")
        self._tasks: list[asyncio.Task[None]] = []
        self.recorder = OutcomeRecorder(
            parts.writer,
            parts.log,
            self.figures,
            about=self._answerer.issued.about,
            max_rows=parts.serving.max_rows,
            max_corrections=parts.serving.max_corrections,
        )

    @property
    def addresses(self) -> Mapping[str, frozenset[str]]:
        """Every path that is answered (with its parameters in braces), and the methods it takes."""
        predicting = dict.fromkeys((*self._doors, *INFER_PATHS), frozenset({"POST"}))
        return {**predicting, **{route.path: frozenset(route.methods or ()) for route in self._pages}}

    @property
    def table(self) -> RouteTable:
        """The routes of now."""
        return self.parts.keeper.table

    @property
    def ready(self) -> bool:
        """Whether requests are answered: there is a model, all of its shares are warm, and nobody said stop."""
        return self.table.ready and not self.draining

    async def start(self) -> None:
        """Loads what is routed; returns when it is there or has failed. Old outcomes are read meanwhile."""
        self.recorder.start()
        await self.parts.keeper.settled()
        self._tasks = [
            asyncio.create_task(work)
            for work in (self.parts.keeper.run(), self._count(), self.bodies.sweep())
        ]

    async def stop(self) -> None:
        """Ends the background work and says good-bye to the state store."""
        self.draining = True
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.recorder.stop()
        await self.parts.keeper.close()
        for mirror in self._mirrors:
            await asyncio.to_thread(mirror.settled, SHADOW_GRACE_S)
            mirror.close()
        self._emit_figures()
        self._batches.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            await self._others(scope, receive, send)
            return
        path = scope["path"]
        door = self._doors.get(path) or self._infer_door(path)
        if door is None:
            await self._others(scope, receive, send)
        else:
            await self._predict(door, scope, receive, send)

    def _infer_door(self, path: str) -> Door | None:
        found = _INFER.match(path) if path.startswith("/v2/") else None
        if found is None or found[1] != self.parts.model:
            return None
        return Door("infer", read_infer, partial(write_infer, self.parts.model), found[2])

    async def _predict(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        headers = dict(scope["headers"])
        request_id = self.request_id(headers)
        self.inflight += 1
        answered: Answered | None = None
        groups: Sequence[Group] = ()
        versions: tuple[str, ...] = ()
        extra: Iterable[tuple[bytes, bytes]] = ()
        repeat: bytes | None = None
        try:
            table = self._admit(scope, headers)
            deadline = deadline_of(headers, started)
            body = await self.bodies.read(receive)
            kept = None
            if (key := headers.get(b"idempotency-key")) is not None:
                kept = self._repeats.begin(key, scope["path"], body)
                repeat = key if kept is None else None
            if kept is None:
                asked = self._asked(door, table, decode(body))
                groups = self._groups(door, table, asked, request_id)
                check_deadline(deadline)
                answered = await self._answer(groups, asked, started, deadline, receive)
                versions = answered.versions
                reply, who = door.write(answered, asked, request_id), ",".join(versions).encode()
                if repeat is not None:
                    self._repeats.end(repeat, Kept(reply, who))
                    repeat = None
            else:
                reply, who = kept.reply, kept.versions
            status, kind = 200, b"application/json"
            extra = ((b"x-rondo-version", who),)
        except Refusal as refusal:
            status, kind, reply = refusal.status, PROBLEM_TYPE, refusal.body(request_id)
            extra = [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
            versions = _whose(groups, refusal.version)
        except ClientGone:
            self.left(door.endpoint, request_id)
            return
        except Exception:
            log.exception("request %s failed", request_id)
            status, kind, reply = 500, PROBLEM_TYPE, internal().body(request_id)
            versions = _whose(groups)
        finally:
            self.inflight -= 1
            if repeat is not None:  # it failed: it may be tried again
                self._repeats.end(repeat, None)
        await send(self._head(status, kind, reply, request_id, extra))
        await send({"type": "http.response.body", "body": reply})
        self.figures.answered(door.endpoint, status, perf_counter() - started, answered, versions)
        if answered is not None and table.shadow is not None:
            self._mirror(table, asked, answered, len(body))

    def left(self, endpoint: str, request_id: str) -> None:
        """Notes that the client of a request left before anything was done for it."""
        log.info("request %s: the client left %s; nothing was done", request_id, endpoint)
        self.figures.left(endpoint)

    def _admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> RouteTable:
        """The routes to answer by, when the request may come in at all.

        Raises:
            Refusal: 400, 401, 403, 405, 413, 415, 421, 429, 431 or 503.
        """
        self.entry.check(scope, headers, "predict")
        if scope["method"] != "POST":
            what = f"Predictions are asked for with POST, not {scope['method'][:20]}"
            raise one_fault(405, "method", what, headers={"allow": "POST"})
        self.entry.check_json(headers)
        if self.inflight > self._max_inflight:
            what = f"More requests are waiting than the {self._max_inflight} that may wait"
            raise one_fault(429, "overloaded", what, hint=_AGAIN, headers={"retry-after": "1"})
        if not self.table.ready:
            what = "No version is ready to answer"
            raise one_fault(503, "not_ready", what, hint=_AGAIN, headers={"retry-after": "1"})
        return self.table

    def _asked(self, door: Door, table: RouteTable, body: Any) -> Asked:
        leading = table.leading
        assert leading is not None  # a ready table has a version
        asked = door.read(body, leading.bundle.plan)
        if len(asked.rows) > self._max_rows:
            raise one_fault(
                413, "too_many_rows", f"{len(asked.rows)} rows; at most {self._max_rows} are taken"
            )
        return asked

    async def _answer(
        self,
        groups: Sequence[Group],
        asked: Asked,
        started: float,
        deadline: float | None,
        receive: Receive,
    ) -> Answered:
        rows, now = len(asked.rows), datetime.now(UTC)
        if rows == 1:
            return await self._joiner.answer(groups[0].version, asked.rows[0], started, single=asked.single)

        def work() -> Answered:
            check_deadline(deadline)  # it may have waited for others
            if len(groups) == 1:
                return self._answerer.answer(groups[0], now=now, started=[started] * rows)
            return self._answerer.answer_all(groups, now=now, started=started)

        if rows <= INLINE_ROWS:
            return work()
        return await while_there(self._batches.submit(work), receive)

    def _mirror(self, table: RouteTable, asked: Asked, answered: Answered, size: int) -> None:
        """Lets the shadow see what was answered."""
        if (shadow := table.mirrored) is None:
            return
        if not self._mirrors or self._mirrors[-1].version is not shadow:
            self._end_mirrors()
            self._mirrors.append(Mirror(shadow, self._answerer.mirror, share=self.parts.mirror_share))
        self._mirrors[-1].offer(asked.rows, answered.predictions, answered.at, size)

    def _end_mirrors(self) -> None:
        for mirror in self._mirrors:
            mirror.close()

    @staticmethod
    def _groups(door: Door, table: RouteTable, asked: Asked, request_id: str) -> Sequence[Group]:
        if door.version is not None:
            named = table.named(door.version)
            if named is None:
                raise one_fault(404, "unknown_version", f"No version {door.version[:40]!r} serves")
            return (Group(named, asked.rows, None if asked.single else range(len(asked.rows))),)
        try:
            return share_out(table, asked, request_id)
        except NotAvailable as error:
            raise Refusal(503, str(error), headers={"retry-after": "1"}) from error

    def request_id(self, headers: Mapping[bytes, bytes]) -> str:
        """The client's own id where it is one, else a new one."""
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.match(given):
            return given.decode()
        return f"{self._boot}-{next(self._request_numbers):x}"

    def _head(
        self,
        status: int,
        kind: bytes,
        reply: bytes,
        request_id: str,
        extra: Iterable[tuple[bytes, bytes]],
    ) -> dict[str, Any]:
        headers = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(reply)),
            (b"x-request-id", request_id.encode()),
            *extra,
        ]
        if self.draining:  # the client's next request then goes to who comes after
            headers.append((b"connection", b"close"))
        return {"type": "http.response.start", "status": status, "headers": headers}

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(self.parts.figures_every.total_seconds())
            self._emit_figures()

    def _emit_figures(self) -> None:
        writer = self.parts.writer
        shadow = self.table.mirrored
        kept = [mirror for mirror in self._mirrors if mirror.version is shadow]
        shadows = {mirror.version.version: mirror.figures() for mirror in self._mirrors}
        for mirror in self._mirrors:
            if mirror not in kept:
                mirror.close()
        self._mirrors = kept
        writer.figures(self.figures.interval(datetime.now(UTC), dropped=writer.dropped, shadows=shadows))


def _whose(groups: Sequence[Group], version: str = "") -> tuple[str, ...]:
    """The versions that a failure counts for: the one that it says, else all that were to answer."""
    return (version,) if version else tuple(group.version.version for group in groups)
