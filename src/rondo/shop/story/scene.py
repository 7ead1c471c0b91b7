"""Who is on stage: the project, its shop, the server, its customers, and the receiver of alerts."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from rondo.assembly import Assembly
from rondo.contract import load_project
from rondo.lifecycle.going_round import Round
from rondo.lifecycle.server_process import RunningServer
from rondo.lifecycle.watching import Seen, look
from rondo.records.monitoring import Observation
from rondo.shop.outcomes import outcomes
from rondo.shop.story.days import HORIZON
from rondo.shop.story.project_file import Edit, change
from rondo.shop.story.receiver import Receiver
from rondo.shop.story.telling import Chapter, Look, Story, wrapped
from rondo.shop.traffic import Answered, Background, Customers
from rondo.shop.world import Shop

BY = "rondo demo"
FEW_PER_SECOND = 5.0
SHOWN_OF_A_LINE = 140


@dataclass
class Scene:
    """Everything that a chapter acts on; `scored` are the answers of each day whose outcomes come later."""

    story: Story
    project: Assembly
    shop: Shop
    receiver: Receiver
    server: RunningServer
    clients: Customers
    load: Background
    scored: dict[date, list[Answered]] = field(default_factory=dict)
    outcomes_told: int = 0

    def ask_everybody(self, users: Sequence[int], day: date) -> list[Answered]:
        """Every customer, asked about once beside the steady traffic."""
        answered = self.clients.ask(users, self.story.now)
        self.scored[day] = answered
        return answered

    def tell_outcomes(self, day: date) -> int:
        """What became of the customers who were asked about on that day; how many outcomes the server took."""
        scored = self.scored.pop(day)
        churned = outcomes(self.shop, [one.user_id for one in scored], day, horizon_days=HORIZON.days)
        by_user = dict(churned.iter_rows())
        told = self.clients.tell((one.prediction_id, bool(by_user[one.user_id])) for one in scored)
        self.outcomes_told += told
        return told

    def look_when_logged(self) -> Seen:
        """Looks once the server has written what it answered and was told; it writes a few times a second."""
        wait_for_the_log(self.story, self.project, self.outcomes_told)
        seen = look(self.project)
        self.story.looks.append(Look(self.story.now, seen.observations))
        return seen

    def served_by(self, version: str) -> None:
        """Waits until the traffic itself is answered by that version."""
        versions, give_up = self.story.tally.versions, time.monotonic() + 10
        answered = versions[version]
        while versions[version] < answered + 5:
            self.story.check(time.monotonic() < give_up, f"traffic should be answered by {version}")
            time.sleep(0.05)

    @contextmanager
    def life_goes_on(self) -> Iterator[None]:
        """After the story, for the time of the block: the shop's clock runs, and a few customers come."""
        users, began = self.load.users, time.monotonic()
        self.project.clock = lambda: self.story.now + timedelta(seconds=time.monotonic() - began)
        with self.clients.background(users, self.story.now, per_second=FEW_PER_SECOND):
            yield

    def nothing_failed(self) -> None:
        """Ends the story when a request failed."""
        nothing_failed(self.story)


def edit(story: Story, project: Assembly, chapter: Chapter, edits: Sequence[Edit], *, why: str) -> None:
    """Changes the project file, tells the lines, and goes on with the new contract."""
    story.say(wrapped(f"rondo.yaml: {why}"))
    for line in change(story.folder, edits, why=why):
        chapter.tell("rondo.yaml", line, said=True)
        story.say(wrapped(textwrap.shorten(line, SHOWN_OF_A_LINE, placeholder=" ..."), indent=5))
    project.loaded = load_project(story.folder)


def take_back(story: Story, project: Assembly, chapter: Chapter, edits: Sequence[Edit], *, why: str) -> None:
    """Undoes earlier edits; their lines were told when they came."""
    change(story.folder, edits, why=why)
    chapter.tell("rondo.yaml", why)
    project.loaded = load_project(story.folder)


def tell_round(chapter: Chapter, went: Round) -> None:
    """Adds what each stage came to; the progress has said it already."""
    for stage in went.stages:
        if stage.ran:
            chapter.tell(stage.name, f"{stage.result} ({stage.seconds:.1f} s)", said=True)


def nothing_failed(story: Story) -> None:
    """Ends the story when a request failed."""
    story.check(not story.tally.failed, f"requests failed: {story.tally.failures}")


def wait_for_the_log(story: Story, project: Assembly, outcomes_told: int) -> None:
    """Waits until every answer of now, and every outcome, is in the log."""
    rows, give_up = story.tally.requests - story.tally.failed, time.monotonic() + 20
    while answered(project) < rows or project.log.outcomes().height < outcomes_told:
        story.check(time.monotonic() < give_up, f"the log should hold {rows} predictions by now")
        time.sleep(0.2)


def answered(project: Assembly) -> int:
    """Predictions in the log that a client got."""
    import polars as pl

    return project.log.predictions().filter(~pl.col("shadow")).height


def summary(seen: Seen) -> str:
    """One look in figures."""
    fine = sum(o.state == "fine" for o in seen.observations)
    beyond = sum(o.state == "breached" for o in seen.observations)
    without = sum(o.value is None for o in seen.observations)
    told = len(seen.observations) - fine - beyond - without
    return f"{fine} figures fine, {beyond} beyond their threshold, {told} only told, {without} not measured"


def told_accuracy(observations: Sequence[Observation]) -> str:
    """How often the version in production was right, as far as that is known."""
    found = next((seen for seen in observations if seen.metric == "accuracy"), None)
    if found is None or found.value is None:
        return "not measured"
    return f"{found.value:.1%} of {found.n:,} outcomes, by {found.version}"
