"""demo: the whole story on the practice world, with figures and a page."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from rondo.cli.output import Lines, say
from rondo.cli.project import write_project
from rondo.errors import Conflict

GO_ON = (
    "rondo status",
    "rondo models",
    "mlflow ui",
    "dvc status",
    "cd feature_repo && feast feature-views list",
)


def demo(folder: Path, customers: int, seed: int) -> None:
    """Tells the story in `folder`, which is made anew when an earlier demo made it."""
    from rondo.shop.page import write_page
    from rondo.shop.story import tell_story

    _make_room(folder)
    started = time.monotonic()
    story = tell_story(
        folder.resolve(),
        customers=customers,
        seed=seed,
        make_project=lambda where: write_project(where, "shop"),
        say=say,
        progress=Lines(),
    )
    took = time.monotonic() - started
    page = write_page(story, took)
    say(f"\n{story.tally.requests:,} requests, {story.tally.failed} failed, in {took:.0f} s.")
    say(f"The story as a page: {page}")
    say(f"Go on in {folder}: {', '.join(f'`{command}`' for command in GO_ON)}.")


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
