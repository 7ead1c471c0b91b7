"""A project in the middle of a canary, with everything that a page can show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rondo.adapters.memory import MemoryModelRegistry
from rondo.assembly import Assembly, open_project
from rondo.dashboard import showing
from rondo.lifecycle import rollouts
from rondo.lifecycle.heartbeat import note_look
from rondo.records.access import OPEN_TO_ALL
from rondo.records.monitoring import Alert, Decision, Observation
from rondo.records.rollout import Evidence, Rollout
from rondo.stages import deployment
from rondo.testing.deployment import Clock, means, registered

FILE = """\
project: tiny
business_objective: Keep customers <script>alert(1)</script>
ml_problem: {type: binary_classification, target: is_churned, baseline: 0.6}
success_criteria:
  offline_metrics: {auc_roc: {min: 0.8}}
  online_metrics: {churn_rate_reduction: {target: 30%}}
data: {sources: {customers: {files: customers.csv}}}
deployment: {strategy: canary, canary: {steps: [5%, 50%, 100%], hold: 1min, min_requests: 100}}
serving: {dashboard_port: 0}
"""
NOW = datetime.now(UTC)


def observed(metric: str, value: float | None, hours_ago: int, feature: str | None = None) -> Observation:
    at = NOW - timedelta(hours=hours_ago)
    return Observation(
        metric, value, 500, "missing" if value is None else "breached" if value > 0.2 else "fine",
        at - timedelta(hours=1), at, at, version="1.0.0", feature=feature, threshold=0.2, alert_on="above",
        chance=0.01,
    )  # fmt: skip


def in_a_canary(tmp_path: Path) -> Assembly:
    """Version 1.0.0 serves, 1.1.0 has 5% of the keys; drift is rising, an alert fires, a retrain was decided."""
    (tmp_path / "rondo.yaml").write_text(FILE)
    made = open_project(tmp_path)
    registry = MemoryModelRegistry()
    made.__dict__["registry"] = registry  # the dashboard needs no MLflow to be tested
    for version in ("1.0.0", "1.1.0"):
        registered(tmp_path, made.state, registry, version)
    clock = Clock(NOW)
    hands = means(tmp_path, made.state, registry, clock=clock)
    deployment.promote("1.0.0", hands, by="ann", reason="first")
    rollouts.begin(made, "1.1.0", by="ann", reason="new tickets feature", means=hands)

    def fine(_: object, rollout: Rollout, now: datetime) -> Evidence:
        return Evidence("ship", ("nothing speaks against it",), now, requests=40,
                        figures={"error_rate": {"control": 0.001, "candidate": 0.002}})  # fmt: skip

    rollouts.tick(made, gather=fine, means=hands)  # out of the pre-flight, into the canary
    rollouts.tick(made, gather=fine, means=hands)
    drift = [observed("psi", value, 5 - at, "age") for at, value in enumerate((0.02, 0.05, None, 0.3))]
    made.state.add_observations([*drift, observed("accuracy", 0.1, 2)])
    firing = Alert("psi/age", "psi", "critical", "psi of age is 0.3, above 0.2", NOW, NOW, 0.3, 0.2,
                   feature="age", fired_at=NOW)  # fmt: skip
    over = replace(
        firing, key="error_rate", message="errors", opened_at=NOW - timedelta(days=1), recovered_at=NOW
    )
    made.state.put_alerts([firing, over])
    made.state.add_decision(Decision(True, ("data_drift",), ("largest PSI (age) is 0.3: fires",), NOW))
    note_look(made, at=NOW)
    made.layout.reports.mkdir(exist_ok=True)
    (made.layout.reports / "evaluation.html").write_text("<!doctype html><title>e</title><p>evaluation")
    (made.layout.root / "secret.html").write_text("not a report")
    return made


@pytest.fixture
def project(tmp_path: Path) -> Assembly:
    return in_a_canary(tmp_path)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard that tests look at and change nothing of."""
    with showing(in_a_canary(tmp_path_factory.mktemp("shown")), port=0, tokens=OPEN_TO_ALL) as url:
        yield url


@pytest.fixture
def address(project: Assembly) -> Iterator[str]:
    with showing(project, port=0, tokens=OPEN_TO_ALL) as url:
        yield url
