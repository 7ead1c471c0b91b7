"""The last chapter: everything that was answered is in the log, and nothing failed."""

from __future__ import annotations

from rondo.lifecycle.watching import in_production
from rondo.shop.story.scene import Scene, answered, wait_for_the_log


def ledger(scene: Scene) -> None:
    """The account of the whole story; the steady traffic has stopped."""
    story, project = scene.story, scene.project
    with story.chapter("The ledger") as chapter:
        wait_for_the_log(story, project, scene.outcomes_told)
        tally, logged = story.tally, answered(project)
        chapter.tell("requests", f"{tally.requests:,}")
        chapter.tell("failed", tally.failed)
        chapter.tell("answered by", ", ".join(f"{v} ({n:,})" for v, n in sorted(tally.versions.items())))
        chapter.tell("predictions in the log", f"{logged:,}")
        chapter.tell("99% of the answers within", f"{tally.percentile_ms(0.99):.1f} ms")
        roles = project.registry.roles(project.project.project)
        aliases = ", ".join(f"{role} -> {number}" for role, number in sorted(roles.items()))
        chapter.tell("MLflow aliases", aliases)
        chapter.tell("messages to the receiver of alerts", len(scene.receiver.titles))
        count = project.state.verify_events()
        chapter.tell("event log", f"{count:,} events, their chain of hashes is whole")
        story.received = list(scene.receiver.titles)
        story.events = project.state.events(limit=count)
    story.check(tally.failed == 0, f"{tally.failed} requests failed: {tally.failures}")
    story.check(logged == tally.requests, f"{tally.requests} requests were answered, {logged} are in the log")
    release = in_production(project)
    story.check(
        roles.get("production") == release.registry_version,
        f"MLflow's alias production is {roles.get('production')}, in production is {release.registry_version}",
    )
