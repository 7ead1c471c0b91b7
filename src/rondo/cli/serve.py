"""serve, up: answering, and everything that goes with it."""

from __future__ import annotations

import sys
from pathlib import Path

from rondo.cli.output import Lines, say
from rondo.errors import NotAvailable
from rondo.records.release import Release


def serve(folder: Path, host: str | None, port: int | None) -> None:
    """Answers until stopped. Loads the contract, the state store and the bundle runtime, and no training library."""
    from rondo.assembly import open_project
    from rondo.server import serve as do

    project = open_project(folder)
    section, shadow = project.project.serving, project.project.deployment.shadow
    if host is not None:
        section = section.model_copy(update={"host": host})
    do(
        project.layout.root,
        project.project.project,
        section,
        state=project.state,
        writer=project.prediction_writer(),
        log=project.log,
        online=project.online,
        mirror_share=1.0 if shadow is None else shadow.sample,
        env=project.env,
        port=port,
        announce=lambda url: _announce(url, project.state.production()),
    )


def _announce(url: str, production: Release | None) -> None:
    """The address on standard output; what it answers, and how it ends, beside it."""
    say(url.rstrip())
    what = (
        f"{production.version} answers POST /predict, {url.rstrip()}/docs tells how."
        if production
        else "Nothing is in production yet: it answers once `rondo run` has released a version."
    )
    print(f"{what} Ctrl-C ends it.", file=sys.stderr)  # noqa: T201


def up(folder: Path, port: int | None, dashboard_port: int | None) -> None:
    """A server in a process of its own; here the dashboard, and the loop that watches, retrains and releases."""
    from rondo.assembly import open_project
    from rondo.cli.stopping import Stop
    from rondo.dashboard import showing
    from rondo.lifecycle.alone import UP, alone
    from rondo.lifecycle.server_process import serving
    from rondo.lifecycle.upkeep import LOOK_EVERY, keep_up
    from rondo.records.access import tokens_of

    project, stop = open_project(folder, progress=Lines()), Stop()
    section, home = project.project.serving, project.layout.home
    wanted = section.port if port is None else port
    shown_at = section.dashboard_port if dashboard_port is None else dashboard_port
    tokens = tokens_of(section.access, project.env)
    with alone(home, UP, what="`rondo up` runs here already", mend="Stop it, or look at its dashboard."):
        stop.listen()
        project.progress.say("Starting a server and the dashboard.")
        with (
            serving(project.layout.root, port=wanted) as server,
            showing(project, port=shown_at, tokens=tokens) as pages,
        ):
            stop.with_process(server.process)
            say(f"{pages} is the dashboard.")
            say(
                f"{server.url} answers; monitoring looks every {LOOK_EVERY.total_seconds():g} s. Ctrl-C ends it."
            )
            keep_up(project, stop.wait, interruptible=stop.interruptible)
    if stop.ended:
        raise NotAvailable("the server ended by itself", where=str(home / "serve.log"))
