"""2.1: every line of the problem definition is read with its unit, and something enforces it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mission import churn as practice
from mission.document import listing
from rondo.assembly import Assembly, open_project
from rondo.contract import load_project
from rondo.errors import DataError
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.status import standing


def test_the_listing_is_a_project_file_as_it_is_printed(tmp_path: Path) -> None:
    printed = listing("2.1").literal("project_definition")
    rest = "project: churn,\n data: {sources: {customers: {files: customers.parquet}}},\n"
    (tmp_path / "rondo.yaml").write_text(printed.replace("{", "{" + rest, 1), encoding="utf-8")

    project = load_project(tmp_path).project

    assert project.business_objective == "고객 이탈률 30% 감소"
    assert (project.ml_problem.type, project.ml_problem.target) == ("binary_classification", "is_churned")
    assert (project.ml_problem.success_metric, project.ml_problem.baseline) == (
        "precision_at_recall_80",
        0.65,
    )
    limits = project.constraints
    assert limits.latency is not None
    assert limits.throughput is not None
    assert limits.model_size is not None
    assert (limits.latency.holds(0.0999), limits.latency.holds(0.1)) == (True, False)
    assert (limits.throughput.holds(1000.0), limits.throughput.holds(999.0)) == (True, False)
    assert (limits.model_size.holds(499e6), limits.model_size.holds(500e6)) == (True, False)
    assert limits.interpretability == "high"
    assert project.data_requirements.historical_period == timedelta(days=730.5)
    assert project.data_requirements.minimum_samples == 100_000
    assert project.data_requirements.features == ("usage_patterns", "demographics", "support_tickets")


def test_every_line_has_an_enforcer_and_a_value(churn: Assembly) -> None:
    lines = {one.name: one for one in standing(churn).criteria}
    for name in ("precision_at_recall_80", "model_size", "interpretability"):
        assert (lines[name].enforcer, lines[name].verdict) == ("gate", "passed"), name
    for name in ("historical_period", "minimum_samples", "features"):
        assert lines[name].verdict == "passed", name
    # The pre-flight of this project tests no load: what was not measured is a gap and not a pass.
    assert lines["throughput"].verdict == "gap"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (practice.table(customers=3_000), "minimum_samples"),
        (practice.table(customers=5_000, months=23), "historical_period"),
    ],
    ids=["too few samples", "too short a period"],
)
def test_data_that_does_not_meet_the_requirements_stops_the_run(
    tmp_path: Path, rows: pl.DataFrame, said: str
) -> None:
    project = open_project(practice.write(tmp_path, practice.project_file(), rows))
    with pytest.raises(DataError, match=said):
        go_round(project, Selection(only=("extract", "data")), by="test")


def test_the_project_says_what_it_is_for(churn: Assembly) -> None:
    verdict = json.loads((churn.layout.validation / "verdict.json").read_text())
    asked = {gate["name"]: gate["asked"] for gate in verdict["gates"]}
    assert asked["precision_at_recall_80"] == "> 0.65"
    assert asked["model_size"] == "< 500MB"
