from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rondo.lifecycle.releasing import came_out_the_same, waits_for_release
from rondo.records.release import RegistryStage, Release
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
    ("bundle", "compared_with", "same"),
    [
        ("bundle-3", "1.1.0", True),
        (
            "bundle-2",
            "1.1.0",
            False,
        ),  # the registered bundle itself: how far its release is, is asked elsewhere
        ("bundle-3", "1.0.0", False),  # two bundles that claim one number: a conflict
    ],
)
def test_a_version_made_once_more_is_not_released_again(bundle: str, compared_with: str, same: bool) -> None:
    verdict = replace(VERDICT, bundle_id=bundle)
    assert came_out_the_same((FIRST, SECOND), verdict, compared_with=compared_with) is same
