"""The first answer of an entity counts; who belongs to nobody is left out and counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from rondo.records.experiment import ExperimentPlan
from rondo.stages.experiments.exposure import arrivals_per_day, days_of, expose

from .conftest import START, frame, outcome_frame, row

Plan = Callable[..., ExperimentPlan]
HOUR = timedelta(hours=1)


def test_an_entity_counts_once_by_its_first_answer(plan: Plan) -> None:
    rows = [row(f"p{n}", START + n * HOUR, "1.2.3", "ann", score=n / 10) for n in (2, 1, 3)]
    exposed = expose(plan(), frame(rows), outcome_frame([]), start=START)
    assert exposed.counts(plan()) == {"control": 1, "treatment": 0}
    assert exposed.entities["exposed_at"].to_list() == [START + HOUR]


def test_its_first_answer_with_an_outcome_tells_it(plan: Plan) -> None:
    rows = [row(f"p{n}", START + n * HOUR, "1.2.3", "ann", score=n / 10) for n in (1, 2, 3)]
    exposed = expose(plan(), frame(rows), outcome_frame([("p2", "1"), ("p3", "0")]), start=START)
    assert exposed.labelled.select("score", "outcome").rows() == [(0.2, "1")]


def test_an_entity_of_two_variants_is_left_out(plan: Plan) -> None:
    rows = [
        row("a", START, "1.2.3", "ann"),
        row("b", START + HOUR, "2.0.0", "ann"),
        row("c", START, "2.0.0", "bob"),
    ]
    exposed = expose(plan(), frame(rows), outcome_frame([("a", "1")]), start=START)
    assert (exposed.crossed, exposed.counts(plan())) == (1, {"control": 0, "treatment": 1})


def test_neither_shadows_nor_others_nor_the_time_before_count(plan: Plan) -> None:
    rows = [
        row("a", START, "2.0.0", "ann", shadow=True),
        row("b", START, "0.9.0", "bob"),
        row("c", START - timedelta(microseconds=1), "1.2.3", "cid"),
        row("d", START + 2 * HOUR, "1.2.3", "dan"),
        row("e", START, "1.2.3", None),
        row("f", START, "1.2.3", "eve"),
    ]
    exposed = expose(plan(), frame(rows), outcome_frame([]), start=START, end=START + HOUR)
    assert exposed.entities["entity"].to_list() == ["eve"]
    assert exposed.nameless == 1


def test_when_it_was_answered_counts_and_not_what_it_is_about(plan: Plan) -> None:
    about_last_week = {**row("a", START + HOUR, "1.2.3", "ann"), "event_time": START - timedelta(days=7)}
    exposed = expose(plan(), frame([about_last_week]), outcome_frame([]), start=START)
    assert exposed.entities["exposed_at"].to_list() == [START + HOUR]


def test_what_was_answered_by_the_routes_of_before_is_no_exposure(plan: Plan) -> None:
    second = timedelta(seconds=1)
    rows = [row(f"before {n}", START + n * second / 50, "1.2.3", f"user {n}") for n in range(40)]
    rows += [row("a", START + second, "2.0.0", "user 1"), row("b", START + 2 * second, "1.2.3", "user 2")]
    exposed = expose(plan(), frame(rows), outcome_frame([]), start=START)
    assert (exposed.crossed, exposed.counts(plan())) == (0, {"control": 1, "treatment": 1})


def test_a_treatment_that_answers_late_hides_nothing(plan: Plan) -> None:
    rows = [row(f"p{n}", START + n * HOUR / 50, "1.2.3", f"user {n}") for n in range(40)]
    rows.append(row("late", START + HOUR, "2.0.0", "ann"))
    exposed = expose(plan(), frame(rows), outcome_frame([]), start=START)
    assert exposed.counts(plan()) == {"control": 40, "treatment": 1}


def test_days_without_anybody_are_told(plan: Plan) -> None:
    rows = [row("a", START, "1.2.3", "ann"), row("b", START + 50 * HOUR, "2.0.0", "bob")]
    days = days_of(expose(plan(), frame(rows), outcome_frame([]), start=START), plan())
    assert [(day.day - START).days for day in days] == [0, 1, 2]
    assert [dict(day.counts) for day in days] == [
        {"control": 1, "treatment": 0},
        {"control": 0, "treatment": 0},
        {"control": 0, "treatment": 1},
    ]


def test_who_comes_back_arrives_once(plan: Plan) -> None:
    rows = [row(f"p{n}", START + n * 24 * HOUR, "1.2.3", f"user {n % 2}") for n in range(5)]
    late = START + 4 * 24 * HOUR
    assert arrivals_per_day(frame(rows), until=late, within=timedelta(days=30)) == pytest.approx(0.5)
    assert arrivals_per_day(frame([]), until=late, within=timedelta(days=30)) is None


def test_an_empty_log_is_nobody(plan: Plan) -> None:
    exposed = expose(plan(), frame([]), outcome_frame([]), start=START)
    assert (exposed.entities.height, exposed.crossed, days_of(exposed, plan())) == (0, 0, ())
