from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rondo.contract.deployment import Margins
from rondo.contract.units import Limit, parse_limit
from rondo.records.rollout import Evidence, Phase
from rondo.stages.deployment.comparing import Side
from rondo.stages.deployment.judging import (
    Window,
    count_agreed,
    judge_canary,
    judge_shadow,
    judge_watch,
)
from rondo.stages.deployment.sequences import distance_by_chance, rate_interval
from rondo.testing.state import NOW

WINDOW = Window(NOW, NOW, NOW)
PHASE = Phase("canary", {"a": 0.5, "b": 0.5}, min_requests=1000)
LIMITS: dict[str, Limit] = {
    "error_rate": parse_limit("> 3%", default_op=">"),
    "latency_p99": parse_limit("> 100ms", default_op=">"),
}


class Stream:
    """Requests of one version in the order of their coming, to be looked at again and again."""

    def __init__(self, seed: int, n: int, *, errors: float = 0.01, slower: float = 1.0, **other: Any) -> None:
        chance = np.random.default_rng(seed)
        self.errors = chance.random(n) < errors
        self.latency_ms = chance.lognormal(1.5, 0.6, n) * slower
        self.scores = chance.beta(2, 5, n)
        if other.get("constant"):
            self.scores = np.full(n, 0.9)
        self.missing = chance.random(n) < other.get("missing", 0.0)

    def side(self, n: int) -> Side:
        """What was seen after n requests."""
        scores = self.scores[:n][~self.missing[:n]]
        positive = int((scores > 0.5).sum())
        return Side(
            requests=n,
            errors=int(self.errors[:n].sum()),
            latency_ms=self.latency_ms[:n],
            rows=n,
            unusable=int(self.missing[:n].sum()),
            decisions={"yes": positive, "no": scores.size - positive},
            scores=scores,
        )


def unlogged(stream: Stream) -> Side:
    """Everything was answered and counted, and the log lost it."""
    return replace(stream.side(5000), rows=0, unusable=0, decisions={}, scores=np.empty(0))


def canary(
    candidate: Side, control: Side, limits: dict[str, Limit] = LIMITS, margins: Margins | None = None
) -> Evidence:
    margins = margins or Margins()
    return judge_canary(candidate, control, limits=limits, margins=margins, phase=PHASE, window=WINDOW)


def rejected_after(seed: int, looks: int, n: int, **bad: Any) -> int | None:
    """After how many requests one of the looks rejected."""
    candidate, control = Stream(2 * seed, n, **bad), Stream(2 * seed + 1, 4 * n)
    for look in range(1, looks + 1):
        seen = n * look // looks
        if canary(candidate.side(seen), control.side(4 * seen)).judgement == "reject":
            return seen
    return None


def test_an_equal_candidate_is_hardly_ever_rejected() -> None:
    rejected = sum(rejected_after(seed, 5, 600) is not None for seed in range(1000))
    print(f"\nan equal candidate was rejected in {rejected} of 1,000 simulations of 5 looks")  # noqa: T201
    assert rejected <= 10


@pytest.mark.long
def test_an_equal_candidate_is_hardly_ever_rejected_however_often_one_looks() -> None:
    rejected = sum(rejected_after(seed, 40, 4000) is not None for seed in range(1000, 2000))
    assert rejected <= 10


@pytest.mark.parametrize(
    "bad",
    [{"errors": 0.06}, {"slower": 3.0}, {"constant": True}, {"missing": 0.05}],
    ids=["errors", "slow", "constant", "no numbers"],
)
def test_a_bad_candidate_is_rejected_soon(bad: dict[str, Any]) -> None:
    found = [rejected_after(seed, 20, 2000, **bad) for seed in range(10)]
    assert all(found), found


@pytest.mark.parametrize(
    ("bad", "margins"),
    [
        ({"errors": 0.06}, {"error_rate": "10%"}),
        ({"slower": 2.5}, {"p99_latency": "100%"}),
        ({"missing": 0.05}, {"error_rate": 0.1}),
        ({"constant": True}, {"decisions": "100%", "score_distance": 1}),
    ],
    ids=["errors", "slow", "no numbers", "decides otherwise"],
)
def test_what_the_project_file_allows_is_no_reason_to_reject(
    bad: dict[str, Any], margins: dict[str, Any]
) -> None:
    candidate, control = Stream(1, 5000, **bad).side(5000), Stream(2, 8000).side(8000)
    assert canary(candidate, control, {}).judgement == "reject"
    assert canary(candidate, control, {}, Margins.model_validate(margins)).judgement == "ship"


def test_each_reason_is_told() -> None:
    bad = Stream(1, 2000, errors=0.1, slower=40.0, constant=True, missing=0.1).side(2000)
    reasons = " ".join(canary(bad, Stream(2, 8000).side(8000)).reasons)
    for words in ("error_rate", "latency_p99", "requests failed", "no number", "p99 latency", "decides"):
        assert words in reasons
    assert "distributed otherwise" in reasons


@pytest.mark.parametrize(
    ("candidate", "control", "words"),
    [
        (Side(), Stream(1, 500).side(500), "no request yet"),
        (Stream(1, 500, errors=0).side(500), Stream(2, 100).side(49), "nothing to compare with"),
        (Stream(1, 100, errors=0.04).side(100), Stream(2, 400).side(400), "do not settle it"),
        (Side(requests=5), Stream(2, 400).side(400), "no answer time was measured"),
        (unlogged(Stream(3, 5000)), Stream(4, 5000).side(5000), "none of the 4,"),
        (Stream(3, 5000).side(5000), unlogged(Stream(4, 5000)), "answers of the control is in the log"),
    ],
)
def test_without_enough_to_go_by_it_says_what_is_missing(candidate: Side, control: Side, words: str) -> None:
    found = canary(candidate, control)
    assert found.judgement == "inconclusive"
    assert words in " ".join(found.reasons)


def test_a_good_candidate_ships_with_its_figures() -> None:
    found = canary(Stream(3, 1000).side(1000), Stream(4, 4000).side(4000))
    assert (found.judgement, found.requests, found.needed) == ("ship", 1000, 1000)
    assert found.figures["control"]["requests"] == 4000
    assert found.figures["difference"]["score_distance"] < 0.1


def test_what_was_promoted_is_watched_for_the_limits_alone() -> None:
    def watch(side: Side, limits: dict[str, Limit] = LIMITS) -> str:
        return judge_watch(side, limits=limits, phase=PHASE, window=WINDOW).judgement

    assert watch(Stream(1, 500).side(500)) == "ship"
    assert watch(Stream(1, 500, errors=0.2).side(500)) == "reject"
    assert watch(Side()) == watch(Stream(1, 500).side(500), {}) == "inconclusive"
    thin = {"throughput": parse_limit("< 100 req/s", default_op=">")}
    assert watch(Side(requests=10, seconds=60.0), thin) == "inconclusive"
    assert watch(Side(requests=10_000, seconds=60.0), thin) == "ship"
    available = {"availability": parse_limit("< 99.9%", default_op=">")}
    assert watch(Stream(1, 500, errors=0.05).side(500), available) == "reject"


def shadow(agreed: int, pairs: int, candidate: Side, control: Side) -> Evidence:
    return judge_shadow(
        candidate,
        control,
        agreed=agreed,
        pairs=pairs,
        min_agreement=0.9,
        limits=LIMITS,
        margins=Margins(),
        phase=PHASE,
        window=WINDOW,
    )


def test_a_shadow_is_judged_by_what_it_would_have_answered() -> None:
    good, control = Stream(1, 1000, errors=0).side(1000), Stream(2, 1000).side(1000)
    assert shadow(960, 1000, good, control).judgement == "ship"
    assert shadow(890, 1000, good, control).judgement == "inconclusive"
    found = shadow(700, 1000, good, control)
    assert (found.judgement, found.figures["agreement"]) == ("reject", 0.7)
    assert shadow(960, 1000, Stream(1, 1000, constant=True).side(1000), control).judgement == "reject"
    assert shadow(960, 1000, Stream(1, 1000, errors=0.1).side(1000), control).judgement == "reject"
    failing = Side(requests=200, errors=200, latency_ms=np.ones(200))
    assert shadow(0, 0, failing, control).judgement == "reject"
    assert shadow(0, 0, Side(), control).judgement == "inconclusive"


def test_numbers_agree_within_a_twentieth() -> None:
    theirs, ours = np.array([100.0, 100.0, 0.0, np.nan]), np.array([104.0, 106.0, 0.0, 1.0])
    assert count_agreed(theirs, ours, None) == 2
    assert count_agreed(theirs, ours, np.array([True, False, False, False])) == 1


def test_an_interval_of_a_rate_holds_at_every_look() -> None:
    chance, alpha, missed = np.random.default_rng(5), 0.05, 0
    for _ in range(300):
        seen = np.cumsum(chance.random(400) < 0.05)
        looks = [rate_interval(int(seen[n - 1]), n, alpha) for n in range(10, 401, 30)]
        missed += any(not low <= 0.05 <= high for low, high in looks)
    assert missed <= 300 * alpha


def test_intervals_at_the_edges() -> None:
    assert rate_interval(0, 0, 0.05) == (0.0, 1.0)
    assert rate_interval(0, 1000, 0.05)[0] == 0.0
    assert rate_interval(1000, 1000, 0.05)[1] == 1.0
    assert distance_by_chance(0, 10, 0.05) > 1.0
    assert distance_by_chance(10**6, 10**6, 0.001) < 0.01
