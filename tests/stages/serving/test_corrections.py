"""Each client may change so many known outcomes in an hour; the hour slides, and memory is bounded."""

from __future__ import annotations

import pytest

from rondo.stages.serving import corrections
from rondo.stages.serving.corrections import WINDOW_S, Corrections
from rondo.stages.serving.problems import Refusal


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused_for(counted: Corrections, client: str, changes: int) -> str | None:
    """The seconds that the refusal names; empty when it names none, None when nothing was refused."""
    try:
        counted.allow(client, changes)
    except Refusal as refusal:
        return refusal.headers.get("retry-after", "")
    return None


def test_the_hour_slides() -> None:
    clock = Clock()
    counted = Corrections(10, clock=clock)
    assert refused_for(counted, "a", 6) is None
    clock.now = 1000.0
    assert refused_for(counted, "a", 4) is None
    assert refused_for(counted, "a", 1) == "2600"
    assert refused_for(counted, "a", 7) == "3600"  # the second part has to be over, too
    assert refused_for(counted, "a", 11) == ""
    assert refused_for(counted, "b", 10) is None
    clock.now = WINDOW_S
    assert refused_for(counted, "a", 7) == "1000"
    assert refused_for(counted, "a", 6) is None


def test_what_was_refused_is_not_counted() -> None:
    counted = Corrections(2, clock=Clock())
    assert refused_for(counted, "a", 3) == ""
    assert refused_for(counted, "a", 2) is None
    assert refused_for(counted, "a", 0) is None


def test_nobody_may_change_anything_where_none_is_allowed() -> None:
    counted = Corrections(0, clock=Clock())
    assert refused_for(counted, "a", 1) == ""


def test_clients_beyond_the_bound_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "MOST_CLIENTS", 3)
    counted = Corrections(1, clock=Clock())
    for client in "abcd":
        assert refused_for(counted, client, 1) is None
    assert len(counted._clients) == 3
    assert refused_for(counted, "d", 1) is not None
    assert refused_for(counted, "a", 1) is None
