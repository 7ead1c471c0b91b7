"""The world changes, and the alarms go off."""

from __future__ import annotations

import time
from datetime import timedelta

from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.shop.outcomes import live_customers
from rondo.shop.practice import publish_practice_world
from rondo.shop.story.days import CHANGE, END, LATER, moment
from rondo.shop.story.scene import BY, Scene, summary, tell_round

TOLD_ALERTS = 4


def world_changes(scene: Scene) -> None:
    """Ten months pass, two of them before prices rise and a new app arrives."""
    story, project = scene.story, scene.project
    with story.chapter(f"On {CHANGE:%d %B %Y} prices rise and a new app arrives; months pass") as chapter:
        publish_practice_world(story.folder, scene.shop, until=LATER - timedelta(days=1))
        story.now = moment(LATER)
        fresh = Selection(only=("extract", "data", "features"), refresh=True)
        tell_round(chapter, go_round(project, fresh, by=BY))
        users = live_customers(scene.shop, LATER).to_list()
        scene.load.ask_about(users, story.now)
        chapter.tell("customers scored", f"{len(scene.ask_everybody(users, LATER)):,}")
    scene.nothing_failed()


def alarms(scene: Scene) -> None:
    """The outcomes are known: drift and accuracy alarm, and the receiver is told."""
    story = scene.story
    with story.chapter("Sixty days later the outcomes are known, and the alarms go off") as chapter:
        story.now = moment(END)
        chapter.tell("outcomes told to the server", f"{scene.tell_outcomes(LATER):,}")
        seen = scene.look_when_logged()
        story.alerts = list(seen.opened)
        chapter.tell("monitoring", summary(seen))
        for alert in sorted(seen.opened, key=lambda alert: -alert.value)[:TOLD_ALERTS]:
            chapter.tell("alert", alert.message)
        give_up = time.monotonic() + 5
        while not scene.receiver.titles and time.monotonic() < give_up:
            time.sleep(0.05)
        story.received = list(scene.receiver.titles)
        chapter.tell("the receiver got", "; ".join(story.received) or "nothing")
    fired = {alert.metric for alert in story.alerts}
    story.check("psi" in fired, "the change of the world should have set off a drift alert")
    story.check("accuracy" in fired, "the change of the world should have set off an accuracy alert")
    story.check(bool(story.received), "the receiver of alerts should have been told")
