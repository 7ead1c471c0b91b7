"""The whole round on the practice shop, as a story that checks itself.

A chapter does something with the real parts and then asks whether it really happened; when it did not, the story
ends with StoryBroken. The data live in the shop's time, which is set from chapter to chapter; rollouts live in ours.

telling.py               what a story is made of: chapters, figures, checks
days.py, pace.py         when it plays, and how long its rollouts take
project_file.py          what its people change in their project file
receiver.py              who is told of alerts
scene.py                 who is on stage
rolling_out.py           follows a rollout and tells it
beginning.py             the shop, the first version, live traffic
second_version.py        a new feature, by shadow and canary
vouchers.py              an A/B test, decided by outcomes
bad_candidate.py         a version that is caught under traffic
change_of_the_world.py   drift, and alarms
new_world.py             the retrain, a drill, calm again
ledger.py                the account of it all
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rondo.assembly import open_project
from rondo.shop.story.bad_candidate import bad_candidate
from rondo.shop.story.beginning import first_round, found_the_shop, serve
from rondo.shop.story.change_of_the_world import alarms, world_changes
from rondo.shop.story.ledger import ledger
from rondo.shop.story.new_world import back_and_forth, calm_again, retrain
from rondo.shop.story.pace import SMALL, UNHURRIED, Pace
from rondo.shop.story.project_file import RECEIVER
from rondo.shop.story.receiver import receiving
from rondo.shop.story.scene import Scene
from rondo.shop.story.second_version import second_version
from rondo.shop.story.telling import Story, StoryBroken, Told
from rondo.shop.story.vouchers import vouchers

__all__ = ["SMALL", "UNHURRIED", "Pace", "Scene", "Story", "StoryBroken", "tell_story"]


def tell_story(
    folder: Path,
    *,
    customers: int,
    seed: int,
    make_project: Callable[[Path], None],
    say: Callable[[str], None],
    pace: Pace = UNHURRIED,
    afterwards: Callable[[Scene], None] | None = None,
) -> Story:
    """The whole story in a new folder; everything that it starts has ended when it returns.

    Args:
        folder: where the project is made.
        customers: of the shop.
        seed: of its world.
        make_project: writes the project file of the shop template.
        say: a line for the person who listens.
        pace: how long rollouts take, and how much traffic there is.
        afterwards: what is done before everything ends, with the server still running.

    Raises:
        StoryBroken: something that it tells did not really happen.
    """
    story = Story(folder, customers, seed, say, pace)
    shop = found_the_shop(story, make_project)
    with ExitStack() as running:
        receiver = running.enter_context(receiving())
        project = open_project(folder, progress=Told(say), clock=lambda: story.now)
        project.env = {**project.env, RECEIVER: receiver.url}
        first_round(story, project)
        scene = serve(story, project, shop, receiver, running)
        second_version(scene)
        vouchers(scene)
        bad_candidate(scene)
        world_changes(scene)
        alarms(scene)
        retrain(scene)
        back_and_forth(scene)
        calm_again(scene)
        scene.load.stop()
        ledger(scene)
        if afterwards is not None:
            afterwards(scene)
    return story
