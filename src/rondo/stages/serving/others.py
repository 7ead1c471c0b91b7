"""Every address that does not predict, through Starlette: feedback, health, metrics, metadata, description."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rondo.records.access import Role, denial
from rondo.stages.serving.bodies import ClientGone
from rondo.stages.serving.decoding import decode
from rondo.stages.serving.describing import docs_page, openapi, tensors
from rondo.stages.serving.explaining import Explanations
from rondo.stages.serving.problems import PROBLEM_TYPE, Refusal, internal, one_fault
from rondo.stages.serving.scoring import Scorer

if TYPE_CHECKING:
    from rondo.stages.serving.application import Application

log = logging.getLogger("rondo.serving")


ROLES: Mapping[str, Role | None] = {
    "/ping": None,
    "/health": None,
    "/ready": None,
    "/v2/health/live": None,
    "/v2/health/ready": None,
    "/metrics": "view",
}
"""What an address asks for where tokens are configured: None, whoever asks is answered. All others: `predict`."""


def rondo_version() -> str:
    """The installed version of Rondo."""
    try:
        return version("rondo-ml")
    except PackageNotFoundError:
        return "0"


def other_pages(app: Application) -> tuple[ASGIApp, Sequence[Route]]:
    """The ASGI application of everything but predictions, and its routes."""
    pages = _Pages(app)
    routes = [
        Route("/feedback", pages.feedback, methods=["POST"]),
        Route("/explain", pages.explain, methods=["POST"]),
        Route("/ping", pages.ping),
        Route("/health", pages.health),
        Route("/ready", pages.ready),
        Route("/version", pages.version),
        Route("/metrics", pages.metrics),
        Route("/openapi.json", pages.openapi),
        Route("/docs", pages.docs),
        Route("/v2", pages.v2_server),
        Route("/v2/health/live", pages.health),
        Route("/v2/health/ready", pages.ready),
        Route("/v2/models/{model}", pages.v2_model),
        Route("/v2/models/{model}/ready", pages.v2_model_ready),
        Route("/v2/models/{model}/versions/{version}", pages.v2_model),
        Route("/v2/models/{model}/versions/{version}/ready", pages.v2_model_ready),
    ]
    starlette = Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: pages.not_here,
            Refusal: pages.refused,
            ClientGone: pages.nobody_there,
            Exception: pages.failed,
        },
    )
    starlette.router.redirect_slashes = False
    return _guarded(app, starlette), routes


def _guarded(app: Application, inner: ASGIApp) -> ASGIApp:
    """Refuses whoever may not ask before anything is read, and puts the request id on every answer."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _lifespan(app, scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = app.request_id(headers)
        scope["rondo.request_id"] = request_id

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
                if app.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            app.entry.check(scope, headers, ROLES.get(scope["path"], "predict"))
        except Refusal as refusal:
            await _problem(refusal, request_id)(scope, receive, marked)
            return
        await inner(scope, receive, marked)

    return guarded


async def _lifespan(app: Application, scope: Scope, receive: Receive, send: Send) -> None:
    """Starts and stops the application with its server."""
    if scope["type"] != "lifespan":  # web sockets: nothing here speaks that
        await send({"type": "websocket.close", "code": 1000})
        return
    await receive()
    try:
        await app.start()
    except Exception as error:
        log.exception("the application cannot start")
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await app.stop()
    await send({"type": "lifespan.shutdown.complete"})


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _problem(refusal: Refusal, request_id: str) -> Response:
    return Response(
        refusal.body(request_id),
        refusal.status,
        headers=dict(refusal.headers),
        media_type=PROBLEM_TYPE.decode(),
    )


class _Pages:
    """The endpoints; each answers for the application of now."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._explanations = Explanations(Scorer(app.parts.online))

    async def feedback(self, request: Request) -> Response:
        headers = dict(request.scope["headers"])
        self._app.entry.check_json(headers)
        body = decode(await self._app.bodies.read(request.receive))
        await self._app.recorder.recalled()
        client = request.client.host if request.client else ""
        taken = self._app.recorder.record(body, self._app.table.leading, datetime.now(UTC), client)
        told = {
            "accepted": taken.accepted,
            "repeated": taken.repeated,
            "corrected": taken.corrected,
            **{name: count for name in ("withdrawn", "parked", "late") if (count := getattr(taken, name))},
        }
        # 202: an outcome may come before its prediction is known, or to a prediction that never was; the two
        # are joined when both are there.
        return _json(told, 202 if taken.outcomes else 200)

    async def explain(self, request: Request) -> Response:
        headers = dict(request.scope["headers"])
        self._app.entry.check_json(headers)
        body = decode(await self._app.bodies.read(request.receive))
        return _json(
            await self._explanations.answer(self._app.table, body, request.scope["rondo.request_id"])
        )

    async def health(self, request: Request) -> Response:
        return _json({"live": True})

    async def ping(self, request: Request) -> Response:
        return Response("\n", 200 if self._app.ready else 503, media_type="text/plain")

    async def ready(self, request: Request) -> Response:
        keeper, table, tokens = self._app.parts.keeper, self._app.table, self._app.parts.tokens
        if denial(tokens, "view", request.scope["headers"]) is not None:
            return _json({"ready": self._app.ready}, 200 if self._app.ready else 503)
        state = {
            "ready": self._app.ready,
            "draining": self._app.draining,
            "generation": table.generation,
            "weights": table.weights,
            "warm": sorted(table.warm),
            "failed": keeper.failed,
            "state_store": keeper.trouble or "fine",
            "prediction_log": getattr(self._app.parts.writer, "trouble", "") or "fine",
        }
        return _json(state, 200 if self._app.ready else 503)

    async def version(self, request: Request) -> Response:
        table = self._app.table
        return _json(
            {
                "rondo": rondo_version(),
                "model": self._app.parts.model,
                "generation": table.generation,
                "versions": {
                    name: {"weight": table.weights.get(name, 0.0), "bundle": one.bundle.bundle_id}
                    for name, one in sorted(table.warm.items())
                },
            }
        )

    async def metrics(self, request: Request) -> Response:
        app = self._app
        text = app.figures.text(app.table, inflight=app.inflight, writer=app.parts.writer)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(self, request: Request) -> Response:
        return _json(openapi(self._app.parts.model, rondo_version(), self._app.table.leading))

    async def docs(self, request: Request) -> Response:
        described = openapi(self._app.parts.model, rondo_version(), self._app.table.leading)
        policy = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(docs_page(described, self._app.table.leading), headers=policy)

    async def v2_server(self, request: Request) -> Response:
        return _json({"name": "rondo", "version": rondo_version(), "extensions": []})

    async def v2_model(self, request: Request) -> Response:
        asked = self._named(request)
        serving = [name for name, weight in self._app.table.weights.items() if weight > 0.0]
        inputs, outputs = tensors(asked) if asked else ([], [])
        return _json(
            {
                "name": self._app.parts.model,
                "versions": sorted(serving),
                "platform": "onnxruntime_onnx",
                "inputs": inputs,
                "outputs": outputs,
            }
        )

    async def v2_model_ready(self, request: Request) -> Response:
        ready = self._named(request) is not None and self._app.ready
        return _json({"name": self._app.parts.model, "ready": ready}, 200 if ready else 503)

    def _named(self, request: Request) -> Any:
        """The version that the address names; the leading one where it names none."""
        model, asked = request.path_params["model"], request.path_params.get("version")
        if model != self._app.parts.model:
            raise one_fault(404, "unknown_model", f"No model {model[:40]!r} is served")
        if asked is None:
            return self._app.table.leading
        found = self._app.table.named(asked)
        if found is None:
            raise one_fault(404, "unknown_version", f"No version {asked[:40]!r} serves")
        return found

    async def not_here(self, request: Request, error: Exception) -> Response:
        """Starlette's own refusals (404, 405) as problems."""
        assert isinstance(error, HTTPException)
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        what = f"{request.method[:20]} {request.url.path[:200]}: {error.detail}"
        code = "method" if error.status_code == 405 else "no_such_address"
        hint = "GET /openapi.json says what there is." if error.status_code == 404 else ""
        return self._told(request, one_fault(error.status_code, code, what, hint=hint, headers=headers))

    async def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return self._told(request, error)

    async def nobody_there(self, request: Request, error: Exception) -> Response:
        """Nobody reads this answer."""
        self._app.left(request.url.path.strip("/"), request.scope["rondo.request_id"])
        return Response(status_code=400)

    async def failed(self, request: Request, error: Exception) -> Response:
        log.error("request %s failed", request.scope["rondo.request_id"], exc_info=error)
        return self._told(request, internal())

    @staticmethod
    def _told(request: Request, refusal: Refusal) -> Response:
        return _problem(refusal, request.scope["rondo.request_id"])
