from __future__ import annotations

from typing import Any

import pytest

from rondo.records.release import Event
from rondo.stages.deployment.freezing import rollbacks_in_a_row
from rondo.testing.state import NOW

AUTO: dict[str, Any] = {"rollout": 1, "automatic": True}
BACK = [("rollout.begun", {"by_hand": False}), ("rollout.rolled_back", AUTO)]


@pytest.mark.parametrize(
    ("story", "count"),
    [
        ([], 0),
        (BACK * 2, 2),
        ([*BACK, ("rollout.begun", {}), ("model.promoted", {}), ("rollout.rolled_back", AUTO)], 2),
        ([*BACK, ("rollout.begun", {}), ("model.promoted", {}), ("rollout.promoted", AUTO)], 0),
        ([*BACK, ("rollout.begun", {}), ("rollout.aborted", AUTO)], 1),
        ([*BACK, ("rollout.begun", {}), ("rollout.rolled_back", {"rollout": 2, "automatic": False})], 1),
        ([*BACK, ("model.promoted", {})], 0),
        ([*BACK, ("rollout.begun", {"by_hand": True})], 0),
        ([*BACK, ("rollout.begun", {}), ("rollout.aborted", {"rollout": 2, "overruled": True})], 0),
        ([*BACK, ("rollout.aborted", {"servers": []})], 1),
        ([*BACK, ("rollout.begun", {}), ("rollout.frozen", AUTO)], 2),
    ],
)
def test_the_row_is_counted_until_a_release_stands(
    story: list[tuple[str, dict[str, Any]]], count: int
) -> None:
    events = [
        Event(number, NOW, kind, "1.0.0", "x", "", details) for number, (kind, details) in enumerate(story)
    ]
    assert rollbacks_in_a_row(events) == count
