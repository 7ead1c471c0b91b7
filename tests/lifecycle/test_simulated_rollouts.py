"""500 seeds of everything at once: crashes, lost and lying evidence, clocks, people who change their minds."""

from __future__ import annotations

from collections import Counter

import pytest

from lifecycle.simulated import play


@pytest.mark.parametrize("first", range(0, 500, 100))
def test_whatever_happens_one_version_is_in_production_and_nothing_is_promoted_without_evidence(
    first: int,
) -> None:
    ends: Counter[str] = Counter()
    for seed in range(first, first + 100):
        world = play(seed, 300)
        ends.update(rollout.state for rollout in world.store.rollouts(limit=1000))
    # The simulation is worth something only while it reaches everything.
    assert set(ends) >= {"promoted", "rolled_back", "aborted", "held", "frozen"}
    assert sum(ends.values()) > 1000


@pytest.mark.long
@pytest.mark.parametrize("first", range(1000, 6000, 500))
def test_whatever_happens_for_longer(first: int) -> None:
    for seed in range(first, first + 500):
        play(seed, 500)
