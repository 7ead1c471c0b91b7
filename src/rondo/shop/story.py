"""The whole round on the practice shop, as a story that checks itself.

A chapter does something with the real parts and then asks whether it really happened; when it did not, the story
ends with StoryBroken. Time in the story is the shop's: its clock is set from chapter to chapter.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rondo.assembly import Assembly, open_project
from rondo.errors import RondoError
from rondo.lifecycle.going_round import Round, go_round
from rondo.lifecycle.releasing import promote, rollback
from rondo.lifecycle.running import Selection
from rondo.lifecycle.server_process import RunningServer, serving
from rondo.lifecycle.watching import Seen, decide, in_production, look, retrain_now
from rondo.ports.progress import Progress
from rondo.records.monitoring import Alert, Decision
from rondo.shop.outcomes import live_customers, outcomes
from rondo.shop.practice import publish_practice_world
from rondo.shop.spec import ShopSpec
from rondo.shop.traffic import Answered, Background, Customers, Tally
from rondo.shop.world import Shop, simulate

START = date(2023, 1, 1)
CHANGE = date(2025, 3, 1)  # after 26 months
LATER = date(2025, 11, 1)
END = date(2026, 1, 1)
HORIZON = timedelta(days=60)
BACKGROUND_PER_SECOND = 40.0


class StoryBroken(RondoError):
    """A chapter did not really happen."""

    kind = "story"


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of a chapter."""

    name: str
    value: str
    said: bool = False


@dataclass
class Chapter:
    """What was done, how long it took, and its figures."""

    title: str
    facts: list[Fact] = field(default_factory=list)
    seconds: float = 0.0

    def tell(self, name: str, value: object, *, said: bool = False) -> None:
        """Adds a figure; `said` when the progress has told it already."""
        self.facts.append(Fact(name, str(value), said))


@dataclass
class Story:
    """The story so far."""

    folder: Path
    customers: int
    seed: int
    say: Callable[[str], None]
    progress: Progress
    chapters: list[Chapter] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    now: datetime = datetime(CHANGE.year, CHANGE.month, CHANGE.day, tzinfo=UTC)
    first_scores: list[Answered] = field(default_factory=list)
    later_scores: list[Answered] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    decision: Decision | None = None

    @contextmanager
    def chapter(self, title: str) -> Iterator[Chapter]:
        """A chapter that is told when it is over."""
        chapter, started = Chapter(title), time.monotonic()
        self.say(f"\n{len(self.chapters) + 1}. {title}")
        yield chapter
        chapter.seconds = time.monotonic() - started
        self.chapters.append(chapter)
        for fact in chapter.facts:
            if not fact.said:
                self.say(f"   {fact.name}: {fact.value}")
        self.say(f"   ({chapter.seconds:.1f} s)")

    def check(self, happened: bool, otherwise: str) -> None:
        """Ends the story when it did not happen.

        Raises:
            StoryBroken: with what should have happened.
        """
        if not happened:
            chapter = self.chapters[-1].title if self.chapters else "the beginning"
            raise StoryBroken(otherwise, where=f"after {chapter!r}", mend=f"The project is in {self.folder}.")


def tell_story(
    folder: Path,
    *,
    customers: int,
    seed: int,
    make_project: Callable[[Path], None],
    say: Callable[[str], None],
    progress: Progress,
) -> Story:
    """The whole story in a new folder.

    Args:
        make_project: writes the project file of the shop template.

    Raises:
        StoryBroken: something that it tells did not really happen.
    """
    story = Story(folder, customers, seed, say, progress)
    shop = _found_the_shop(story, make_project)
    project = open_project(folder, progress=progress, clock=lambda: story.now)
    _first_round(story, project)
    with ExitStack() as running:
        server = running.enter_context(serving(folder))
        clients = Customers(server.host, server.port, story.tally)
        load = _serve(story, project, shop, clients, running)
        _world_changes(story, project, shop, clients, load)
        _alarms(story, project, shop, clients)
        _retrain(story, project, shop)
        _back_and_forth(story, project, server)
        _calm_again(story, project, shop, clients, load)
    _ledger(story, project)
    return story


def _found_the_shop(story: Story, make_project: Callable[[Path], None]) -> Shop:
    with story.chapter("A shop opens, and 26 months pass") as chapter:
        spec = ShopSpec(
            seed=story.seed,
            customers=story.customers,
            start=START,
            days=(END - START).days + 61,
            change_day=CHANGE,
        )
        make_project(story.folder)
        shop = simulate(spec)
        publish_practice_world(story.folder, shop, until=CHANGE - timedelta(days=1))
        _commit(story.folder)
        around = len(live_customers(shop, CHANGE))
        chapter.tell("in a database", f"{_until(shop.transactions, CHANGE):,} orders")
        chapter.tell("in a data lake", f"{_until(shop.events, CHANGE):,} rows of daily activity")
        chapter.tell("behind an HTTP service", "a credit score and an engagement index per customer")
        chapter.tell("customers who bought in the last 60 days", f"{around:,}")
    return shop


def _first_round(story: Story, project: Assembly) -> None:
    with story.chapter(
        "The first round: extract, check, version, features, tune, train, judge, release"
    ) as chapter:
        went = go_round(project, Selection(), by="rondo demo")
        _told(chapter, went)
    story.check(not went.refused, f"the first version did not pass its gates: {went.release}")
    release = project.state.production()
    story.check(release is not None and release.version == "1.0.0", "1.0.0 should be in production")
    with story.chapter("The same again: nothing has changed") as chapter:
        again = go_round(project, Selection(), by="rondo demo")
        chapter.tell(
            "stages that ran",
            "none" if again.did_nothing else ", ".join(s.name for s in again.stages if s.ran),
        )
    story.check(again.did_nothing, "a second run should find nothing to do")


def _serve(story: Story, project: Assembly, shop: Shop, clients: Customers, running: ExitStack) -> Background:
    with story.chapter("Live traffic, by customer key; from here on it never stops") as chapter:
        users = live_customers(shop, CHANGE).to_list()
        load = running.enter_context(clients.background(users, story.now, per_second=BACKGROUND_PER_SECOND))
        story.first_scores = clients.ask(users, story.now)
        chapter.tell("customers scored", f"{len(story.first_scores):,}")
        chapter.tell("median answer", f"{story.tally.percentile_ms(0.5):.1f} ms")
        seen = _look_when_logged(story, project, len(users))
        chapter.tell("monitoring", _summary(seen))
    story.check(not story.tally.failed, f"requests failed: {story.tally.failures}")
    moved = [alert.message for alert in seen.opened if alert.metric == "psi"]
    story.check(not moved, f"nothing has changed yet, but drift was alarmed: {moved}")
    return load


def _world_changes(story: Story, project: Assembly, shop: Shop, clients: Customers, load: Background) -> None:
    with story.chapter(
        f"On {CHANGE:%d %B %Y} prices rise and a new app arrives; eight months pass"
    ) as chapter:
        publish_practice_world(story.folder, shop, until=LATER - timedelta(days=1))
        story.now = _moment(LATER)
        went = go_round(
            project, Selection(only=("extract", "data", "features"), refresh=True), by="rondo demo"
        )
        _told(chapter, went)
        users = live_customers(shop, LATER).to_list()
        load.ask_about(users, story.now)
        story.later_scores = clients.ask(users, story.now)
        chapter.tell("customers scored", f"{len(story.later_scores):,}")
    story.check(not story.tally.failed, f"requests failed: {story.tally.failures}")


def _alarms(story: Story, project: Assembly, shop: Shop, clients: Customers) -> None:
    with story.chapter("Sixty days later the outcomes are known, and the alarms go off") as chapter:
        story.now = _moment(END)
        told = clients.tell(_what_became_of(shop, story.first_scores, CHANGE))
        told += clients.tell(_what_became_of(shop, story.later_scores, LATER))
        chapter.tell("outcomes told to the server", f"{told:,}")
        seen = _look_when_logged(story, project, told)
        story.alerts = list(seen.opened)
        chapter.tell("monitoring", _summary(seen))
        for alert in sorted(seen.opened, key=lambda alert: -alert.value)[:4]:
            chapter.tell("alert", alert.message)
    fired = {alert.metric for alert in story.alerts}
    story.check("psi" in fired, "the change of the world should have set off a drift alert")
    story.check("accuracy" in fired, "the change of the world should have set off an accuracy alert")


def _retrain(story: Story, project: Assembly, shop: Shop) -> None:
    before = in_production(project)
    with story.chapter("Retraining triggers, and a new version is switched in under load") as chapter:
        story.decision = decide(project)
        for line in story.decision.evidence:
            chapter.tell("evidence", line)
        chapter.tell("reasons", ", ".join(story.decision.reasons))
        publish_practice_world(story.folder, shop, until=END - timedelta(days=1))
        story.check(story.decision.should_retrain, f"a retrain should be due: {story.decision}")
        went = retrain_now(project, story.decision, by="rondo demo")
        _told(chapter, went)
    reasons = set(story.decision.reasons)
    story.check(
        {"accuracy_degradation", "data_drift"} <= reasons, f"accuracy and drift should be reasons: {reasons}"
    )
    story.check(not went.refused, f"the new version did not pass its gates: {went.release}")
    after = in_production(project)
    story.check(
        before.version != after.version == "1.0.1", f"1.0.1 should be in production, it is {after.version}"
    )
    _served_by(story, after.version)


def _back_and_forth(story: Story, project: Assembly, server: RunningServer) -> None:
    with story.chapter("A rollback, and forward again, under load") as chapter:
        new = in_production(project)
        chapter.tell("back", rollback(project, by="rondo demo", reason="a drill"))
        old = in_production(project)
        story.check(old.version == "1.0.0", f"1.0.0 should be in production again, it is {old.version}")
        _served_by(story, old.version)
        chapter.tell("forward", promote(project, new.version, by="rondo demo", reason="the drill is over"))
        story.check(
            in_production(project).version == new.version, f"{new.version} should be in production again"
        )
        _served_by(story, new.version)
        chapter.tell("server", f"process {server.pid} ran all the while")
    story.check(server.alive, "the server should still run")


def _calm_again(story: Story, project: Assembly, shop: Shop, clients: Customers, load: Background) -> None:
    with story.chapter("The new version meets the customers of the new world") as chapter:
        users = live_customers(shop, END).to_list()
        load.ask_about(users, story.now)  # only now: the newest of them came with the data of the retrain
        scored = clients.ask(users, story.now)
        chapter.tell(
            "customers scored", f"{len(scored):,}, all by {', '.join({one.version for one in scored})}"
        )
        seen = _look_when_logged(story, project, story.tally.requests - len(users) // 2)
        chapter.tell("monitoring", _summary(seen))
        chapter.tell("alerts that are over", len(seen.recovered))
    over = {alert.key for alert in seen.recovered}
    moved = {alert.key for alert in story.alerts if alert.metric == "psi"}
    story.check(bool(moved & over), "drift alerts should be over: the new version knows the new world")


def _ledger(story: Story, project: Assembly) -> None:
    with story.chapter("The ledger") as chapter:
        tally = story.tally
        logged = project.log.predictions().height
        chapter.tell("requests", f"{tally.requests:,}")
        chapter.tell("failed", tally.failed)
        chapter.tell("answered by", ", ".join(f"{v} ({n:,})" for v, n in sorted(tally.versions.items())))
        chapter.tell("predictions in the log", f"{logged:,}")
        chapter.tell("99% of the answers within", f"{tally.percentile_ms(0.99):.1f} ms")
        roles = project.registry.roles(project.project.project)
        chapter.tell(
            "MLflow aliases", ", ".join(f"{role} -> {number}" for role, number in sorted(roles.items()))
        )
        events = project.state.verify_events()
        chapter.tell("event log", f"{events:,} events, their chain of hashes is whole")
    story.check(tally.failed == 0, f"{tally.failed} requests failed: {tally.failures}")
    story.check(logged == tally.requests, f"{tally.requests} requests were answered, {logged} are in the log")
    release = in_production(project)
    story.check(
        roles.get("production") == release.registry_version,
        f"MLflow's alias production is {roles.get('production')}, in production is {release.registry_version}",
    )


def _told(chapter: Chapter, went: Round) -> None:
    for stage in went.stages:
        if stage.ran:
            chapter.tell(stage.name, f"{stage.result} ({stage.seconds:.1f} s)", said=True)
    if went.release:
        chapter.tell("release", went.release)


def _summary(seen: Seen) -> str:
    fine = sum(o.state == "fine" for o in seen.observations)
    beyond = sum(o.state == "breached" for o in seen.observations)
    without = sum(o.value is None for o in seen.observations)
    told = len(seen.observations) - fine - beyond - without
    return f"{fine} figures fine, {beyond} beyond their threshold, {told} only told, {without} not measured"


def _look_when_logged(story: Story, project: Assembly, rows: int) -> Seen:
    """Looks once the server has written what it was told; it writes a few times a second."""
    give_up = time.monotonic() + 20
    while project.log.predictions().height < rows or project.log.outcomes().height < min(
        rows, _outcomes(story)
    ):
        story.check(time.monotonic() < give_up, f"the log should hold {rows} predictions by now")
        time.sleep(0.2)
    return look(project)


def _outcomes(story: Story) -> int:
    return len(story.first_scores) + len(story.later_scores) if story.later_scores else 0


def _served_by(story: Story, version: str) -> None:
    """Waits until the traffic itself is answered by that version."""
    answered, give_up = story.tally.versions[version], time.monotonic() + 10
    while story.tally.versions[version] < answered + 5:
        story.check(time.monotonic() < give_up, f"traffic should be answered by {version}")
        time.sleep(0.05)


def _what_became_of(shop: Shop, scored: list[Answered], as_of: date) -> list[tuple[str, bool]]:
    churned = outcomes(shop, [answer.user_id for answer in scored], as_of, horizon_days=HORIZON.days)
    by_user = dict(churned.iter_rows())
    return [(answer.prediction_id, bool(by_user[answer.user_id])) for answer in scored]


def _until(table: object, day: date) -> int:
    import polars as pl

    assert isinstance(table, pl.DataFrame)
    return table.filter(pl.col("date").cast(pl.Date) < day).height


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _commit(folder: Path) -> None:
    """The project under git, so that lineage has a commit to name; without git it goes on without one."""
    who = ["-c", "user.name=Rondo demo", "-c", "user.email=demo@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Start the practice project"]):
        try:
            subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return
