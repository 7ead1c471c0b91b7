"""A new feature: the second version answers unseen first, then a growing share of the customers."""

from __future__ import annotations

from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.watching import in_production, production_candidate
from rondo.shop.story.project_file import CANARY, NEW_FEATURE, shadow
from rondo.shop.story.rolling_out import follow
from rondo.shop.story.scene import BY, Scene, edit, tell_round


def second_version(scene: Scene) -> None:
    """1.1.0 by shadow and canary."""
    story, project = scene.story, scene.project
    with story.chapter("A new feature: the second version, unseen first, then by canary") as chapter:
        changes = (NEW_FEATURE, CANARY, shadow(story.pace))
        edit(story, project, chapter, changes, why="Count the visits of a week; release by canary")
        went = go_round(project, Selection(), by=BY, fixed=production_candidate(project))
        tell_round(chapter, went)
        story.check(not went.refused, f"the second version did not pass its gates: {went.release}")
        rollout = follow(story, project, chapter)
    story.check(went.version == "1.1.0", f"a new feature is a minor version, this is {went.version}")
    story.check(rollout.state == "promoted", f"1.1.0 should be in production: {rollout.said}")
    kinds = [phase.kind for phase in rollout.phases]
    story.check("shadow" in kinds and "canary" in kinds, f"it should have gone by shadow and canary: {kinds}")
    story.check(in_production(project).version == "1.1.0", "1.1.0 should be in production")
    scene.served_by("1.1.0")
    scene.nothing_failed()
