"""6.2: the listing, as printed, is an experiment that divides the traffic, counts, and decides at its sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.lifecycle.side_by_side import Practice

from mission.churn import project_file
from mission.document import listing
from rondo.contract import load_project
from rondo.contract.checks import check
from rondo.lifecycle import experimenting

STAYING = {"1.2.3": 0.80, "2.0.0": 0.84}
LEAVING = {version: 1 - staying for version, staying in STAYING.items()}


def config() -> dict[str, Any]:
    found: dict[str, Any] = listing("6.2").values()["ab_test_config"]
    return found


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path, json.dumps(project_file(ab_test=config())))  # JSON is YAML as well


def test_the_file_with_it_is_accepted(practice: Practice) -> None:
    about = [
        one
        for one in check(load_project(practice.root))
        if "ab_test" in one.problem.where and one.level == "error"
    ]
    assert about == []


def test_what_it_takes_is_told_before_it_begins(practice: Practice) -> None:
    practice.clock.wait(-86_400.0)
    practice.serve(1_000, LEAVING)
    practice.clock.wait(86_400.0)
    told = experimenting.planned(practice.workshop)
    assert [(one.name, one.version, one.share) for one in told.plan.variants] == [
        ("control", "1.2.3", 0.5),
        ("treatment", "2.0.0", 0.5),
    ]
    # The project wants fewer customers to leave: who stays is a conversion.
    assert told.plan.truth.conversion == "no"
    assert told.power.baseline == pytest.approx(0.8, abs=0.05)
    assert told.power.days_to_minimum == pytest.approx(20)
    assert any("the test would end without a decision" in note for note in told.power.notes)


def test_it_decides_no_earlier_than_its_sample_and_ships_the_better_version(practice: Practice) -> None:
    practice.start()
    assert practice.tick().phase.kind == "experiment"
    assert dict(practice.state.routes().weights) == {"1.2.3": 0.5, "2.0.0": 0.5}
    practice.serve(19_000, LEAVING)
    practice.pass_days(5)
    early = practice.tick()
    assert early.state == "running"
    assert "of at least 10,000 with a known outcome of each variant" in early.said
    practice.serve(2_500, LEAVING)
    practice.pass_days(5)
    ended = practice.tick()
    assert (ended.state, dict(practice.state.routes().weights)) == ("promoted", {"2.0.0": 1.0})
    reading = experimenting.show(practice.workshop).reading
    assert reading is not None
    assert not reading.balance.mismatch
    assert {one.guardrail.metric: one.state for one in reading.guardrails} == {
        "latency_p99": "fine",
        "error_rate": "fine",
    }
    assert (practice.root / "reports" / "experiment_churn_model_v2.html").is_file()


def test_it_decides_no_later_than_its_duration(practice: Practice) -> None:
    practice.start()
    practice.tick()
    practice.serve(21_000, dict.fromkeys(LEAVING, 0.2))
    practice.pass_days(13.9)
    assert practice.tick().state == "running"
    practice.pass_days(0.2)
    assert practice.tick().state == "held"
    assert dict(practice.state.routes().weights) == {"1.2.3": 1.0}
