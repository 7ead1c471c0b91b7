"""The server's process: one event loop that answers HTTP until it is told to stop.

It is given everything by arguments and imports no training library. Whoever looks for it finds
`.rondo/server.json` with its pid and address, from the moment it answers until it stops.

process.py    Uvicorn, told to stop in two steps
wire.py       HTTP with bounds
lifeline.py   the process that keeps it, and with which it ends
signpost.py   where it is found
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rondo.contract.serving import Serving
from rondo.ports.feature_store import OnlineValues
from rondo.ports.prediction_log import PredictionLog, PredictionWriter
from rondo.ports.state import StateStore
from rondo.records.access import check_address, tokens_of
from rondo.records.address import listen
from rondo.records.layout import Layout
from rondo.server.lifeline import end_with_keeper
from rondo.server.process import DrainingServer
from rondo.server.signpost import SIGNPOST, Signpost, running_server
from rondo.stages.serving import Application, Parts, RouteKeeper, make_ready

__all__ = ["SIGNPOST", "Signpost", "application", "running_server", "serve"]

DRAIN = timedelta(milliseconds=500)


def application(
    root: Path,
    model: str,
    serving: Serving,
    *,
    state: StateStore,
    writer: PredictionWriter,
    log: PredictionLog | None = None,
    online: OnlineValues | None = None,
    server_id: str | None = None,
    mirror_share: float = 1.0,
    env: Mapping[str, str] = os.environ,
) -> Application:
    """The ASGI application over the releases of the project at `root`; its lifespan loads and stops it.

    Raises:
        ContractError: a token that the contract refers to in `env` is not there.
    """
    tokens = tokens_of(serving.access, env)
    keeper = RouteKeeper(
        state,
        lambda release: make_ready(root / release.bundle, bundle_id=release.bundle_id),
        server_id=server_id or f"{socket.gethostname()}/{os.getpid()}/{datetime.now(UTC):%Y%m%dT%H%M%S.%f}",
        pid=os.getpid(),
    )
    parts = Parts(model, serving, keeper, writer, log, online, mirror_share=mirror_share, tokens=tokens)
    return Application(parts)


def serve(
    root: Path,
    model: str,
    serving: Serving,
    *,
    state: StateStore,
    writer: PredictionWriter,
    log: PredictionLog | None = None,
    online: OnlineValues | None = None,
    mirror_share: float = 1.0,
    env: Mapping[str, str] = os.environ,
    port: int | None = None,
    announce: Callable[[str], object] = sys.stdout.write,
    drain: timedelta = DRAIN,
) -> None:
    """Answers until SIGTERM or SIGINT; then finishes what it began, closes the writer and returns.

    Args:
        root: the project's folder.
        model: the project's name.
        serving: the contract's section.
        state: where the routes come from; left open.
        writer: takes predictions and outcomes; closed at the end.
        log: what earlier servers wrote.
        online: the values of entities; left open.
        mirror_share: which share of the answered rows a shadow sees.
        env: holds the tokens that the contract refers to, and who keeps this server.
        port: instead of the contract's; 0 takes a free one.
        announce: is told the address, once requests are answered.
        drain: how long new requests are still taken after the signal, while others learn of it.

    Raises:
        ContractError: others reach the host and no token keeps them out, or a token is not there.
        Conflict: somebody listens there already.
    """
    check_address(serving.host, serving.access)
    tokens_of(serving.access, env)
    listening = listen(serving.host, serving.port if port is None else port, where="serving.port")
    signpost = Signpost(os.getpid(), serving.host, listening.getsockname()[1], datetime.now(UTC))
    app = application(
        root,
        model,
        serving,
        state=state,
        writer=writer,
        log=log,
        online=online,
        mirror_share=mirror_share,
        env=env,
    )
    app.parts.keeper.address = signpost.url.removeprefix("http://")
    end_with_keeper(env)

    def on_listening() -> None:
        signpost.put_up(Layout(root).home)
        announce(f"{signpost.url}\n")
        sys.stdout.flush()

    try:
        DrainingServer(app, on_listening=on_listening, drain=drain).run(sockets=[listening])
    finally:
        signpost.take_down(Layout(root).home)
        listening.close()
        writer.close()
