"""An experiment from its start to its end, whatever that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.lifecycle.side_by_side import Practice

from rondo.errors import Conflict, CorruptArtifact, NotAvailable
from rondo.lifecycle import experimenting
from rondo.lifecycle.business import business
from rondo.lifecycle.evidence import experiment as judge
from rondo.stages.monitoring import Evidence as Logged

PROJECT = """\
project: tiny
business_objective: more customers
ml_problem: {target: churned, entity: user_id, baseline: 0.65, costs: {false_positive: $20}}
success_criteria:
  offline_metrics: {accuracy: {min: 0.8}}
  online_metrics: {conversion_rate: {min: 10%}, churn_rate_reduction: {target: 30%}}
data: {sources: {a: {files: a.csv}}}
ab_test: {
    "experiment_name": "churn_model_v2",
    "variants": {
        "control": {"model_version": "v1.2.3", "traffic_percentage": 50},
        "treatment": {"model_version": "v2.0.0", "traffic_percentage": 50}
    },
    "metrics": {"primary": "conversion_rate", "secondary": ["latency_p99", "error_rate"], "conversion": "yes",
                "margins": {"latency_p99": "50ms", "error_rate": "5%"}},
    "duration_days": 14,
    "min_sample_size": 300
}
"""


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path, PROJECT)


def test_the_power_is_told_before_anybody_is_exposed(practice: Practice) -> None:
    practice.clock.now -= timedelta(days=2)
    practice.serve(2_000, {"1.2.3": 0.2})
    practice.pass_days(2)
    told = experimenting.planned(practice.workshop)
    assert [one.version for one in told.plan.variants] == ["1.2.3", "2.0.0"]
    assert told.power.baseline == pytest.approx(0.2, abs=0.03)
    assert told.power.per_day == pytest.approx(1_000)
    assert told.power.sample is not None
    assert any("a min_sample_size of 300 is less than" in note for note in told.power.notes)
    assert practice.state.rollout() is None


def test_starting_divides_the_traffic_after_the_pre_flight(practice: Practice) -> None:
    begun = practice.start()
    assert (begun.rollout.strategy, begun.rollout.phase.kind) == ("ab_test", "preflight")
    assert dict(practice.state.routes().weights) == {"1.2.3": 1.0}
    assert experimenting.show(practice.workshop).reading is None
    assert practice.tick().phase.kind == "experiment"
    assert dict(practice.state.routes().weights) == {"1.2.3": 0.5, "2.0.0": 0.5}


def test_a_better_treatment_is_promoted_once_it_has_its_sample(practice: Practice) -> None:
    practice.start()
    practice.tick()
    practice.serve(400, {"1.2.3": 0.2, "2.0.0": 0.5})
    practice.pass_days(1)
    early = practice.tick()
    assert early.state == "running"
    assert "of at least 300 with a known outcome" in early.said
    practice.serve(800, {"1.2.3": 0.2, "2.0.0": 0.5})
    practice.pass_days(1)
    ended = practice.tick()
    assert (ended.state, dict(practice.state.routes().weights)) == ("promoted", {"2.0.0": 1.0})
    assert "treatment is better" in ended.said
    page = practice.root / "reports" / "experiment_churn_model_v2.html"
    assert "Ship: the treatment is better" in page.read_text()
    practice.serve(500, {"2.0.0": 0.5})
    shown = experimenting.show(practice.workshop)
    assert shown.reading is not None
    assert (shown.reading.judgement, sum(one.exposed for one in shown.reading.variants)) == ("ship", 1_200)


def test_a_worse_one_is_taken_back(practice: Practice) -> None:
    practice.start()
    practice.tick()
    practice.serve(1_200, {"1.2.3": 0.5, "2.0.0": 0.2})
    practice.pass_days(1)
    ended = practice.tick()
    assert (ended.state, dict(practice.state.routes().weights)) == ("rolled_back", {"1.2.3": 1.0})


def test_equals_are_held_at_the_end_and_production_stays(practice: Practice) -> None:
    practice.start()
    practice.tick()
    practice.serve(1_200, {"1.2.3": 0.3, "2.0.0": 0.3})
    practice.pass_days(13)
    assert practice.tick().state == "running"
    practice.pass_days(1.1)
    ended = practice.tick()
    assert (ended.state, dict(practice.state.routes().weights)) == ("held", {"1.2.3": 1.0})
    assert "no difference was shown" in ended.said


def test_without_outcomes_it_waits_and_then_pauses(practice: Practice) -> None:
    practice.start()
    practice.tick()
    practice.serve(1_200, {"1.2.3": 0.3, "2.0.0": 0.9}, told=False)
    practice.pass_days(14.5)
    assert practice.tick().state == "running"
    practice.pass_days(1)
    paused = practice.tick()
    assert paused.state == "paused"
    assert "no outcome is known yet" in paused.said


def test_stopping_gives_everything_back_to_control_and_keeps_what_was_seen(practice: Practice) -> None:
    practice.start()
    practice.tick()
    practice.serve(400, {"1.2.3": 0.2, "2.0.0": 0.5})
    stopped = experimenting.stop(practice.workshop, by="ann", reason="enough", means=practice.means)
    assert (stopped.rollout.state, dict(practice.state.routes().weights)) == ("aborted", {"1.2.3": 1.0})
    assert stopped.reading is not None
    assert sum(one.exposed for one in stopped.reading.variants) == 400
    with pytest.raises(Conflict, match="has ended"):
        experimenting.stop(practice.workshop, by="ann", reason="again", means=practice.means)


def test_versions_have_to_be_registered(practice: Practice) -> None:
    (practice.root / "rondo.yaml").write_text(PROJECT.replace("v1.2.3", "1.2.4"))
    with pytest.raises(NotAvailable, match=r"no version 1\.2\.4 is registered"):
        practice.start()


def test_there_may_have_been_none(practice: Practice) -> None:
    with pytest.raises(NotAvailable, match="there was no experiment yet"):
        experimenting.show(practice.workshop)


def test_a_change_of_the_project_file_does_not_change_a_running_test(practice: Practice) -> None:
    practice.start()
    practice.tick()
    (practice.root / "rondo.yaml").write_text(
        PROJECT.replace('"min_sample_size": 300', '"min_sample_size": 1')
    )
    assert experimenting.show(practice.workshop).plan.min_sample_size == 300


def test_a_rollout_without_a_plan_says_so(practice: Practice) -> None:
    begun = practice.start().rollout
    with pytest.raises(CorruptArtifact, match="holds no plan"):
        judge.settings(replace(begun, experiment={}))


def test_between_two_looks_the_evidence_of_before_stands(practice: Practice) -> None:
    practice.start()
    running = practice.tick()
    practice.serve(400, {"1.2.3": 0.2, "2.0.0": 0.5})
    practice.pass_days(0.1)
    first = judge.gather(practice.workshop, running, practice.clock())
    looked = replace(running, evidence=first)
    assert judge.gather(practice.workshop, looked, practice.clock() + timedelta(seconds=30)) is first
    assert judge.gather(practice.workshop, looked, practice.clock() + timedelta(seconds=70)) is not first


def test_the_business_is_measured_against_control_of_the_test(practice: Practice) -> None:
    practice.start()
    practice.tick()
    practice.serve(1_200, {"1.2.3": 0.5, "2.0.0": 0.25})
    workshop, release = practice.workshop, practice.state.production()
    assert release is not None
    log = workshop.log
    logged = Logged(log.predictions(), log.outcomes(), ())
    served = cast("Any", SimpleNamespace(positive="yes", classes=("no", "yes"), threshold=0.5))
    found = {one.metric: one for one in business(workshop, release, served, logged, now=practice.clock())}
    reduction = found["churn_rate_reduction"]
    assert reduction.value == pytest.approx(50, abs=8)
    assert (reduction.state, reduction.threshold, reduction.version) == ("fine", 30, "2.0.0")
    assert "of control (1.2.3) in the A/B test" in reduction.note
    assert found["conversion_rate"].value == pytest.approx(50, abs=5)
