"""How good served lists were, from outcomes that name their items."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from rondo.stages.monitoring.performance import labelled, measured

AT = datetime(2026, 1, 1, tzinfo=UTC)


def shown(*lists: str) -> pl.DataFrame:
    """Three items per list, the best first."""
    rows = [
        {"prediction_id": f"{name}:{item}", "score": score, "label": item, "event_time": AT}
        for name in lists
        for item, score in (("a", 0.9), ("b", 0.5), ("c", 0.1))
    ]
    return pl.DataFrame(rows)


def told(**outcomes: str) -> pl.DataFrame:
    ids = [name.replace("__", ":") for name in outcomes]
    return pl.DataFrame({"prediction_id": ids, "value": list(outcomes.values()), "at": [AT] * len(ids)})


def figure(metric: str, predictions: pl.DataFrame, outcomes: pl.DataFrame) -> tuple[float | None, int]:
    found = measured(metric, labelled(predictions, outcomes), positive="1", threshold=0.5)
    return found.value, found.n


def test_a_list_counts_when_one_of_its_items_has_an_outcome() -> None:
    assert figure("hit_rate@1", shown("x", "y"), told(x__a="1")) == (1.0, 1)
    assert figure("hit_rate@1", shown("x", "y"), told(x__b="1")) == (0.0, 1)
    assert figure("mrr", shown("x", "y"), told(x__b="1", y__a="1")) == (0.75, 2)


def test_a_list_of_which_nothing_was_wanted_counts_as_a_miss() -> None:
    assert figure("hit_rate@3", shown("x", "y"), told(x__a="1", y__="0")) == (0.5, 2)
    assert figure("hit_rate@3", shown("x"), told(x__="0")) == (0.0, 1)


def test_what_was_wanted_and_not_shown_lowers_the_recall() -> None:
    outcomes = told(x__a="1", x__z="1")
    assert figure("recall@3", shown("x"), outcomes) == (0.5, 1)
    assert figure("ndcg@3", shown("x"), outcomes)[0] == pytest.approx(0.6131, abs=1e-4)


def test_without_outcomes_there_is_no_figure() -> None:
    assert figure(
        "hit_rate@3", shown("x"), told().cast({"prediction_id": pl.String, "value": pl.String})
    ) == (
        None,
        0,
    )
