"""The lists of candidates beside counting by hand, and what they may depend on."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from rondo.bundle.candidates import (
    LIST,
    OWN,
    POPULAR,
    TOGETHER,
    CandidateLists,
    CandidateReader,
    list_texts,
    popular_text,
    union,
)
from rondo.bundle.plan import EVERYBODY, FeaturePlan, HistoryFeature, ListPlan

DAY = 86_400.0
START = datetime(2026, 1, 1, tzinfo=UTC)
LISTS = ListPlan(4, 3, 3, 10 * DAY, 20 * DAY, 5, "bought > 0")
PLAN = FeaturePlan(
    "who", "at", (), (HistoryFeature("times", "count", None, 99 * DAY, None, 0.0, per="pair"),), (), ("times",), (),
    {"who_what_features": ("times",), "who_candidates": (LIST,), "popular_candidates": (LIST,)},
    entity_type="int", item="what", item_type="string", lists=LISTS,
    keys={"who_what_features": "who__what", "popular_candidates": EVERYBODY},
)  # fmt: skip
Event = tuple[int, str, int, int]  # who, what, day, bought
SCHEMA = {"who": pl.Int64, "what": pl.String, "at": pl.Datetime("us", "UTC"), "bought": pl.Int64}
EVENTS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from("abcdefg"), st.integers(0, 30), st.integers(0, 1)),
    max_size=60,
)


def table(events: list[Event]) -> pl.DataFrame:
    rows = [(who, what, START + timedelta(days=day), bought) for who, what, day, bought in events]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def micros(day: int) -> int:
    return round((START + timedelta(days=day)).timestamp() * 1_000_000)


def proposed(events: list[Event], day: int) -> pl.DataFrame:
    return CandidateLists(PLAN, table(events)).propose(micros(day), pl.Series("who", [1, 2, 3, 4, 5]))


def counted(events: list[Event], day: int, who: int) -> dict[str, dict[str, float]]:
    """The three lists by brute force: item -> score."""
    before = [each for each in events if each[2] < day and each[3] > 0]
    pairs = {(w, what) for w, what, at, _ in before if at >= day - 10}
    popular = Counter(what for _, what in pairs)
    top = dict(sorted(popular.items(), key=lambda item: (-item[1], item[0]))[:4])
    times = Counter(what for w, what, _, _ in before if w == who)
    last = {what: max(at for w, x, at, _ in before if (w, x) == (who, what)) for what in times}
    ordered = sorted(times, key=lambda what: (-times[what], -last[what], what))
    baskets: dict[tuple[int, int], set[str]] = {}
    for w, what, at, _ in before:
        if at >= day - 20:
            baskets.setdefault((w, at), set()).add(what)
    often = Counter(what for basket in baskets.values() for what in basket)

    def near(a: str, b: str) -> int:
        both = sum({a, b} <= basket for basket in baskets.values())
        return round(both / math.sqrt(often[a] * often[b]) * 100_000) if both >= 2 and a != b else 0

    score = {what: sum(near(seed, what) for seed in ordered) / 100_000 for what in often}
    score = {what: found for what, found in score.items() if found > 0}
    new = sorted((what for what in score if what not in ordered[:3]), key=lambda what: (-score[what], what))
    own = {what: float(times[what]) for what in ordered[:3]}
    shown = {what: score[what] for what in [*new[:3], *(x for x in ordered[:3] if x in score)]}
    return {OWN: own, POPULAR: {what: float(n) for what, n in top.items()}, TOGETHER: shown}


@given(EVENTS, st.integers(1, 32))
def test_lists_are_those_counted_by_hand(events: list[Event], day: int) -> None:
    found = proposed(events, day)
    for who in range(1, 6):
        mine = found.filter(pl.col("who") == who)
        wanted = counted(events, day, who)
        for name, scores in wanted.items():
            told = mine.drop_nulls(name)
            assert dict(zip(told["what"], told[name], strict=True)) == scores, (name, who)
        assert set(mine["what"]) == set().union(*wanted.values())
        assert mine["what"].is_unique().all()


@given(EVENTS, EVENTS, st.integers(1, 30))
def test_nothing_from_the_moment_on_changes_a_list(events: list[Event], later: list[Event], day: int) -> None:
    future = [(who, what, day + at, bought) for who, what, at, bought in later]
    before = [each for each in events if each[2] < day]
    assert_frame_equal(proposed(events + future, day), proposed(before, day))


@given(EVENTS, st.integers(1, 32))
def test_a_list_does_not_depend_on_who_else_is_asked_about(events: list[Event], day: int) -> None:
    lists = CandidateLists(PLAN, table(events))
    everyone = lists.propose(micros(day), pl.Series("who", [1, 2, 3, 4]))
    for who in (1, 4):
        alone = lists.propose(micros(day), pl.Series("who", [who]))
        assert_frame_equal(alone, everyone.filter(pl.col("who") == who))


@given(EVENTS, st.integers(1, 32))
def test_the_store_gives_the_same_union_back(events: list[Event], day: int) -> None:
    lists = CandidateLists(PLAN, table(events))
    who = pl.Series("who", [1, 2, 3, 4])
    texts = dict(list_texts(lists.lists(micros(day), who), "who", "what").iter_rows())
    popular = popular_text(lists.popular(micros(day)), "what")
    found = lists.propose(micros(day), who)
    for each in who:
        mine = found.filter(pl.col("who") == each)
        read = [(one.item, one.own, one.popular, one.together) for one in union(texts.get(each), popular)]
        assert read == mine.select("what", OWN, POPULAR, TOGETHER).rows()


def test_a_reader_gives_defaults_where_the_store_knows_nothing() -> None:
    kept: dict[Any, dict[str, Any]] = {
        1: {LIST: '[["a",2.0,null]]', "_event_timestamp": START},
        EVERYBODY: {LIST: '[["b",3.0],["a",1.0]]', "_event_timestamp": START},
        "1|a": {"times": 2.0, "_event_timestamp": START},
    }

    def read(views: Any, keys: Any) -> list[dict[str, Any] | None]:
        assert views
        return [kept.get(key) for key in keys]

    known, unknown = (CandidateReader(PLAN).candidates(key, read) for key in (1, 7))
    assert [each.item for each in known.candidates] == ["a", "b"]
    assert known.stored[0] == {"times": 2.0, OWN: 2.0, POPULAR: 1.0, TOGETHER: None}
    assert known.stored[1] == {"times": 0.0, OWN: None, POPULAR: 3.0, TOGETHER: None}
    assert (known.entity_known, unknown.entity_known) == (True, False)
    assert [each.item for each in unknown.candidates] == ["b", "a"]
