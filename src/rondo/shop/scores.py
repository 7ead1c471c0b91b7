"""The shop's HTTP service of external scores, on the loopback interface only.

``GET /scores?cursor=…&limit=…`` answers ``{"items": […], "next": "…" | null}``
to whoever brings the bearer token; ``GET /health`` answers everybody.
"""

from __future__ import annotations

import hmac
import socket
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rondo.errors import Conflict, UsageError
from rondo.shop.spec import WORLD_FILE, load_world
from rondo.shop.world import Shop, scores_of

ScoreSource = Callable[[], pl.DataFrame]
"""Gives the scores of now: ``user_id`` in rising order, ``credit_score``, ``engagement_index``."""

PAGE_ROWS = 500
MOST_PAGE_ROWS = 5_000
_STOP_SECONDS = 5.0


def scores_at(shop: Shop, day: date) -> ScoreSource:
    """The scores of everyone who has signed up by the end of a day."""
    known = shop.customers.filter(pl.col("signup_date") <= day).select("user_id")
    scores = shop.scores.join(known, on="user_id", how="semi", maintain_order="left")
    return lambda: scores


def scores_in(folder: Path) -> ScoreSource:
    """The scores of the world saved in the folder, up to the day it is published.

    The world is read again when its file has changed.
    """
    lock = threading.Lock()
    seen: tuple[int, int] | None = None
    scores = pl.DataFrame()

    def read() -> pl.DataFrame:
        nonlocal seen, scores
        with lock:
            stat = (folder / WORLD_FILE).stat() if (folder / WORLD_FILE).exists() else None
            now = (stat.st_ino, stat.st_mtime_ns) if stat else None
            if now is None or now != seen:
                world = load_world(folder)
                until = world.published or world.spec.last_day
                known = scores_of(world.spec).filter(pl.col("signup_date") <= until)
                scores, seen = known.drop("signup_date"), now
            return scores

    return read


class ScoreService:
    """A running score service; a context manager that starts it and stops it cleanly.

    ``url`` is known from the start: the port is taken when the object is made,
    and a request that comes early waits for its answer.
    """

    def __init__(self, source: ScoreSource, *, token: str, port: int = 0, page_rows: int = PAGE_ROWS) -> None:
        """Take a port of 127.0.0.1 (0: any free one).

        Raises:
            UsageError: the token is empty.
            Conflict: somebody else has the port.
        """
        if not token:
            raise UsageError(
                "The score service has no token", where="shop scores", mend="Set one that is not empty"
            )
        source()  # a world that cannot be read is refused now, not at the first request
        self._socket = _listen(port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                score_app(source, token, page_rows=page_rows),
                access_log=False,
                log_config=None,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=2,
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the service answers, without a final slash."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def serve(self) -> None:
        """Answer in this thread until ``stop`` is called or the process is told to end."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Ask the service to finish its answers and stop; safe from any thread and from a signal handler."""
        self._server.should_exit = True

    def __enter__(self) -> ScoreService:
        self._thread = threading.Thread(target=self.serve, name="shop-scores", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)


def score_app(source: ScoreSource, token: str, *, page_rows: int = PAGE_ROWS) -> Starlette:
    """The service as an ASGI application."""
    expected = f"Bearer {token}".encode()

    def scores(request: Request) -> Response:
        brought = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(brought, expected):
            headers = {"WWW-Authenticate": 'Bearer realm="scores"'}
            return _problem(401, "A bearer token is needed and this is not it.", headers)
        after = _whole(request.query_params.get("cursor", "0"))
        rows = _whole(request.query_params.get("limit", str(page_rows)))
        if after is None:
            return _problem(400, "cursor is not one that this service gave.")
        if rows is None or not 1 <= rows <= MOST_PAGE_ROWS:
            return _problem(400, f"limit is not a number from 1 to {MOST_PAGE_ROWS}.")
        return JSONResponse(_page(source(), after, rows))

    def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/scores", scores), Route("/health", health)])


def _page(scores: pl.DataFrame, after: int, rows: int) -> dict[str, Any]:
    """One page. The cursor is the last user of the page before, so new customers never shift a page."""
    first = int(scores["user_id"].search_sorted(after, side="right"))
    page = scores.slice(first, rows)
    more = first + rows < scores.height
    return {"items": page.to_dicts(), "next": str(page["user_id"][-1]) if more else None}


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(
        {"status": status, "detail": detail}, status, headers, media_type="application/problem+json"
    )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as found:
        listener.close()
        raise Conflict(
            f"Port {port} is taken", where="127.0.0.1", mend="Name another, or 0 for a free one"
        ) from found
    listener.listen(128)
    return listener
