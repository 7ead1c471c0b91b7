from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rondo.lifecycle.releasing import waits_for_release
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
