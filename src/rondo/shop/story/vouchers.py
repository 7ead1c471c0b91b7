"""Who gets a voucher: an A/B test of two thresholds, decided by what became of the customers."""

from __future__ import annotations

from rondo.lifecycle.experimenting import show, start
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.watching import in_production, production_candidate
from rondo.records.experiment import Reading
from rondo.shop.outcomes import live_customers
from rondo.shop.story.days import FIRST, TOLD, moment
from rondo.shop.story.project_file import FEWER_VOUCHERS, SUGGEST, ab_test
from rondo.shop.story.rolling_out import follow
from rondo.shop.story.scene import BY, Scene, edit, take_back, tell_round, told_accuracy
from rondo.shop.story.telling import Chapter


def vouchers(scene: Scene) -> None:
    """A version with a late threshold against the one in production; the better one stays."""
    story, project = scene.story, scene.project
    with story.chapter("Fewer vouchers for customers who would have stayed: an A/B test") as chapter:
        control = in_production(project).version
        edit(story, project, chapter, (FEWER_VOUCHERS, SUGGEST), why="Send fewer vouchers")
        went = go_round(project, Selection(), by=BY, fixed=production_candidate(project))
        tell_round(chapter, went)
        story.check(not went.refused, f"the treatment did not pass its gates: {went.release}")
        treatment = went.version or ""
        edit(story, project, chapter, (ab_test(control, treatment, story.pace),), why="Test the threshold")
        begun = start(project, by=BY, reason="are fewer vouchers as good?")
        exposing = follow(story, project, chapter, until=lambda now: now.phase.kind == "experiment")
        story.check(not exposing.ended, f"the test should have begun: {exposing.said}")
        users = live_customers(scene.shop, FIRST).to_list()
        chapter.tell("customers exposed", f"{len(scene.ask_everybody(users, FIRST)):,}")
        story.now = moment(TOLD)
        chapter.tell("sixty days later", f"{scene.tell_outcomes(FIRST):,} outcomes are known")
        rollout = follow(story, project, chapter, told=exposing)
        story.reading = show(project).reading
        _tell_reading(chapter, story.reading)
        if rollout.state != "promoted":
            take_back(story, project, chapter, (FEWER_VOUCHERS.undone(),), why="Keep the threshold")
        chapter.tell("accuracy", told_accuracy(scene.look_when_logged().observations))
    shipped = rollout.state == "promoted"
    story.check(rollout.number == begun.rollout.number, "the test's own rollout should have ended")
    story.check(rollout.state in ("promoted", "held"), f"the test should be decided: {rollout.said}")
    expected = treatment if shipped else control
    story.check(in_production(project).version == expected, f"{expected} should be in production")
    scene.served_by(expected)
    scene.nothing_failed()


def _tell_reading(chapter: Chapter, reading: Reading | None) -> None:
    if reading is None:
        return
    for one in reading.variants:
        value = "not known" if one.value is None else f"{one.value:.1%}"
        name = f"{one.variant.name} ({one.variant.version})"
        chapter.tell(name, f"{one.exposed:,} customers; of {one.n:,} who stayed {value} would get a voucher")
    chapter.tell("verdict", f"{reading.judgement}: {reading.reasons[0]}")
