"""Before traffic everything that is asked holds, or the version gets none; what was not measured is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rondo.contract import Project
from rondo.records.rollout import Evidence
from rondo.stages.deployment.preflight import Load, Looked, histogram, judge, page

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LOAD = Load(
    2.0, 8, 2, "golden rows", 1000, 0, tuple(1.0 + place / 100 for place in range(1000))
)  # 1 to 11 ms
LOOKED = Looked("1.0.0", "a" * 64, golden_rows=8, largest_difference=1e-7, size_bytes=2_000_000, load=LOAD)
ALL: dict[str, Any] = {
    "constraints": {"latency": "< 100ms", "throughput": "100 req/s", "model_size": "< 500MB"},
    "success_criteria": {
        "system_metrics": {
            "p99_latency": {"max": "100ms"},
            "latency_p50": {"max": "50ms"},
            "availability": {"min": "99.9%"},
            "throughput": {"min": "100 req/s"},
            "gpu_utilization": {"min": 0.1},
        }
    },
}


def project(**asked: Any) -> Project:
    least = {
        "project": "tiny",
        "ml_problem": {"target": "churned"},
        "data": {"sources": {"a": {"files": "a.csv"}}},
    }
    return Project.model_validate({**least, **asked})


def judged(looked: Looked, **asked: Any) -> Evidence:
    return judge(project(**asked), looked, now=NOW)


def status(evidence: Evidence) -> dict[str, str]:
    return {check["name"]: check["status"] for check in evidence.figures["checks"]}


def test_what_holds_everything_may_get_traffic() -> None:
    evidence = judged(LOOKED, **ALL)
    assert evidence.judgement == "ship"
    found = status(evidence)
    assert set(found.values()) == {"passed"}
    assert {"bundle", "golden_rows", "errors", "constraints.latency", "constraints.throughput"} < set(found)
    assert {"system_metrics.latency_p50", "system_metrics.availability"} < set(found)
    assert "system_metrics.gpu_utilization" not in found  # nothing here measures it
    assert evidence.figures["load"]["p99_latency_ms"] == pytest.approx(10.89)
    assert evidence.figures["load"]["throughput"] == 500.0


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"constraints": {"latency": "< 10ms"}}, "constraints.latency"),
        ({"constraints": {"throughput": "1000 req/s"}}, "constraints.throughput"),
        ({"constraints": {"model_size": "< 1MB"}}, "constraints.model_size"),
        (
            {"success_criteria": {"system_metrics": {"p95_latency": {"max": "9ms"}}}},
            "system_metrics.p95_latency",
        ),
    ],
)
def test_a_limit_that_is_missed_is_a_reject_with_its_figures(asked: Any, name: str) -> None:
    evidence = judged(LOOKED, **asked)
    assert (evidence.judgement, status(evidence)[name]) == ("reject", "failed")
    said = next(reason for reason in evidence.reasons if name in reason)
    if "model_size" not in name:
        assert "8 connections" in said
        assert "2 cores" in said


def test_a_failed_request_of_a_server_alone_is_a_reject() -> None:
    load = replace(LOAD, errors=3, requests=1003, error_examples=("503 model_output_invalid",))
    evidence = judged(replace(LOOKED, load=load))
    assert evidence.judgement == "reject"
    assert "3 of 1,003 requests" in evidence.reasons[0]
    assert "model_output_invalid" in evidence.reasons[0]


def test_a_bundle_that_is_not_as_it_was_written_is_a_reject_whatever_else_is_known() -> None:
    evidence = judged(Looked("1.0.0", "a", broken="model.onnx: its 3 bytes are not the 9"), **ALL)
    assert evidence.judgement == "reject"
    assert "model.onnx" in evidence.reasons[0]


@pytest.mark.parametrize(
    "load",
    [
        None,
        replace(LOAD, requests=0, latency_ms=()),
        replace(LOAD, requests=20, latency_ms=(5.0,) * 20),
    ],
)
def test_without_figures_or_with_few_nothing_is_said(load: Load | None) -> None:
    looked = replace(LOOKED, load=load, why_no_load="" if load else "the server did not get ready")
    evidence = judged(looked, constraints={"latency": "< 100ms"})
    assert evidence.judgement == "inconclusive"
    assert status(evidence)["constraints.latency"] in ("missing", "inconclusive")
    assert judged(replace(looked, load=None, why_no_load="it broke")).judgement == "inconclusive"


def test_few_answers_that_are_all_far_too_slow_are_enough() -> None:
    slow = replace(LOAD, requests=10, latency_ms=(900.0,) * 10)
    assert judged(replace(LOOKED, load=slow), constraints={"latency": "< 100ms"}).judgement == "reject"


def test_without_a_load_test_what_it_would_tell_is_not_measured_and_never_passed() -> None:
    looked = replace(LOOKED, load=None, wanted=False, why_no_load="deployment.preflight.duration is 0s")
    evidence = judged(looked, **ALL)
    assert evidence.judgement == "ship"
    found = status(evidence)
    assert found["constraints.latency"] == found["constraints.throughput"] == "missing"
    assert found["system_metrics.availability"] == "missing"
    assert (found["golden_rows"], found["constraints.model_size"]) == ("passed", "passed")
    assert evidence.reasons == (
        "Load not tested (deployment.preflight.duration is 0s): "
        "latency, throughput, p99_latency, latency_p50, availability not measured.",
        "3 of 9 checks passed.",
    )
    assert judged(looked, constraints={"model_size": "< 1MB"}).judgement == "reject"


def test_a_version_without_golden_rows_is_not_let_through() -> None:
    looked = replace(LOOKED, largest_difference=None, wanted=False, load=None)
    assert judged(looked).judgement == "inconclusive"


def test_the_histogram_counts_every_answer_once() -> None:
    counts, edges = histogram(replace(LOAD, latency_ms=(*LOAD.latency_ms, 5000.0)))
    assert (sum(counts), len(edges)) == (1001, len(counts) + 1)
    assert edges[-1] < 12.0


def test_the_page_shows_what_was_asked_and_found() -> None:
    for looked in (LOOKED, replace(LOOKED, load=None, wanted=False, why_no_load="duration is 0s")):
        text = page("tiny", looked, judged(looked, **ALL))
        assert "constraints.throughput" in text
        assert ("not measured" in text) == (looked.load is None)
        assert ("<svg" in text) == (looked.load is not None)
