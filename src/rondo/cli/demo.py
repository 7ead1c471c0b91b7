"""demo: the whole story on the practice world, with figures and a page."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rondo.cli.output import say
from rondo.cli.project import write_project
from rondo.errors import Conflict

if TYPE_CHECKING:
    from rondo.shop.story import Scene

GO_ON = (
    "rondo status",
    "rondo models",
    "rondo rollout",
    "mlflow ui",
    "dvc status",
    "cd feature_repo && feast feature-views list",
)


def demo(folder: Path, customers: int, seed: int, keep: bool) -> None:
    """Tells the story in `folder`, which is made anew when an earlier demo made it.

    With `keep` server, controller and dashboard stay until Ctrl-C, and customers keep coming.
    """
    from rondo.shop.page import write_page
    from rondo.shop.story import tell_story

    _make_room(folder)
    started = time.monotonic()

    def afterwards(scene: Scene) -> None:
        took, story = time.monotonic() - started, scene.story
        page = write_page(story, took)
        say(f"\n{story.tally.requests:,} requests, {story.tally.failed} failed, in {took:.0f} s.")
        say(f"The story as a page: {page}")
        if keep:
            _keep(scene)

    tell_story(
        folder.resolve(),
        customers=customers,
        seed=seed,
        make_project=lambda where: write_project(where, "shop"),
        say=say,
        afterwards=afterwards,
    )
    say(f"Go on in {folder}:")
    for command in GO_ON:
        say(f"   {command}")


def _keep(scene: Scene) -> None:
    """What `rondo up` does, in the time of the shop, until somebody stops it."""
    from rondo.cli.stopping import Stop
    from rondo.dashboard import showing
    from rondo.lifecycle.alone import UP, alone
    from rondo.lifecycle.upkeep import keep_up

    project, stop = scene.project, Stop()
    with alone(project.layout.home, UP, what="`rondo up` runs here already", mend="Stop it."):
        stop.listen()
        with showing(project, port=0) as pages, scene.life_goes_on():
            stop.with_process(scene.server.process)
            say(f"\n{pages} is the dashboard.")
            say(f"{scene.server.url} answers, and customers keep coming. Ctrl-C ends it all.")
            keep_up(project, stop.wait, interruptible=stop.interruptible)


def _make_room(folder: Path) -> None:
    mark = folder / ".rondo" / "demo"
    if folder.exists() and any(folder.iterdir()):
        if not mark.exists():
            raise Conflict(
                "the folder is not empty, and no demo made it",
                where=str(folder),
                mend="Name another: rondo demo FOLDER",
            )
        shutil.rmtree(folder)
    mark.parent.mkdir(parents=True)
    mark.touch()
