from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from rondo.contract.problem import Criterion
from rondo.records.prediction import RequestFigures
from rondo.stages.monitoring.service_levels import Budget, Level, burn_rate, greatest_sustained_rate, levels

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LISTING = {
    "p99_latency": Criterion.model_validate({"max": "100ms"}),
    "availability": Criterion.model_validate({"min": "99.9%"}),
    "throughput": Criterion.model_validate({"min": "1000 req/s"}),
}


def minutes(
    count: int, *, requests: int = 1000, errors: int = 0, until: datetime = NOW
) -> list[RequestFigures]:
    return [
        RequestFigures(until - place * MINUTE, 60.0, requests, errors, 0, (20.0,) * 10, 0.2, 0.2, 10)
        for place in reversed(range(count))
    ]


def level(name: str, figures: Sequence[RequestFigures]) -> Level:
    return next(one for one in levels(LISTING, figures, needed=100) if one.name == name)


def test_availability_counts_answers_that_are_not_5xx_and_tells_its_budget() -> None:
    figure = level("availability", [*minutes(99), *minutes(1, errors=50)]).figure
    assert figure.value == pytest.approx(1 - 50 / 100_000)
    assert "50% used, 50% left" in figure.note


def test_a_spent_budget_has_nothing_left() -> None:
    assert Budget(10.0, 25).used == 2.5
    assert "0% left" in str(Budget(10.0, 25))
    assert Budget(0.0, 0).used == 0.0


def test_the_burn_rate_is_failures_against_those_allowed() -> None:
    rate, requests = burn_rate(minutes(60, errors=10), 0.999, since=NOW - timedelta(hours=1))
    assert (rate, requests) == (pytest.approx(10.0), 60_000)


@pytest.mark.parametrize(
    ("figures", "state"),
    [
        (minutes(60, errors=20), "breached"),
        (minutes(60, errors=10), "fine"),  # 10 times too fast: below 14.4
        ([*minutes(50, errors=30, until=NOW - 10 * MINUTE), *minutes(10)], "fine"),  # over since 10 minutes
        (minutes(3, requests=5, errors=1), None),  # 15 requests say nothing
    ],
)
def test_fast_burn_alarms_over_the_long_and_the_short_window(
    figures: list[RequestFigures], state: str | None
) -> None:
    assert level("availability_burn_1h", figures).figure.state == state


def test_latency_is_judged_in_seconds() -> None:
    found = level("p99_latency", minutes(3))
    assert found.figure.value == pytest.approx(0.02)
    assert found.watch is not None
    assert found.watch.threshold == pytest.approx(0.1)


def test_a_throughput_that_nobody_asked_for_is_told_and_not_judged() -> None:
    assert level("throughput", minutes(3)).watch is None
    busy = level("throughput", [*minutes(3), *minutes(1, requests=90_000, until=NOW + MINUTE)])
    assert (busy.watch is not None, busy.figure.value) == (True, 1500.0)


def test_rates_of_several_servers_in_a_minute_add_up() -> None:
    assert greatest_sustained_rate([*minutes(2, requests=600), *minutes(1, requests=600)]) == 20.0
    assert greatest_sustained_rate([]) is None


def test_without_requests_nothing_is_claimed_and_nothing_is_forgotten() -> None:
    silent = list(levels(LISTING, [], needed=100))
    assert {one.figure.value for one in silent} == {None}
    assert [one.name for one in silent] == [one.name for one in levels(LISTING, minutes(3), needed=100)]
