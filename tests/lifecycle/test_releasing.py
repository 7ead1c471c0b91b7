from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rondo.lifecycle.releasing import waits_for_release
from rondo.lifecycle.watching import _lost_in_a_row
from rondo.records.release import Event, RegistryStage, Release
from rondo.records.verdict import Verdict

NOW = datetime(2026, 3, 1, tzinfo=UTC)
VERDICT = Verdict("ship", (), (), "bundle-2", "1.1.0", NOW)
FIRST = Release("1.0.0", "bundle-1", "releases/1", NOW, stage="Production")
SECOND = Release("1.1.0", "bundle-2", "releases/2", NOW)


def test_a_bundle_that_nobody_has_seen_waits() -> None:
    assert waits_for_release((FIRST,), VERDICT)


@pytest.mark.parametrize(
    ("stage", "waits"), [("None", True), ("Staging", True), ("Production", False), ("Archived", False)]
)
def test_one_that_was_in_production_is_not_brought_back_by_itself(stage: RegistryStage, waits: bool) -> None:
    assert waits_for_release((FIRST, replace(SECOND, stage=stage)), VERDICT) is waits


@pytest.mark.parametrize(
    ("refused", "lost"), [([], 0), ([True], 1), ([True, False], 0), ([False, True, True], 2)]
)
def test_rounds_lost_in_a_row_are_counted_from_the_newest(refused: list[bool], lost: int) -> None:
    events = [
        Event(number, NOW, "retrain.ended", "p", "monitor", "", {"refused": one})
        for number, one in enumerate(refused)
    ]
    assert _lost_in_a_row(events) == lost
