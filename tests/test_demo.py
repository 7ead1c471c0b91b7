"""The whole story on a small shop: every chapter checks by itself that it really happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondo.assembly import open_project
from rondo.cli.project import write_project
from rondo.records.release import Event
from rondo.shop.page import write_page
from rondo.shop.story import SMALL, Story, tell_story


@pytest.mark.timeout(900)  # a minute and a half where nobody else works
def test_the_story_goes_all_the_way_round(tmp_path: Path) -> None:
    # One test: told twice, because two processes share the tests of a file, it would take too long.
    story = tell_story(
        tmp_path / "shop",
        customers=600,
        seed=7,
        make_project=lambda folder: write_project(folder, "shop"),
        say=lambda _: None,
        pace=SMALL,
    )
    nobody_waits_in_vain(story)
    each_version_goes_its_own_way(story)
    the_second_version_was_seen_unseen_first(story)
    the_test_of_two_thresholds_is_read_from_outcomes(story)
    the_bad_one_was_turned_down_for_what_it_answered(story)
    the_change_of_the_world_is_told_and_mended(story)
    the_page_shows_all_of_it(story)


def nobody_waits_in_vain(story: Story) -> None:
    assert story.tally.failed == 0
    assert story.tally.requests > 5 * 600
    assert sum(story.tally.versions.values()) == story.tally.requests


def each_version_goes_its_own_way(story: Story) -> None:
    project = open_project(story.folder)
    rollouts = [(one.strategy, one.candidate, one.state) for one in project.state.rollouts()]
    assert [(strategy, candidate) for strategy, candidate, _ in rollouts] == [
        ("blue_green", "1.0.0"),
        ("canary", "1.1.0"),
        ("ab_test", "1.1.1"),
        ("canary", "1.2.0"),
        ("canary", "1.1.2"),
    ]
    states = {candidate: state for _, candidate, state in rollouts}
    assert (states["1.0.0"], states["1.1.0"], states["1.1.2"]) == ("promoted",) * 3
    assert states["1.1.1"] in ("promoted", "held")  # few customers may not tell the two apart
    assert states["1.2.0"] == "rolled_back"
    assert "1.2.0" not in project.state.production_history()


def the_second_version_was_seen_unseen_first(story: Story) -> None:
    rollout = next(one for one in open_project(story.folder).state.rollouts() if one.candidate == "1.1.0")
    assert [phase.kind for phase in rollout.phases] == ["preflight", "shadow", "canary", "promote"]
    shadow, canary = rollout.history[1:3]
    assert shadow.figures["agreement"] > 0.9
    assert min(shadow.requests, canary.requests) >= 20


def the_test_of_two_thresholds_is_read_from_outcomes(story: Story) -> None:
    reading = story.reading
    assert reading is not None
    assert reading.judgement in ("ship", "hold")
    control, treatment = reading.variants
    assert min(control.n, treatment.n) >= SMALL.sample
    assert control.value is not None
    assert treatment.value is not None
    assert treatment.value < control.value
    (effect,) = reading.effects
    assert effect.high is not None
    assert (reading.judgement == "ship") == (effect.high < 0)


def the_bad_one_was_turned_down_for_what_it_answered(story: Story) -> None:
    (event,) = _events(story, "rollout.rolled_back")
    assert (event.subject, event.details["automatic"]) == ("1.2.0", True)
    assert "decides" in event.reason or "distributed otherwise" in event.reason
    assert 0 < story.tally.versions["1.2.0"] < story.tally.requests / 10


def the_change_of_the_world_is_told_and_mended(story: Story) -> None:
    fired = {alert.metric for alert in story.alerts}
    assert {"psi", "accuracy"} <= fired
    assert story.received
    assert story.decision is not None
    assert {"accuracy_degradation", "data_drift"} <= set(story.decision.reasons)
    known = [
        seen for look in story.looks for seen in look.observations if seen.metric == "accuracy" and seen.value
    ]
    accuracy = [seen.value for seen in known if seen.value is not None]
    assert accuracy[0] > 0.85 > min(accuracy)
    assert (accuracy[-1] > 0.85, known[-1].version) == (True, "1.1.2")
    assert "accuracy" in {alert.metric for alert in story.recovered}


def the_page_shows_all_of_it(story: Story) -> None:
    page = write_page(story, 1.0).read_text()
    assert "0 of" in page
    for version in story.tally.versions:
        assert f"<title>{version}</title>" in page
    assert "nothing to show" not in page
    assert "rollout.rolled_back" in page


def _events(story: Story, kind: str) -> list[Event]:
    return [event for event in story.events if event.kind == kind]
