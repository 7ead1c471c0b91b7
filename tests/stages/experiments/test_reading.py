"""What the data allow to say, and what they do not."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from rondo.records.experiment import ExperimentPlan, ExperimentVariant, Guardrail, Reading, Truth
from rondo.stages.experiments.reading import Logged, read
from rondo.stages.experiments.report import experiment_page

from .conftest import START, World, frame, outcome_frame

Plan = Callable[..., ExperimentPlan]
BETTER = {"control": 0.2, "treatment": 0.3}
WORSE = {"control": 0.3, "treatment": 0.2}
SOON, OVER = START + timedelta(days=12), START + timedelta(days=15)


def look(plan: ExperimentPlan, world: World, now: datetime = SOON) -> Reading:
    return read(plan, world.logged(), started_at=START, now=now)


def test_a_better_treatment_ships(plan: Plan) -> None:
    reading = look(plan(), World(positive=BETTER))
    assert reading.judgement == "ship"
    assert reading.reasons[0].startswith("treatment is better. conversion_rate: +")
    assert "error_rate is not worse by more than" in reading.reasons[1]
    assert reading.effects[0].low is not None
    assert reading.effects[0].low > 0


def test_a_worse_treatment_is_rejected(plan: Plan) -> None:
    reading = look(plan(), World(positive=WORSE))
    assert reading.judgement == "reject"
    assert "treatment is worse" in reading.reasons[0]


def test_of_a_metric_of_which_less_is_better_less_ships(plan: Plan) -> None:
    assert look(plan(primary="churn_rate"), World(positive=WORSE)).judgement == "ship"
    assert look(plan(primary="churn_rate"), World(positive=BETTER)).judgement == "reject"


def test_equals_go_on_until_the_time_is_over_and_then_are_held(plan: Plan) -> None:
    assert look(plan(), World()).judgement == "inconclusive"
    held = look(plan(), World(), OVER)
    assert held.judgement == "hold"
    assert "no difference was shown" in held.reasons[0]


def test_nothing_is_decided_before_the_sample_however_clear(plan: Plan) -> None:
    clear = World(positive={"control": 0.05, "treatment": 0.9}, entities=380)
    early = look(plan(), clear)
    assert early.judgement == "inconclusive"
    assert "of at least 200 with a known outcome of each variant" in early.reasons[0]
    late = look(plan(), clear, OVER)
    assert late.judgement == "inconclusive"
    assert late.reasons[0].startswith("the time is over")


def test_what_comes_after_the_duration_is_no_exposure(plan: Plan) -> None:
    reading = look(plan(duration_s=86_400.0), World(positive=BETTER), OVER)
    assert sum(one.exposed for one in reading.variants) == pytest.approx(200, abs=50)
    assert reading.judgement == "inconclusive"


def test_a_sample_ratio_mismatch_stops_every_verdict(plan: Plan) -> None:
    reading = look(plan(), World(positive=BETTER, split=(0.6, 0.4)), OVER)
    assert reading.judgement == "inconclusive"
    assert "sample ratio mismatch" in reading.reasons[0]


def test_outcomes_that_are_missing_on_one_side_stop_every_verdict(plan: Plan) -> None:
    reading = look(plan(), World(positive=BETTER, told={"control": 0.9, "treatment": 0.6}))
    assert reading.judgement == "inconclusive"
    assert "who is missing may differ" in reading.reasons[0]


def test_no_outcome_is_no_verdict(plan: Plan) -> None:
    reading = look(plan(), World(told={"control": 0.0, "treatment": 0.0}), OVER)
    assert (reading.judgement, reading.reasons[0][:24]) == ("inconclusive", "no outcome is known yet:")


def test_nobody_is_no_verdict(plan: Plan) -> None:
    logged = Logged(frame([]), outcome_frame([]))
    reading = read(plan(), logged, started_at=START, now=OVER)
    assert reading.judgement == "inconclusive"
    assert "nobody was exposed" in reading.reasons[0]
    assert "nobody was exposed yet" in experiment_page(reading)


def test_a_guardrail_that_got_worse_rejects_whatever_was_gained(plan: Plan) -> None:
    reading = look(plan(), World(positive=BETTER, errors={"control": 0.001, "treatment": 0.2}))
    assert reading.judgement == "reject"
    assert "error_rate is worse by more than" in reading.reasons[0]


def test_a_guardrail_that_cannot_be_told_holds_back_the_better_one(plan: Plan) -> None:
    tight = plan(guardrails=(Guardrail("error_rate", 0.0005),))
    assert look(tight, World(positive=BETTER)).judgement == "inconclusive"
    held = look(tight, World(positive=BETTER), OVER)
    assert held.judgement == "hold"
    assert "may be worse" in held.reasons[1]


def test_a_guardrail_that_was_not_measured_never_passes(plan: Plan) -> None:
    logged = World(positive=BETTER).logged()
    blind = Logged(logged.predictions, logged.outcomes)
    reading = read(plan(), blind, started_at=START, now=OVER)
    assert reading.judgement == "inconclusive"
    assert "error_rate was not measured" in reading.reasons[1]


@pytest.mark.parametrize(("slow", "state"), [(1.0, "fine"), (1.6, "worse")])
def test_latency_guards_too(plan: Plan, slow: float, state: str) -> None:
    guarded = plan(guardrails=(Guardrail("latency_p95", 0.2, relative=True),))
    world = World(entities=20_000, positive=BETTER, slow={"control": 1.0, "treatment": slow})
    (finding,) = look(guarded, world).guardrails
    assert finding.state == state
    assert finding.margin == pytest.approx(0.2 * (finding.control or math.nan))


def test_without_figures_of_the_servers_the_answers_tell_their_times(plan: Plan) -> None:
    logged = World(entities=4_000).logged()
    guarded = plan(guardrails=(Guardrail("latency_p50", 0.001),))
    reading = read(guarded, Logged(logged.predictions, logged.outcomes), started_at=START, now=SOON)
    assert reading.guardrails[0].state == "fine"
    assert reading.guardrails[0].value == pytest.approx(0.005)


def test_errors_may_decide_as_well(plan: Plan) -> None:
    by_errors = plan(primary="error_rate", guardrails=())
    fewer = World(errors={"control": 0.2, "treatment": 0.05}, told={"control": 0.0, "treatment": 0.0})
    assert look(by_errors, fewer).judgement == "ship"


def test_of_several_treatments_the_best_counts_and_alarms_are_shared_out(plan: Plan) -> None:
    versions = {"1.2.3": 0.2, "2.0.0": 0.2, "3.0.0": 0.35}
    sides = [ExperimentVariant(name, name, 1 / 3) for name in versions]
    several = plan(control=sides[0], treatments=tuple(sides[1:]), guardrails=())
    assert several.alpha == pytest.approx(0.025)
    logged = World(entities=3_000).logged()
    place = pl.int_range(pl.len()) % 3
    predictions = logged.predictions.with_columns(
        version=place.replace_strict(dict(enumerate(versions)), return_dtype=pl.String)
    )
    chance = pl.int_range(pl.len()).hash(seed=3) % 1000 / 1000
    outcomes = predictions.select(
        "prediction_id",
        value=(chance < pl.col("version").replace_strict(versions)).cast(pl.Int8).cast(pl.String),
    )
    reading = read(several, Logged(predictions, outcomes), started_at=START, now=SOON)
    assert reading.judgement == "ship"
    assert reading.reasons[0].startswith("3.0.0 is better")


def test_numbers_are_compared_by_their_mean(plan: Plan) -> None:
    numbers = plan(primary="outcome_mean", truth=Truth(numbers=True), guardrails=())
    logged = World(entities=2_000).logged()
    ours = logged.predictions.filter(pl.col("version") == "2.0.0")["prediction_id"].implode()
    chance = pl.Series(range(logged.outcomes.height)).hash(seed=1) % 1000 / 100
    dearer = logged.outcomes.with_columns(
        value=(chance + pl.when(pl.col("prediction_id").is_in(ours)).then(1.0).otherwise(0.0)).cast(pl.String)
    )
    reading = read(numbers, Logged(logged.predictions, dearer), started_at=START, now=SOON)
    assert reading.judgement == "ship"
    assert reading.effects[0].difference == pytest.approx(1.0, abs=0.4)


def test_what_is_no_number_is_told_and_decides_nothing(plan: Plan) -> None:
    numbers = plan(primary="mae", truth=Truth(numbers=True), guardrails=())
    logged = World().logged()
    broken = logged.outcomes.with_columns(value=pl.lit("NaN"))
    reading = read(numbers, Logged(logged.predictions, broken), started_at=START, now=OVER)
    assert reading.judgement == "inconclusive"
    assert "has no value" in reading.reasons[0]


def test_an_a_a_test_that_is_looked_at_often_hardly_ever_decides(plan: Plan) -> None:
    decided = 0
    for seed in range(40):
        logged = World(seed=seed, entities=1_000, positive={"control": 0.3, "treatment": 0.3}).logged()
        for day in range(2, 12, 2):
            until = START + timedelta(days=day)
            seen = Logged(
                logged.predictions.filter(pl.col("event_time") < until), logged.outcomes, logged.figures
            )
            reading = read(plan(min_sample_size=100), seen, started_at=START, now=until, pictured=False)
            if reading.judgement in ("ship", "reject"):
                decided += 1
                break
    assert decided / 40 <= 0.05


def test_the_last_point_of_the_picture_is_the_effect(plan: Plan) -> None:
    reading = look(plan(), World(positive=BETTER))
    last, effect = reading.sequences["treatment"][-1], reading.effects[0]
    assert (last.difference, last.low, last.high) == (effect.difference, effect.low, effect.high)


@pytest.mark.parametrize(
    "changes", [{}, {"primary": "accuracy"}, {"guardrails": ()}, {"primary": "error_rate"}]
)
def test_the_page_tells_the_verdict_and_loads_nothing(plan: Plan, changes: dict[str, Any]) -> None:
    reading = look(plan(**changes), World(positive=BETTER))
    page = experiment_page(reading)
    assert reading.reasons[0].split(".")[0].replace("'", "&#39;") in page
    assert "Needed sample and expected duration" in page
    assert "http://" not in page
    assert "<script" not in page


def test_how_long_a_test_would_take_is_no_question_once_it_is_decided(plan: Plan) -> None:
    going_on, decided = look(plan(), World()), look(plan(), World(positive=BETTER))
    assert (going_on.judgement, going_on.over) == ("inconclusive", False)
    assert decided.judgement == "ship"
    assert "entities in a day" in experiment_page(going_on)
    assert "entities in a day" not in experiment_page(decided)
