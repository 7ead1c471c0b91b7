"""A dashboard that answers for the time of a block, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from rondo.dashboard.app import application
from rondo.dashboard.guard import Guard
from rondo.errors import NotAvailable
from rondo.lifecycle.workshop import Workshop
from rondo.records.access import OPEN_TO_ALL, Tokens, check_address
from rondo.records.address import listen, url_of

START_S = 20.0


@contextmanager
def showing(workshop: Workshop, *, port: int | None = None, tokens: Tokens = OPEN_TO_ALL) -> Iterator[str]:
    """The address at which the project's dashboard answers until the end of the block.

    Args:
        workshop: the project.
        port: in place of `serving.dashboard_port`; 0 takes a free one.
        tokens: of the project's roles.

    Raises:
        ContractError: others than this machine would reach it without a token.
        Conflict: somebody listens there already.
    """
    serving = workshop.project.serving
    check_address(serving.host, serving.access)
    wanted = serving.dashboard_port if port is None else port
    listening = listen(serving.host, wanted, where="serving.dashboard_port")
    guard = Guard(tokens, serving.host, tuple(serving.hosts))
    server = uvicorn.Server(
        uvicorn.Config(
            application(workshop, guard),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            # An open page holds its stream for ever; it is let go quickly.
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="dashboard", daemon=True
    )
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield url_of(serving.host, listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(START_S)
        listening.close()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up = time.monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up:
            raise NotAvailable("the dashboard did not start", mend="Its reason is in the lines above.")
        time.sleep(0.01)
