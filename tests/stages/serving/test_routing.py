"""Shares are kept, keys stay where they are, and a canary that grows keeps its keys."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.errors import NotAvailable
from rondo.stages.serving.routing import NOTHING, RouteTable, choose


def test_shares_are_met() -> None:
    weights = {"1.0.0": 0.7, "1.1.0": 0.25, "2.0.0": 0.05}
    found = Counter(choose(weights, str(key)) for key in range(20_000))
    for version, weight in weights.items():
        assert found[version] / 20_000 == pytest.approx(weight, abs=0.012)


@given(st.text(), st.floats(0.01, 0.98), st.floats(0.01, 0.98))
def test_a_key_only_moves_to_the_version_that_grew(key: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    before = choose({"old": 1 - small, "new": small}, key)
    after = choose({"old": 1 - large, "new": large}, key)
    assert before == after or (before, after) == ("old", "new")


def test_a_version_without_share_gets_nothing() -> None:
    assert {choose({"a": 0.0, "b": 1.0}, str(key)) for key in range(1000)} == {"b"}


def test_without_versions_nothing_is_ready_and_nobody_answers() -> None:
    assert not NOTHING.ready
    assert not RouteTable(3, {}).ready
    assert not RouteTable(3, {"1.0.0": 1.0}).ready
    with pytest.raises(NotAvailable):
        NOTHING.version_for("key")
