"""From the project file to the plan: versions, control, conversions and margins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondo.contract import Project, load_project
from rondo.errors import Conflict, ContractError, NotAvailable, RondoError, UsageError
from rondo.records.experiment import ExperimentPlan, Guardrail
from rondo.stages.experiments.planning import plan_of

HEAD = """\
project: churn
ml_problem: {target: is_churned, entity: user_id, baseline: 0.65}
data: {sources: {a: {files: a.csv}}}
"""
LISTING = """\
ab_test: {
    "experiment_name": "churn_model_v2",
    "variants": {
        "control": {"model_version": "v1.2.3", "traffic_percentage": 50},
        "treatment": {"model_version": "v2.0.0", "traffic_percentage": 50}
    },
    "metrics": {"primary": "conversion_rate", "secondary": ["latency_p99", "error_rate"]},
    "duration_days": 14,
    "min_sample_size": 10000
}
"""
REGISTERED = ("1.2.3", "2.0.0")


def project(folder: Path, text: str) -> Project:
    (folder / "rondo.yaml").write_text(text)
    return load_project(folder).project


def planned(folder: Path, text: str = HEAD + LISTING, production: str | None = "1.2.3") -> ExperimentPlan:
    return plan_of(
        project(folder, text), classes=("0", "1"), positive="1", registered=REGISTERED, production=production
    )


def test_v_before_a_version_is_no_part_of_it(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert [(one.name, one.version, one.share) for one in plan.variants] == [
        ("control", "1.2.3", 0.5),
        ("treatment", "2.0.0", 0.5),
    ]
    assert (plan.min_sample_size, plan.duration_s / 86_400, plan.primary) == (10_000, 14, "conversion_rate")


def test_control_is_the_version_in_production_whatever_its_name(tmp_path: Path) -> None:
    assert planned(tmp_path, production="2.0.0").control.version == "2.0.0"


@pytest.mark.parametrize(
    ("text", "production", "kind", "words"),
    [
        (HEAD, "1.2.3", NotAvailable, "describes no experiment"),
        (HEAD + LISTING.replace("v2.0.0", "v2.1.0"), "1.2.3", NotAvailable, "no version v2.1.0"),
        (HEAD + LISTING, "1.0.0", Conflict, "in production is 1.0.0"),
        (HEAD + LISTING, None, Conflict, "in production is nothing"),
        (HEAD + LISTING.replace("v2.0.0", "v1.2.3"), "1.2.3", Conflict, "both variants are the version 1.2.3"),
        (HEAD + LISTING.replace("conversion_rate", "revenue"), "1.2.3", ContractError, "cannot compare 'revenue'"),
        (
            HEAD + LISTING.replace("50},", "0},").replace("50}\n", "100}\n"),
            "1.2.3", UsageError, "gets 100% of the traffic",
        ),
        (
            HEAD + LISTING.replace("50}\n", "25}, other: {model_version: 2.0.0, traffic_percentage: 25}\n"),
            "1.2.3", UsageError, "3 variants cannot be tested at once",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_is_refused_in_words(
    tmp_path: Path, text: str, production: str | None, kind: type[RondoError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        planned(tmp_path, text, production)


@pytest.mark.parametrize(
    ("more", "conversion"),
    [
        ("", "1"),
        ("success_criteria: {online_metrics: {churn_rate_reduction: {target: 30%}}}\n", "0"),
        ("success_criteria: {online_metrics: {revenue: {target: 3%}}}\n", "1"),
    ],
)
def test_who_wants_fewer_churners_counts_those_who_stay_as_conversions(
    tmp_path: Path, more: str, conversion: str
) -> None:
    assert planned(tmp_path, HEAD + more + LISTING).truth.conversion == conversion


def test_a_conversion_may_be_named(tmp_path: Path) -> None:
    named = LISTING.replace('"metrics": {', '"metrics": {"conversion": 0, ')
    assert planned(tmp_path, HEAD + named).truth.conversion == "0"


def test_margins_follow_the_contract_unless_they_are_given(tmp_path: Path) -> None:
    latency, errors = planned(tmp_path).guardrails
    assert (latency, errors) == (Guardrail("latency_p99", 0.1, relative=True), Guardrail("error_rate", 0.005))
    limited = planned(tmp_path, HEAD + "constraints: {latency: < 100ms}\n" + LISTING)
    assert limited.guardrails[0] == Guardrail("latency_p99", pytest.approx(0.01))
    given = LISTING.replace(
        '"metrics": {', '"metrics": {"margins": {"latency_p99": "20ms", "error_rate": "1%"}, '
    )
    assert [one.margin for one in planned(tmp_path, HEAD + given).guardrails] == [0.02, 0.01]
