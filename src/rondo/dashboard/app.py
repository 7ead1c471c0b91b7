"""Addresses of the dashboard: pages to look at, forms to press, a stream of changes."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from rondo.dashboard import pages
from rondo.dashboard.actions import ACTIONS, Pressed
from rondo.dashboard.guard import COOKIE, NOBODY, Guard, Session
from rondo.dashboard.live import Changes, mark_of
from rondo.dashboard.material import read
from rondo.dashboard.words import LANGUAGES, Words, language_of
from rondo.errors import RondoError
from rondo.lifecycle.workshop import Workshop
from rondo.records.access import Role

POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A report brings its own styles and no script; in a sandbox it can reach nothing of the dashboard.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"
ASSETS = {"dashboard.css": "text/css", "live.js": "text/javascript"}
LANGUAGE = "rondo_language"
MOST_BODY_BYTES = 16_384
MOST_FLASHES = 200
FLASH_S = 120.0

Answer = Callable[[Request], Awaitable[Response]]


def application(workshop: Workshop, guard: Guard) -> Starlette:
    """The ASGI application over one project."""
    return _Dashboard(workshop, guard).application()


class _Dashboard:
    def __init__(self, workshop: Workshop, guard: Guard) -> None:
        self._workshop, self._guard = workshop, guard
        self._changes = Changes(lambda: mark_of(workshop.state))
        self._flashes: OrderedDict[str, tuple[float, tuple[str, str]]] = OrderedDict()

    def application(self) -> Starlette:
        shown = [
            Route(pages.address_of(name), self._needs("view", self._page(name)), methods=["GET"])
            for name in pages.NAMES
        ]
        pressed = [
            Route(f"/do/{name}", self._needs("operate", self._press(name)), methods=["POST"])
            for name in ACTIONS
        ]
        routes = [
            *shown,
            *pressed,
            Route("/live", self._needs("view", self._live), methods=["GET"]),
            Route("/reports/{name}", self._needs("view", self._report), methods=["GET"]),
            Route("/assets/{name}", self._asset, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/language/{language}", self._language, methods=["GET"]),
            Route("/health", self._health, methods=["GET"]),
        ]
        lost = {404: self._lost, RondoError: self._unread}
        app = Starlette(routes=routes, exception_handlers=lost)
        app.add_middleware(BaseHTTPMiddleware, dispatch=self._fence)
        return app

    async def _fence(self, request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        """Known names only; and every answer says what a browser may do with it."""
        if not self._guard.knows(request):
            return PlainTextResponse("This dashboard answers for its own names only.\n", 421)
        answer = await go_on(request)
        answer.headers.setdefault("content-security-policy", POLICY)
        answer.headers["x-content-type-options"] = "nosniff"
        # Not `no-referrer`: with it a browser does not say either where a form comes from.
        answer.headers["referrer-policy"] = "same-origin"
        answer.headers["x-frame-options"] = "DENY"
        answer.headers.setdefault("cache-control", "no-store")
        return answer

    def _needs(self, role: Role, answer: Answer) -> Answer:
        async def guarded(request: Request) -> Response:
            if self._guard.may(request, role):
                return await answer(request)
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return RedirectResponse("/sign-in", 303)
            signed_in = self._guard.may(request, "predict")
            headers = {} if signed_in else {"www-authenticate": 'Bearer realm="rondo"'}
            return PlainTextResponse(f"This needs the role {role}.\n", 403 if signed_in else 401, headers)

        return guarded

    def _page(self, name: str) -> Answer:
        async def answer(request: Request) -> Response:
            visit, fresh = self._visit(request)
            text = await asyncio.to_thread(self._shown, name, visit)
            return _with_cookie(HTMLResponse(text), fresh)

        return answer

    def _shown(self, name: str, visit: pages.Visit) -> str:
        mark = mark_of(self._workshop.state)  # before the reading: what changes in between is fetched again
        return pages.show(name, read(self._workshop), visit, mark=mark)

    def _press(self, name: str) -> Answer:
        async def answer(request: Request) -> Response:
            form = await _form(request)
            if form is None or not self._guard.is_own_form(request, form):
                return self._told(request, "page.stale_form", 403)
            action = ACTIONS[name]
            by = form.get("by", "").strip()[:80]
            pressed = Pressed(form, f"{by} (dashboard)" if by else "dashboard", form.get("reason", "")[:500])
            try:
                flash = ("ok", await asyncio.to_thread(action.do, self._workshop, pressed))
            except RondoError as error:
                flash = ("bad", str(error))
            return RedirectResponse(f"{action.back}?flash={self._keep(flash)}", 303)

        return answer

    def _keep(self, flash: tuple[str, str]) -> str:
        """What was just done, under a name that nobody can guess or write into an address."""
        name = secrets.token_urlsafe(9)
        self._flashes[name] = (time.monotonic(), flash)
        while len(self._flashes) > MOST_FLASHES:
            self._flashes.popitem(last=False)
        return name

    def _visit(self, request: Request, *, keep: bool = True) -> tuple[pages.Visit, Session | None]:
        """Who looks, and his session where it is a new one; without `keep` nobody remembers a new one."""
        known = self._guard.session(request)
        session = known or (self._guard.open_session() if keep else NOBODY)
        words = Words(language_of(request.cookies.get(LANGUAGE), request.headers.get("accept-language", "")))
        visit = pages.Visit(
            words,
            session,
            self._guard.may(request, "operate"),
            bool(self._guard.tokens),
            self._done(request.query_params.get("flash", "")),
        )
        return visit, None if known else session

    def _done(self, name: str) -> tuple[str, str] | None:
        """What was just done under that name; an address that is loaded again later tells it no more."""
        at, flash = self._flashes.get(name, (-math.inf, None))
        return flash if time.monotonic() - at < FLASH_S else None

    async def _live(self, request: Request) -> Response:
        return StreamingResponse(self._changes.listen(), media_type="text/event-stream")

    async def _report(self, request: Request) -> Response:
        folder: Path = self._workshop.layout.reports
        wanted = request.path_params["name"]
        found = {
            file.name: file for file in folder.glob("*.html")
        }  # no path is ever built from what was asked
        if wanted not in found:
            return self._missing(request)
        text = await asyncio.to_thread(found[wanted].read_text, "utf-8")
        return HTMLResponse(text, headers={"content-security-policy": REPORT_POLICY})

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            return self._missing(request)
        body = files("rondo.dashboard").joinpath(name).read_bytes()
        return Response(body, media_type=ASSETS[name], headers={"cache-control": "no-cache"})

    def _missing(self, request: Request) -> Response:
        return self._told(request, "page.missing", 404)

    async def _lost(self, request: Request, _: Exception) -> Response:
        return self._missing(request)

    async def _unread(self, request: Request, error: Exception) -> Response:
        reason = str(error) if self._guard.may(request, "view") else ""
        return self._told(request, "page.unread", 503, reason=reason)

    def _told(self, request: Request, told: str, status: int, *, reason: str = "") -> Response:
        """A page that says why there is no other; it opens no session."""
        visit, _ = self._visit(request, keep=False)
        text = pages.show_told(self._workshop.project.project, visit, told, reason=reason)
        return HTMLResponse(text, status)

    async def _sign_in(self, request: Request) -> Response:
        refused = False
        if request.method == "POST":
            form = await _form(request) or {}
            role = self._guard.tokens.role_of(form.get("token", "").encode())
            same_site = request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
            if role is not None and same_site:
                return _with_cookie(RedirectResponse("/", 303), self._guard.open_session(role))
            refused = True
        visit, fresh = self._visit(request)
        text = pages.show_sign_in(self._workshop.project.project, visit, refused=refused)
        return _with_cookie(HTMLResponse(text, 401 if refused else 200), fresh)

    async def _sign_out(self, request: Request) -> Response:
        form = await _form(request) or {}
        if self._guard.is_own_form(request, form):
            self._guard.close_session(self._guard.session(request))
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE)
        return answer

    async def _language(self, request: Request) -> Response:
        wish = request.path_params["language"]
        if wish not in LANGUAGES:
            return self._missing(request)
        known = {pages.address_of(name) for name in pages.NAMES} | {"/sign-in"}
        asked = request.query_params.get("back", "/")
        answer = RedirectResponse(asked if asked in known else "/", 303)
        answer.set_cookie(LANGUAGE, wish, max_age=365 * 86_400, httponly=True, samesite="lax")
        return answer

    async def _health(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a small form; None where the body is none, or too large."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            return None
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return None


def _with_cookie(answer: Response, session: Session | None) -> Response:
    if session is not None:
        answer.set_cookie(COOKIE, session.key, httponly=True, samesite="strict")
    return answer
