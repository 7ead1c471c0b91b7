"""Chapters 1 to 4: the shop, the first version, nothing to do, and live traffic."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from rondo.assembly import Assembly
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.server_process import serving
from rondo.shop.outcomes import live_customers
from rondo.shop.practice import publish_practice_world
from rondo.shop.spec import ShopSpec
from rondo.shop.story.days import CHANGE, END, FIRST, START
from rondo.shop.story.project_file import begin_history, change, opening
from rondo.shop.story.receiver import Receiver
from rondo.shop.story.scene import BY, Scene, nothing_failed, summary, tell_round
from rondo.shop.story.telling import Story
from rondo.shop.traffic import Customers
from rondo.shop.world import Shop, simulate


def found_the_shop(story: Story, make_project: Callable[[Path], None]) -> Shop:
    """The world of the shop, its sources up to the first model, and the project file."""
    with story.chapter("A shop opens, and 22 months pass") as chapter:
        spec = ShopSpec(
            seed=story.seed,
            customers=story.customers,
            start=START,
            days=(END - START).days + 61,
            change_day=CHANGE,
        )
        make_project(story.folder)
        shop = simulate(spec)
        publish_practice_world(story.folder, shop, until=FIRST - timedelta(days=1))
        begin_history(story.folder)
        for line in change(story.folder, opening(story.pace), why="Roll out in seconds, for the demo"):
            chapter.tell("rondo.yaml", line, said=True)
        chapter.tell("in a database", f"{_until(shop.transactions, FIRST):,} orders")
        chapter.tell("in a data lake", f"{_until(shop.events, FIRST):,} rows of daily activity")
        chapter.tell("behind an HTTP service", "a credit score and an engagement index per customer")
        chapter.tell("customers who bought in the last 60 days", f"{len(live_customers(shop, FIRST)):,}")
    return shop


def first_round(story: Story, project: Assembly) -> None:
    """1.0.0 goes all the way, blue/green."""
    with story.chapter(
        "The first round: extract, check, version, features, tune, train, judge, release"
    ) as chapter:
        went = go_round(project, Selection(), by=BY)
        tell_round(chapter, went)
        chapter.tell("release", went.release, said=True)
    story.check(not went.refused, f"the first version did not pass its gates: {went.release}")
    release, rollout = project.state.production(), project.state.rollout()
    story.check(release is not None and release.version == "1.0.0", "1.0.0 should be in production")
    story.check(
        rollout is not None and (rollout.strategy, rollout.state) == ("blue_green", "promoted"),
        "1.0.0 should have been switched in blue/green",
    )
    with story.chapter("The same again: nothing has changed") as chapter:
        again = go_round(project, Selection(), by=BY)
        ran = ", ".join(stage.name for stage in again.stages if stage.ran)
        chapter.tell("stages that ran", ran or "none")
    story.check(again.did_nothing, "a second run should find nothing to do")


def serve(story: Story, project: Assembly, shop: Shop, receiver: Receiver, running: ExitStack) -> Scene:
    """A server and its customers, from here to the end."""
    with story.chapter("Live traffic, by customer key; from here on it never stops") as chapter:
        server = running.enter_context(serving(story.folder))
        clients = Customers(server.host, server.port, story.tally)
        users = live_customers(shop, FIRST).to_list()
        per_second = story.pace.per_second
        load = running.enter_context(clients.background(users, story.now, per_second=per_second))
        scene = Scene(story, project, shop, receiver, server, clients, load)
        scored = clients.ask(users, story.now)
        chapter.tell("customers scored", f"{len(scored):,}, and {per_second:g} more a second from now on")
        chapter.tell("median answer", f"{story.tally.percentile_ms(0.5):.1f} ms")
        seen = scene.look_when_logged()
        chapter.tell("monitoring", summary(seen))
    nothing_failed(story)
    moved = [alert.message for alert in seen.opened if alert.metric == "psi"]
    story.check(not moved, f"nothing has changed yet, but drift was alarmed: {moved}")
    return scene


def _until(table: pl.DataFrame, day: date) -> int:
    return table.filter(pl.col("date").cast(pl.Date) < day).height
