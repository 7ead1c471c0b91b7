"""A retrain for reasons, through the same gates and rollout; a drill; and calm again."""

from __future__ import annotations

from datetime import timedelta

from rondo.lifecycle.releasing import promote, rollback
from rondo.lifecycle.watching import decide, in_production, retrain_now
from rondo.shop.outcomes import live_customers
from rondo.shop.practice import publish_practice_world
from rondo.shop.story.days import AFTERWARDS, END, moment
from rondo.shop.story.rolling_out import follow
from rondo.shop.story.scene import BY, Scene, summary, tell_round, told_accuracy


def retrain(scene: Scene) -> None:
    """The contract's triggers fire; the new version goes the same way as any other."""
    story, project = scene.story, scene.project
    before = in_production(project)
    with story.chapter("Retraining triggers: the same gates, shadow and canary again") as chapter:
        story.decision = decision = decide(project)
        for line in decision.evidence:
            chapter.tell("evidence", line)
        chapter.tell("reasons", ", ".join(decision.reasons))
        publish_practice_world(story.folder, scene.shop, until=END - timedelta(days=1))
        story.check(decision.should_retrain, f"a retrain should be due: {decision}")
        went = retrain_now(project, decision, by=BY)
        tell_round(chapter, went)
        story.check(not went.refused, f"the new version did not pass its gates: {went.release}")
        rollout = follow(story, project, chapter)
    reasons = set(decision.reasons)
    story.check(
        {"accuracy_degradation", "data_drift"} <= reasons, f"accuracy and drift should be reasons: {reasons}"
    )
    story.check(rollout.state == "promoted", f"the new version should be in production: {rollout.said}")
    after = in_production(project)
    same = before.version.rpartition(".")[0] == after.version.rpartition(".")[0]
    story.check(
        same and before.version != after.version, f"a retrain is a patch: {before.version} -> {after.version}"
    )
    scene.served_by(after.version)
    scene.nothing_failed()


def back_and_forth(scene: Scene) -> None:
    """A rollback and the way forward again, while everybody is served."""
    story, project = scene.story, scene.project
    new, old = in_production(project).version, project.state.production_history()[-2]
    with story.chapter("A drill: a rollback, and forward again, under load") as chapter:
        chapter.tell("back", rollback(project, by=BY, reason="a drill"))
        story.check(in_production(project).version == old, f"{old} should be in production again")
        scene.served_by(old)
        chapter.tell("forward", promote(project, new, by=BY, reason="the drill is over"))
        story.check(in_production(project).version == new, f"{new} should be in production again")
        scene.served_by(new)
        chapter.tell("server", f"process {scene.server.pid} ran all the while")
    story.check(scene.server.alive, "the server should still run")


def calm_again(scene: Scene) -> None:
    """The new version knows the new world: drift is over at once, and sixty days later accuracy is told, too."""
    story = scene.story
    with story.chapter("The new version meets the customers of the new world") as chapter:
        users = live_customers(scene.shop, END).to_list()
        # Only now: the newest of them came with the data of the retrain.
        scene.load.ask_about(users, story.now)
        scored = scene.ask_everybody(users, END)
        versions = ", ".join(sorted({one.version for one in scored}))
        chapter.tell("customers scored", f"{len(scored):,}, all by {versions}")
        first = scene.look_when_logged()
        chapter.tell("drift alerts that are over", sum(alert.metric == "psi" for alert in first.recovered))
        story.now = moment(AFTERWARDS)
        chapter.tell("sixty days later", f"{scene.tell_outcomes(END):,} outcomes are known")
        second = scene.look_when_logged()
        story.recovered = [*first.recovered, *second.recovered]
        chapter.tell("accuracy", told_accuracy(second.observations))
        chapter.tell("monitoring", summary(second))
    over = {alert.key for alert in story.recovered}
    moved = {alert.key for alert in story.alerts if alert.metric == "psi"}
    story.check(bool(moved & over), "drift alerts should be over: the new version knows the new world")
    wrong = {alert.key for alert in story.alerts if alert.metric == "accuracy"}
    story.check(wrong <= over, "the accuracy alert should be over")
    scene.nothing_failed()
