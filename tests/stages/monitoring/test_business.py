"""What the model is worth, from outcomes; what cannot be told says what it would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from rondo.contract.problem import Costs, Criterion
from rondo.records.monitoring import Observation
from rondo.stages.monitoring.business import Business, SideBySide, business_observations

SINCE = datetime(2026, 5, 4, tzinfo=UTC)
NOW = SINCE + timedelta(days=40)
DAY = timedelta(days=1)


def served(
    version: str, start: datetime, people: int, churned: int, *, flagged: int = 0, days: float = 30.0
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """So many answers over that time; the first `churned` of them churned, the last `flagged` were said to."""
    rows, outcomes = [], []
    for number in range(people):
        name = f"{version} {start:%m%d} {number}"
        rows.append(
            {
                "prediction_id": name, "event_time": start + timedelta(days=days * number / (people - 1)),
                "version": version, "entity": f"user {name}", "score": 0.5, "shadow": False,
                "label": "1" if number >= people - flagged else "0",
            }
        )  # fmt: skip
        outcomes.append((name, "1" if number < churned else "0"))
    return rows, outcomes


def seen(*parts: tuple[list[dict[str, Any]], list[tuple[str, str]]], **changes: Any) -> Business:
    rows = [row for part in parts for row in part[0]]
    told = [pair for part in parts for pair in part[1]]
    schema = {
        "prediction_id": pl.String, "event_time": pl.Datetime("us", "UTC"), "version": pl.String,
        "entity": pl.String, "score": pl.Float64, "shadow": pl.Boolean, "label": pl.String,
    }  # fmt: skip
    made = Business(
        version="2.0.0",
        positive="1",
        classes=("0", "1"),
        threshold=0.5,
        since=SINCE,
        predictions=pl.DataFrame(rows, schema=schema),
        outcomes=pl.DataFrame(told, schema={"prediction_id": pl.String, "value": pl.String}, orient="row"),
        costs=Costs.model_validate({"false_positive": "$20"}),
    )
    return replace(made, **changes)


def look(name: str, asked: Mapping[str, str], business: Business) -> Observation:
    (found,) = business_observations({name: Criterion.model_validate(asked)}, business, now=NOW)
    return found


def test_a_reduction_is_told_against_control_of_the_test() -> None:
    sides = served("2.0.0", SINCE, 1_000, 140), served("1.2.3", SINCE, 1_000, 200)
    tested = SideBySide("1.2.3", "2.0.0", SINCE, SINCE + 40 * DAY)
    found = look("churn_rate_reduction", {"target": "30%"}, seen(*sides, tested=tested))
    assert found.value == pytest.approx(30.0)
    assert (found.state, found.unit, found.threshold, found.n) == ("fine", "%", 30.0, 1_000)
    assert "95% interval 14.7% to 42.5%" in found.note
    more = look("churn_rate_reduction", {"target": "40%"}, seen(*sides, tested=tested))
    assert more.state == "breached"


def test_without_a_test_it_is_told_against_the_time_before_and_says_so() -> None:
    before, after = served("1.2.3", SINCE - 35 * DAY, 500, 100), served("2.0.0", SINCE, 500, 70)
    found = look("churn_rate_reduction", {"min": "20%"}, seen(before, after))
    assert found.value == pytest.approx(30.0)
    assert "before the release, not of a control group" in found.note


def test_with_nothing_to_compare_with_it_is_a_gap() -> None:
    found = look("churn_rate_reduction", {"target": "30%"}, seen(served("2.0.0", SINCE, 500, 70)))
    assert (found.value, found.state) == (None, "missing")
    assert "nothing to compare with: no A/B test, and no outcomes of before" in found.note


def test_too_few_are_not_enough() -> None:
    before, after = served("1.2.3", SINCE - 35 * DAY, 500, 100), served("2.0.0", SINCE, 50, 7)
    assert look("churn_rate_reduction", {"target": "30%"}, seen(before, after)).state == "not_enough"


def test_the_cost_of_false_positives_is_that_of_the_criterions_period() -> None:
    # 100 were said to churn, all of whom stayed, in 30 days: 2,000 $, and a month is 30.44 days.
    found = look(
        "false_positive_cost", {"max": "$10K/month"}, seen(served("2.0.0", SINCE, 1_000, 100, flagged=100))
    )
    assert found.value == pytest.approx(2_000 * 30.4375 / 30, rel=0.01)
    assert (found.state, found.unit, found.n, found.alert_on) == ("fine", " $/month", 1_000, "above")
    assert "100 of 1,000 decisions with an outcome" in found.note
    tight = seen(served("2.0.0", SINCE, 1_000, 100, flagged=100))
    assert look("false_positive_cost", {"max": "$1K/month"}, tight).state == "breached"


def test_decisions_without_an_outcome_count_like_the_others() -> None:
    rows, outcomes = served("2.0.0", SINCE, 1_000, 0, flagged=1_000)
    half = seen((rows, outcomes[::2]))
    whole = look("false_positive_cost", {"max": "$100K/month"}, seen((rows, outcomes)))
    assert look("false_positive_cost", {"max": "$100K/month"}, half).value == pytest.approx(whole.value)


def test_who_is_asked_about_twice_a_day_costs_once() -> None:
    rows, outcomes = served("2.0.0", SINCE, 1_000, 0, flagged=1_000)
    again = [{**row, "prediction_id": f"{row['prediction_id']} again"} for row in rows]
    twice = look("false_positive_cost", {"max": "$100K/month"}, seen((rows + again, outcomes)))
    assert twice.value == look("false_positive_cost", {"max": "$100K/month"}, seen((rows, outcomes))).value


def test_a_plain_amount_is_what_it_has_cost_so_far() -> None:
    found = look("false_positive_cost", {"max": "$10K"}, seen(served("2.0.0", SINCE, 1_000, 0, flagged=100)))
    assert (found.value, found.unit) == (pytest.approx(2_000), " $")


@pytest.mark.parametrize(
    ("changes", "days", "words"),
    [
        ({"costs": Costs()}, 30.0, "ml_problem.costs.false_positive"),
        ({}, 0.5, "too short for a month"),
        ({"positive": ""}, 30.0, "no positive class"),
    ],
)
def test_what_keeps_a_cost_from_being_told_is_named(changes: dict[str, Any], days: float, words: str) -> None:
    business = seen(served("2.0.0", SINCE, 500, 50, flagged=50, days=days), **changes)
    found = look("false_positive_cost", {"max": "$10K/month"}, business)
    assert found.value is None
    assert found.state in ("missing", "not_enough")
    assert words in found.note


def test_rates_and_offline_metrics_are_told_of_the_version_in_production() -> None:
    business = seen(served("2.0.0", SINCE, 1_000, 100), served("1.2.3", SINCE - 35 * DAY, 1_000, 900))
    rate = look("conversion_rate", {"min": "5%"}, business)
    assert (rate.value, rate.state, rate.n) == (pytest.approx(10.0), "fine", 1_000)
    assert look("accuracy", {"min": "0.95"}, business).state == "breached"
    assert look("churn_rate", {"target": "5%"}, business).state == "breached"


def test_what_no_outcome_tells_is_a_gap() -> None:
    found = look("revenue", {"target": "3%"}, seen(served("2.0.0", SINCE, 500, 70)))
    assert (found.state, found.note) == ("missing", "no outcome tells revenue")


def test_without_outcomes_nothing_is_told() -> None:
    rows, _ = served("2.0.0", SINCE, 500, 70)
    for name in ("conversion_rate", "accuracy", "false_positive_cost", "churn_rate_reduction"):
        assert (
            look(name, {"max": "$1/month"} if "cost" in name else {"min": "1%"}, seen((rows, []))).value
            is None
        )
