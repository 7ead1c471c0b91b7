"""Parts keep their shares, never divide a moment or an entity, and never let a label look over a border."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.errors import DataError
from rondo.stages.training.split import (
    Split,
    check_parts,
    folds_at_random,
    folds_by_entity,
    folds_by_time,
    split_at_random,
    split_by_entity,
    split_by_time,
    usable,
)

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def days(*numbers: int) -> pl.Series:
    return pl.Series("at", [START + number * DAY for number in numbers], dtype=pl.Datetime("us", "UTC"))


def test_the_last_days_are_for_validation_and_test() -> None:
    split = split_by_time(days(*range(10)), validation=0.2, test=0.2, gap=timedelta(0))
    assert split.frame()["part"].to_list() == ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    assert (split.validation_from, split.test_from) == (START + 6 * DAY, START + 8 * DAY)


def test_labels_do_not_reach_over_a_border() -> None:
    split = split_by_time(days(*range(10)), validation=0.3, test=0.3, gap=2 * DAY)
    assert split.frame()["part"].to_list() == (["out"] * 2 + ["validation"] * 3 + ["out"] * 2 + ["test"] * 3)


def test_a_gap_leaves_validation_its_share() -> None:
    split = split_by_time(days(*range(20)), validation=0.1, test=0.1, gap=5 * DAY)
    assert split.frame()["part"].to_list() == (
        ["train"] * 6 + ["out"] * 5 + ["validation"] * 2 + ["out"] * 5 + ["test"] * 2
    )


def test_rows_out_of_order_are_judged_by_their_time() -> None:
    split = split_by_time(days(9, 0, 5, 3, 7), validation=0.2, test=0.2, gap=timedelta(0))
    assert split.frame()["part"].to_list() == ["test", "train", "train", "train", "validation"]


def test_dates_are_moments_too() -> None:
    times = days(*range(10)).cast(pl.Date)
    assert split_by_time(times, validation=0.2, test=0.2, gap=timedelta(0)).sizes.test == 2


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=60),
    st.sampled_from([0.1, 0.2, 0.4]),
    st.sampled_from([0.1, 0.2, 0.4]),
    st.integers(0, 10),
)
def test_a_split_by_time_keeps_its_promises(
    moments: list[int], validation: float, test: float, gap: int
) -> None:
    split = split_by_time(days(*moments), validation=validation, test=test, gap=gap * DAY)
    at = np.array(moments)
    by_part = {part: at[split.rows(part)] for part in ("train", "validation", "test", "out")}  # type: ignore[arg-type]
    assert sum(map(len, by_part.values())) == len(moments)
    assert len(by_part["test"]) >= max(1, round(test * len(moments)) - 1)
    for earlier, later in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if len(by_part[earlier]) and len(by_part[later]):
            assert by_part[earlier].max() + gap < by_part[later].min()
    if gap == 0:
        assert not len(by_part["out"])


def test_a_missing_moment_is_refused() -> None:
    with pytest.raises(DataError, match="1 of 2 rows have no moment"):
        split_by_time(pl.Series("at", [START, None]), validation=0.2, test=0.2, gap=DAY)
    with pytest.raises(DataError, match="no rows"):
        split_by_time(days(), validation=0.2, test=0.2, gap=DAY)


def test_a_random_split_keeps_the_shares_of_the_classes() -> None:
    y = np.array([0] * 90 + [1] * 10)
    split = split_at_random(y, 100, validation=0.2, test=0.2, seed=1)
    for part, size in (("train", 60), ("validation", 20), ("test", 20)):
        rows = split.rows(part)  # type: ignore[arg-type]
        assert (len(rows), int(y[rows].sum())) == (size, size // 10)
    again = split_at_random(y, 100, validation=0.2, test=0.2, seed=1)
    assert (split.parts == again.parts).all()
    assert (split.parts != split_at_random(y, 100, validation=0.2, test=0.2, seed=2).parts).any()


@given(st.lists(st.integers(0, 15), min_size=1, max_size=80), st.integers(0, 5))
def test_an_entity_has_all_of_its_rows_in_one_part(entities: list[int], seed: int) -> None:
    split = split_by_entity(pl.Series("user", entities), validation=0.2, test=0.2, seed=seed)
    parts: dict[int, set[int]] = {}
    for entity, part in zip(entities, split.parts.tolist(), strict=True):
        parts.setdefault(entity, set()).add(part)
    assert all(len(found) == 1 for found in parts.values())


def test_a_part_that_cannot_be_used_is_named() -> None:
    parts = np.array([0, 0, 0, 1, 1, 1], dtype=np.int8)
    with pytest.raises(DataError) as caught:
        check_parts(Split(parts), np.array([0, 1, 0, 1, 1, 1.0]), ("no", "yes"))
    assert [str(problem) for problem in caught.value.problems] == [
        "the validation part: it has one class only (no: 0, yes: 3). Every part has rows of two classes.",
        "the test part: it has no rows. Use more data, other shares, or a shorter gap.",
    ]


def test_a_class_that_training_lacks_is_named() -> None:
    parts = np.array([0, 0, 1, 1, 2, 2], dtype=np.int8)
    with pytest.raises(DataError, match=r"it lacks a class \(a: 1, b: 1, c: 0\)"):
        check_parts(Split(parts), np.array([0, 1, 0, 2, 1, 2.0]), ("a", "b", "c"))


def test_folds_by_time_expand_and_look_only_ahead() -> None:
    folds = folds_by_time(days(*range(8)), 3, gap=DAY)
    assert [(fit.tolist(), score.tolist()) for fit, score in folds] == [
        ([0], [2, 3]),
        ([0, 1, 2], [4, 5]),
        ([0, 1, 2, 3, 4], [6, 7]),
    ]


@given(st.integers(2, 5), st.integers(10, 60), st.integers(0, 3))
def test_random_folds_score_every_row_once(count: int, rows: int, seed: int) -> None:
    y = np.arange(rows) % 3
    folds = folds_at_random(y, rows, count, seed=seed)
    assert sorted(np.concatenate([score for _, score in folds]).tolist()) == list(range(rows))
    assert all(not set(fit.tolist()) & set(score.tolist()) for fit, score in folds)
    sizes = [len(score) for _, score in folds]
    assert max(sizes) - min(sizes) <= 1


def test_an_entity_is_scored_in_one_fold() -> None:
    users = pl.Series("user", [1, 2, 3, 1, 2, 3, 4])
    for fit, score in folds_by_entity(users, 2, seed=0):
        assert not set(users[fit.tolist()]) & set(users[score.tolist()])


def test_folds_that_cannot_be_scored_are_left_out() -> None:
    y = np.array([0, 0, 1, 0, 1, 0.0])
    folds = folds_by_time(days(0, 1, 2, 3, 4, 5), 2, gap=timedelta(0))
    assert [fit.tolist() for fit, _ in usable(folds, y, classification=True)] == [[0, 1, 2, 3]]
    with pytest.raises(DataError, match="none of 2 folds"):
        usable(folds, np.zeros(6), classification=True)
