"""A version that is fine wherever it was built, and wrong where it serves: caught by the customers' own requests.

Its features take the length of a month from the environment of whoever wrote them. The server does not have it, so
every customer seems to be gone for years. No data check, gate, golden row or load test can know that; the judge of the
canary sees it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.watching import in_production, production_candidate
from rondo.shop.story.project_file import MONTH, RHYTHM, RHYTHM_FILE, SUGGEST, by_the_month, shadow
from rondo.shop.story.rolling_out import follow
from rondo.shop.story.scene import BY, Scene, edit, take_back, tell_round


def bad_candidate(scene: Scene) -> None:
    """1.2.0 passes every gate, meets a fifth of the customers, and is taken back by itself."""
    story, project = scene.story, scene.project
    good = in_production(project).version
    with story.chapter("A version that only works where it was written, without a shadow phase") as chapter:
        (story.folder / RHYTHM_FILE).write_text(RHYTHM, encoding="utf-8")
        others = tuple(project.project.features.definitions)
        changes = (*by_the_month(others), shadow(story.pace).undone(), SUGGEST.undone())
        edit(story, project, chapter, changes, why="Count rhythm by the month")
        with _on_the_machine_of_the_author():
            went = go_round(project, Selection(), by=BY, fixed=production_candidate(project))
        tell_round(chapter, went)
        story.check(not went.refused, f"it should pass every gate: {went.release}")
        rollout = follow(story, project, chapter)
        bad = rollout.candidate
        chapter.tell("customers who met it", f"{story.tally.versions[bad]:,} requests were answered by {bad}")
        back = [edit_.undone() for edit_ in reversed(changes) if edit_ != SUGGEST.undone()]
        take_back(story, project, chapter, back, why="Take the months back")
    story.check(went.version == bad == "1.2.0", f"new features are a minor version, this is {bad}")
    story.check(rollout.state == "rolled_back", f"{bad} should have been rolled back: {rollout.said}")
    story.check(story.tally.versions[bad] > 0, f"customers should have met {bad}")
    story.check(in_production(project).version == good, f"{good} should still be in production")
    scene.served_by(good)
    scene.nothing_failed()


@contextmanager
def _on_the_machine_of_the_author() -> Iterator[None]:
    """The variable is set for the time of the block, in this process; the server does not have it."""
    os.environ[MONTH] = "30"
    try:
        yield
    finally:
        del os.environ[MONTH]
