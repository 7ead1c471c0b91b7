from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from rondo.bundle.reference import CalibrationPoint, Reference, describe_categories, describe_numbers
from rondo.contract.monitoring import Monitoring
from rondo.records.monitoring import AcceleratorFigures, Observation
from rondo.records.prediction import RequestFigures
from rondo.stages.monitoring import Evidence, Served, alerts_after, current, observe
from rondo.stages.monitoring.system import REFUSED_OUTCOMES
from rondo.stages.monitoring.windows import Window, window_of, within

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WATCHED = Monitoring.model_validate(
    {
        "model_metrics": {
            "accuracy": {"threshold": 0.85, "alert_on": "below"},
            "latency_p99": {"threshold": 100, "alert_on": "above", "unit": "ms"},
            "error_rate": {"threshold": 0.01, "alert_on": "above"},
        },
        "drift_metrics": {"psi": {"threshold": 0.1, "alert_on": "above"}},
        "system_metrics": {
            "cpu_usage": {"threshold": 80, "alert_on": "above", "unit": "%"},
            "gpu_utilization": {"threshold": 90, "alert_on": "above", "unit": "%"},
        },
        "window": "30d",
        "min_samples": 50,
    }
)
WITH_KS = WATCHED.model_copy(
    update={
        "drift_metrics": Monitoring.model_validate(
            {"drift_metrics": {"ks_statistic": {"threshold": 0.1, "alert_on": "above"}}}
        ).drift_metrics
    }
)
TRAINED = np.random.default_rng(0).normal(size=2000)
SERVED = Served(
    "1.0.0",
    ("spend",),
    ("plan",),
    "1",
    0.5,
    Reference(
        2000,
        10,
        {"spend": describe_numbers(TRAINED, 10)},
        {"plan": describe_categories(["a", "b"] * 1000)},
        describe_numbers(np.full(2000, 0.9), 10),
    ),
    categories={"plan": frozenset("ab")},
)
NO_OUTCOMES = pl.DataFrame(schema={"prediction_id": pl.String, "value": pl.String})


def predictions(
    rows: int, *, shift: float = 0.0, score: float = 0.9, version: str = "1.0.0", days_ago: int = 1
) -> pl.DataFrame:
    spend = np.random.default_rng(1).normal(shift, 1, rows)
    return pl.DataFrame(
        {
            "prediction_id": [f"{version}-{days_ago}-{i}" for i in range(rows)],
            "event_time": [NOW - timedelta(days=days_ago, seconds=i) for i in range(rows)],
            "version": version,
            "score": score,
            "shadow": False,
            "numerical": [[float(x)] for x in spend],
            "categorical": [["a" if i % 2 else "b"] for i in range(rows)],
        }
    )


def outcomes(of: pl.DataFrame, right: float) -> pl.DataFrame:
    n = of.height
    return pl.DataFrame(
        {"prediction_id": of["prediction_id"], "value": ["1" if i < right * n else "0" for i in range(n)]}
    )


def look(evidence: Evidence, watched: Monitoring = WATCHED, served: Served = SERVED) -> list[Observation]:
    return list(current(observe(watched, served, evidence, now=NOW)))


def seen(
    evidence: Evidence,
    metric: str,
    feature: str | None = None,
    *,
    watched: Monitoring = WATCHED,
    served: Served = SERVED,
) -> Observation:
    found = look(evidence, watched, served)
    return next(o for o in found if (o.metric, o.feature) == (metric, feature))


def test_accuracy_comes_from_outcomes_of_the_newest_window() -> None:
    old, new = predictions(100, days_ago=60), predictions(100)
    both = pl.concat([old, new])
    known = pl.concat([outcomes(old, 1.0), outcomes(new, 0.7)])
    figure = seen(Evidence(both, known, ()), "accuracy")
    assert (figure.state, figure.value, figure.n) == ("breached", 0.7, 100)


def test_without_outcomes_accuracy_is_missing_and_never_fine() -> None:
    assert seen(Evidence(predictions(100), NO_OUTCOMES, ()), "accuracy").state == "missing"


def test_too_few_rows_are_not_enough() -> None:
    assert seen(Evidence(predictions(20, shift=3), NO_OUTCOMES, ()), "psi", "spend").state == "not_enough"


def test_drift_is_told_per_feature() -> None:
    evidence = Evidence(predictions(500, shift=1.0), NO_OUTCOMES, ())
    assert seen(evidence, "psi", "spend").state == "breached"
    assert seen(evidence, "psi", "plan").state == "fine"


def test_features_that_follow_the_calendar_are_not_compared() -> None:
    evidence = Evidence(predictions(500, shift=1.0), NO_OUTCOMES, ())
    served = replace(SERVED, calendar=frozenset({"spend"}))
    compared = {o.feature for o in observe(WATCHED, served, evidence, now=NOW) if o.metric == "psi"}
    assert compared == {"plan", "prediction"}


def test_other_versions_do_not_count() -> None:
    assert (
        seen(Evidence(predictions(500, version="2.0.0"), NO_OUTCOMES, ()), "psi", "spend").state == "missing"
    )


def test_system_figures_come_from_requests() -> None:
    figures = [RequestFigures(NOW, 1.0, 100, 3, 0, (5.0,) * 99 + (250.0,), 0.5, 0.2, 10)]
    evidence = Evidence(predictions(100), NO_OUTCOMES, figures)
    assert seen(evidence, "error_rate").state == "breached"
    assert seen(evidence, "cpu_usage").value == 50.0
    assert seen(evidence, "latency_p99").state == "fine"
    assert seen(Evidence(predictions(100), NO_OUTCOMES, ()), "error_rate").state == "missing"


def test_a_flood_of_corrections_alarms_until_it_is_over() -> None:
    """F10: what servers refused opens an alert that nobody had to ask for, and it ends with the flood."""
    quiet = RequestFigures(NOW, 1.0, 100, 0, 0, (5.0,), 0.5, 0.2, 10)
    found = observe(
        WATCHED,
        SERVED,
        Evidence(predictions(100), NO_OUTCOMES, (quiet, replace(quiet, refused_outcomes=40))),
        now=NOW,
    )
    [flood] = [one for one in found if one.metric == REFUSED_OUTCOMES]
    assert (flood.state, flood.value) == ("breached", 40.0)
    assert "serving.max_corrections" in flood.note
    opened = alerts_after(WATCHED, (), current(found), now=NOW).opened
    [alert] = [one for one in opened if one.key == REFUSED_OUTCOMES]
    calm = observe(WATCHED, SERVED, Evidence(predictions(100), NO_OUTCOMES, (quiet,)), now=NOW)
    assert not [one for one in calm if one.metric == REFUSED_OUTCOMES]
    over = alerts_after(WATCHED, (alert,), current(calm), now=NOW).recovered
    assert [one.key for one in over] == [REFUSED_OUTCOMES]


def test_a_figure_that_nothing_reads_is_not_available_and_not_zero() -> None:
    gpu = seen(Evidence(predictions(100), NO_OUTCOMES, ()), "gpu_utilization")
    assert (gpu.state, gpu.value) == ("not_available", None)


def test_gpus_are_told_one_by_one_and_judged_together() -> None:
    two = (AcceleratorFigures("a", 0.99, 0.5), AcceleratorFigures("b", 0.91, 0.5))
    gpu = seen(Evidence(predictions(100), NO_OUTCOMES, (), two), "gpu_utilization")
    assert (gpu.state, gpu.value, gpu.n) == ("breached", 95.0, 2)
    assert "a 99%, b 91%" in gpu.note


def test_the_prediction_drifts_like_a_feature() -> None:
    rows = predictions(500)
    rows = rows.with_columns(score=rows["numerical"].list.first() / 10 + 0.5)
    judged = replace(SERVED.reference, score=describe_numbers(TRAINED / 10 + 0.2, 10))
    served, evidence = replace(SERVED, reference=judged), Evidence(rows, NO_OUTCOMES, ())
    assert seen(evidence, "psi", "prediction", served=served).state == "breached"
    assert seen(evidence, "psi", "spend", served=served).state == "fine"


def test_missing_and_unseen_rates_are_told_with_their_chance_level_though_nobody_asked() -> None:
    rows = predictions(200).with_columns(
        numerical=pl.when(pl.int_range(200) < 50).then([None]).otherwise("numerical"),
        categorical=pl.when(pl.int_range(200) < 40)
        .then(pl.concat_list(pl.lit("new")))
        .otherwise("categorical"),
    )
    evidence = Evidence(rows, NO_OUTCOMES, ())
    missing, unseen = seen(evidence, "missing_rate", "spend"), seen(evidence, "unseen_rate", "plan")
    assert (missing.state, missing.value, missing.n, missing.chance) == ("told", 0.25, 200, 0.0)
    assert (unseen.state, unseen.value) == ("told", 0.2)
    assert missing.beyond is not None
    assert missing.value > missing.beyond


def test_rates_alarm_in_the_unit_of_their_threshold() -> None:
    rows = predictions(200).with_columns(
        numerical=pl.when(pl.int_range(200) < 50).then([None]).otherwise("numerical")
    )
    limit = {"missing_rate": {"threshold": 10, "alert_on": "above", "unit": "%"}}
    watched = Monitoring.model_validate({**WATCHED.model_dump(by_alias=True), "drift_metrics": limit})
    missing = seen(Evidence(rows, NO_OUTCOMES, ()), "missing_rate", "spend", watched=watched)
    assert (missing.state, missing.value, missing.unit) == ("breached", 25.0, "%")


def test_before_outcomes_come_the_accuracy_is_estimated_and_says_so() -> None:
    points = (CalibrationPoint(0.1, 0.0, 100), CalibrationPoint(0.9, 0.7, 100))
    served = replace(SERVED, reference=replace(SERVED.reference, calibration=points))
    evidence = Evidence(predictions(100), NO_OUTCOMES, ())
    estimate = seen(evidence, "estimated_accuracy", served=served)
    assert (estimate.state, estimate.value) == ("estimate", pytest.approx(0.7))
    assert "not a measurement" in estimate.note
    assert seen(evidence, "accuracy", served=served).state == "missing"
    both = observe(WATCHED, served, evidence, now=NOW)
    assert alerts_after(WATCHED, (), both, now=NOW).changed == ()


def test_coverage_and_watermark_are_told() -> None:
    asked = predictions(100)
    told = outcomes(asked, 1.0).head(60).with_columns(at=pl.lit(NOW))
    accuracy = seen(Evidence(asked, told, ()), "accuracy")
    assert (accuracy.n, accuracy.of, accuracy.watermark) == (60, 100, NOW)
    assert "60 of 100 predictions have an outcome" in accuracy.note


def test_of_several_classes_what_needs_probabilities_says_so() -> None:
    asked = predictions(90).with_columns(label=pl.Series(["a", "b", "c"] * 30))
    told = pl.DataFrame({"prediction_id": asked["prediction_id"], "value": ["a", "b", "a"] * 30})
    served = replace(SERVED, positive="", classes=("a", "b", "c"))
    limits = {name: {"threshold": 0.9, "alert_on": "below"} for name in ("accuracy", "auc_roc")}
    watched = WATCHED.model_copy(update={"model_metrics": Monitoring(model_metrics=limits).model_metrics})
    evidence = Evidence(asked, told, ())
    assert seen(evidence, "accuracy", watched=watched, served=served).value == pytest.approx(2 / 3)
    assert seen(evidence, "auc_roc", watched=watched, served=served).state == "not_a_number"


def test_while_a_window_fills_the_one_before_it_speaks() -> None:
    rows = pl.concat([predictions(100, days_ago=31), predictions(5, days_ago=1)])
    speaking = seen(Evidence(rows, NO_OUTCOMES, ()), "psi", "spend")
    assert (speaking.state, speaking.n) == ("fine", 100)


def test_servers_that_fell_silent_are_missing() -> None:
    long_ago = RequestFigures(NOW - timedelta(days=40), 1.0, 100, 3, 0, (5.0,), 0.5, 0.2, 10)
    figure = seen(Evidence(predictions(100), NO_OUTCOMES, [long_ago]), "error_rate")
    assert figure.state == "missing"
    assert "no server has answered since" in figure.note


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), 7.0])
def test_one_bad_column_never_sinks_the_others(bad: float | None) -> None:
    rows = predictions(200).with_columns(
        numerical=pl.concat_list(pl.lit(bad, pl.Float64), pl.col("numerical").list.first())
    )
    judged = SERVED.reference
    served = replace(
        SERVED,
        numerical=("broken", "spend"),
        reference=replace(judged, numerical={**judged.numerical, "broken": judged.numerical["spend"]}),
    )
    evidence = Evidence(rows, NO_OUTCOMES, ())
    assert seen(evidence, "psi", "spend", served=served).state == "fine"
    assert seen(evidence, "psi", "broken", served=served).state == "breached"
    ks = next(
        o for o in observe(WITH_KS, served, evidence, now=NOW) if o.feature == "broken" and "ks" in o.metric
    )
    assert ks.state == ("breached" if bad == 7.0 else "not_a_number")
    assert ks.note


def test_rows_that_are_too_short_and_features_that_the_reference_lacks_are_told() -> None:
    served = replace(SERVED, numerical=("spend", "new"), categorical=("plan", "shape"))
    evidence = Evidence(predictions(200), NO_OUTCOMES, ())
    assert seen(evidence, "psi", "spend", served=served).state == "fine"
    assert seen(evidence, "psi", "new", served=served).state == "not_enough"
    assert "nothing to compare" in seen(evidence, "psi", "shape", served=served).note


def test_one_row_and_one_class_are_not_enough_and_no_crash() -> None:
    one = predictions(1)
    assert {o.state for o in look(Evidence(one, outcomes(one, 1.0), ())) if o.feature} == {"not_enough"}
    rows = predictions(100)
    limits = {"auc_roc": {"threshold": 0.5, "alert_on": "below"}}
    watched = WATCHED.model_copy(update={"model_metrics": Monitoring(model_metrics=limits).model_metrics})
    assert seen(Evidence(rows, outcomes(rows, 1.0), ()), "auc_roc", watched=watched).state == "not_a_number"


def test_nothing_logged_at_all_gives_every_figure_its_reason() -> None:
    empty = predictions(1).clear()
    found = look(Evidence(empty, NO_OUTCOMES, ()))
    assert {o.state for o in found} == {"missing", "not_available"}
    assert all(o.note and o.value is None for o in found)


def test_features_are_read_for_the_windows_in_which_something_came() -> None:
    whole = pl.concat([predictions(100, days_ago=day) for day in (75, 45, 15)])
    read: list[Window] = []

    def features(window: Window) -> pl.DataFrame:
        read.append(window)
        return within(whole, window)

    watched = WATCHED.model_copy(update={"reference": "previous_window"})
    light = Evidence(whole.drop("numerical", "categorical"), NO_OUTCOMES, (), features=features)
    first = observe(watched, SERVED, light, now=NOW)
    assert first == observe(watched, SERVED, Evidence(whole, NO_OUTCOMES, ()), now=NOW)
    assert any(one.value for one in first if one.feature == "spend")

    read.clear()
    known = {one.identity: one for one in first}
    observe(watched, SERVED, light, now=NOW, known=known)
    assert read == []

    whole = pl.concat([whole, predictions(10, days_ago=14)])
    more = replace(light, predictions=whole.drop("numerical", "categorical"))
    observe(watched, SERVED, more, now=NOW, known=known)
    newest = window_of(NOW - timedelta(days=15), watched.window)
    assert set(read) == {newest, newest.moved(-watched.window)}
