"""A candidate is tried in a real server of its own; the project's state, log and server.json stay as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from rondo.adapters.feast.rows import EmbeddedOnlineValues, OnlineRow
from rondo.assembly import Assembly, open_project
from rondo.bundle.bundle import load_bundle
from rondo.bundle.plan import FeaturePlan, PlanInput, StatelessFeature
from rondo.errors import NotAvailable
from rondo.lifecycle.evidence import preflight
from rondo.lifecycle.evidence.preflight import PREFLIGHT, gather, golden_requests
from rondo.lifecycle.load_test import Tally, Target, measure
from rondo.records.rollout import Phase, Rollout
from rondo.testing.bundles import tiny_bundle, tiny_plan
from rondo.testing.live_server import add_release

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def a_project(folder: Path, **asked: Any) -> Assembly:
    file = {
        "project": "tiny",
        "ml_problem": {"target": "churned", "entity": "user_id", "event_time": "event_time"},
        "data": {"sources": {"a": {"files": "a.csv"}}},
        # No percentile is asked, which needs a hundred answers: a busy machine may give fewer in this time.
        "constraints": {"throughput": "0.001 req/s", "model_size": "< 500MB"},
        "deployment": {"preflight": {"duration": "300ms", "connections": 2}},
        **asked,
    }
    (folder / "rondo.yaml").write_text(yaml.safe_dump(file))
    return open_project(folder)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Assembly]:
    project = a_project(tmp_path)
    add_release(tmp_path, project.state, "1.0.0")
    yield project
    project.state.close()


def rollout(candidate: str = "1.0.0") -> Rollout:
    phases = (Phase("preflight", {}),)
    return Rollout(1, "blue_green", candidate, None, phases, "running", NOW, "test", "test")


def test_a_version_is_tried_alone_and_the_project_stays_as_it_was(project: Assembly) -> None:
    routes = project.state.routes()
    evidence = gather(project, rollout(), NOW)
    assert evidence.judgement == "ship", evidence.reasons
    load = evidence.figures["load"]
    assert load["requests"] > 0
    assert load["errors"] == 0
    assert load["p99_latency_ms"] > 0.0
    assert "golden rows" in load["asked_by"]
    reports = project.layout.reports
    assert json.loads((reports / "preflight_1.0.0.json").read_text())["evidence"]["judgement"] == "ship"
    assert "<svg" in (reports / "preflight_1.0.0.html").read_text()
    (event,) = project.state.events(kind=PREFLIGHT)
    assert (event.subject, event.details["judgement"]) == ("1.0.0", "ship")
    assert project.state.routes() == routes
    assert not (project.layout.home / "server.json").exists()
    assert not project.layout.predictions.exists()
    assert not project.layout.online.exists()


def test_what_was_measured_is_not_measured_again_until_something_changes(
    project: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []

    def counted(target: Target, bodies: list[bytes], *, seconds: float, connections: int) -> Tally:
        made.append(seconds)
        return measure(target, bodies, seconds=seconds, connections=connections)

    monkeypatch.setattr(preflight, "measure", counted)
    first = gather(project, rollout(), NOW)
    again = gather(project, rollout(), NOW + timedelta(hours=1))
    assert len(made) == 1
    assert (again.judgement, again.figures, again.at) == (
        first.judgement,
        first.figures,
        NOW + timedelta(hours=1),
    )
    assert "nothing changed since" in again.reasons[-1]
    stricter = a_project(project.layout.root, constraints={"latency": "< 1us"})
    refused = gather(stricter, rollout(), NOW)
    assert (refused.judgement, len(made)) == ("reject", 2)
    gather(stricter, replace(rollout(), by="monitor"), NOW)
    assert len(made) == 2  # what goes round by itself does not try until it has luck
    gather(stricter, rollout(), NOW)
    assert len(made) == 3  # a person may: the machine may have been busy
    model = project.layout.releases / "1.0.0" / "model.onnx"
    model.write_bytes(b"nothing")
    broken = gather(stricter, rollout(), NOW)
    assert broken.judgement == "reject"
    assert "model.onnx" in broken.reasons[0]
    stricter.state.close()


def test_a_project_that_serves_by_key_is_asked_by_key(project: Assembly) -> None:
    import polars as pl

    from rondo.records.dataset import Dataset
    from rondo.records.files import write_record

    processed = project.layout.processed
    processed.mkdir(parents=True)
    pl.DataFrame({"user_id": [1, 2, 3, 3, 999]}).write_parquet(processed / "data.parquet")
    write_record(processed / "dataset.json", Dataset("1.0.0", "first", "h", 5, (), "data.parquet", NOW))
    online = EmbeddedOnlineValues(project.layout.online)
    fields = {"spend_30d": 3.0, "plan": "pro", "age": 30.0}
    (view,) = tiny_plan().kept_views
    online.write(view, [OnlineRow(key, fields, NOW) for key in (1, 2, 3)])
    online.close()
    evidence = gather(project, rollout(), NOW)
    assert evidence.judgement == "ship", evidence.reasons
    assert evidence.figures["load"]["asked_by"].startswith("3 different keys (user_id)")


def test_no_duration_is_no_load_test(tmp_path: Path) -> None:
    none = {"preflight": {"duration": "0s"}}
    project = a_project(tmp_path, deployment=none, constraints={"latency": "< 5s"})
    add_release(tmp_path, project.state, "1.0.0")
    evidence = gather(project, rollout(), NOW)
    assert evidence.judgement == "ship"
    assert "load" not in evidence.figures
    assert "Load not tested (deployment.preflight.duration is 0s): latency not measured." in evidence.reasons
    project.state.close()


def test_a_server_that_does_not_start_is_inconclusive_and_tried_again(
    project: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_started(*_: Any, **__: Any) -> Any:
        raise NotAvailable("the server did not get ready")

    with monkeypatch.context() as patch:
        patch.setattr(preflight, "started", not_started)
        evidence = gather(project, rollout(), NOW)
    assert evidence.judgement == "inconclusive"
    assert "did not get ready" in " ".join(evidence.reasons)
    assert gather(project, rollout(), NOW).judgement == "ship"


def test_a_version_that_is_not_registered_is_named(project: Assembly) -> None:
    with pytest.raises(NotAvailable, match=r"9\.9\.9"):
        gather(project, rollout("9.9.9"), NOW)


def test_golden_rows_are_asked_in_the_types_of_the_plan(tmp_path: Path) -> None:
    plan = FeaturePlan(
        entity=None,
        event_time=None,
        inputs=(PlanInput("age", "float"), PlanInput("active", "bool"), PlanInput("plan", "string")),
        history=(),
        stateless=tuple(StatelessFeature(name, "column", (name,)) for name in ("age", "active", "plan")),
        numerical=("age", "active"),
        categorical=("plan",),
        views={},
    )
    for one in golden_requests(tiny_bundle(tmp_path / "bundle", plan=plan)):
        assert {type(one["active"])} <= {bool, type(None)}
        assert set(one) == {"age", "active", "plan"}
    bundle = load_bundle(tiny_bundle(tmp_path / "other", plan=tiny_plan()).folder)
    assert set(golden_requests(bundle)[0]) == {"age", "spend_30d", "plan"}
