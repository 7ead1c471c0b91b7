"""What becomes of an accepted bundle, in every mode and with every strategy, and what a person may do about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rondo.adapters.memory import MemoryModelRegistry, MemoryStateStore
from rondo.contract.deployment import Canary, Deployment
from rondo.errors import Conflict, GateSaidNo, UsageError
from rondo.lifecycle import releasing, rollouts
from rondo.lifecycle.advancing import means_of
from rondo.lifecycle.workshop import Workshop
from rondo.ports.progress import Silent
from rondo.records.layout import Layout
from rondo.records.release import ServerReport
from rondo.records.rollout import Evidence, Rollout
from rondo.records.verdict import Judgement
from rondo.stages.deployment import NothingBefore
from rondo.testing.bundles import tiny_bundle
from rondo.testing.deployment import Clock, registered, verdict


class Project:
    """A project with real bundles, a clock that passes when somebody waits, and a judge that says what it is told."""

    def __init__(self, root: Path, **section: Any) -> None:
        self.root, self.clock = root, Clock()
        self.store, self.registry = MemoryStateStore(), MemoryModelRegistry()
        self.says: dict[str, Judgement] = {}
        self.workshop = cast(
            "Workshop",
            SimpleNamespace(
                state=self.store,
                registry=self.registry,
                clock=self.clock,
                wall_clock=self.clock,
                progress=Silent(),
                layout=Layout(root),
                project=SimpleNamespace(project="tiny", deployment=Deployment(**section)),
            ),
        )

    def judge(self, _: Any, rollout: Rollout, now: datetime) -> Evidence:
        """Ship, unless the phase was told otherwise."""
        judgement = self.says.get(rollout.phase.kind, "ship")
        return Evidence(judgement, (f"says {judgement}",), now, rollout.phase_since, now, requests=5000)

    def accepted(self, version: str) -> releasing.Released:
        """What becomes of a freshly built version that passed its gates."""
        slope = 0.01 * (1 + sum(map(int, version.split("."))))
        made = tiny_bundle(self.workshop.layout.bundle, version, slope=slope)
        passed = verdict(made.bundle_id, version)
        return releasing.register_and_release(self.workshop, passed, by="rondo run", gather=self.judge)

    def deploy(self, version: str, **told: Any) -> releasing.Released:
        told = {"by": "ann", "reason": "", "wait": self.clock.wait, "gather": self.judge, **told}
        return releasing.deploy(self.workshop, version, **told)

    def tick(self, seconds: float = 700) -> Rollout:
        """A look after that time."""
        self.clock.wait(seconds)
        found = rollouts.tick(self.workshop, gather=self.judge)
        assert found is not None
        return found

    @property
    def production(self) -> str | None:
        found = self.store.production()
        return found.version if found else None

    @property
    def weights(self) -> dict[str, float]:
        return dict(self.store.routes().weights)


def test_a_first_release_and_a_blue_green_one_are_done_when_the_command_ends(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    assert "brought 1.0.0 into production" in project.accepted("1.0.0").words
    blue_green = Project(tmp_path / "other")
    for version in ("1.0.0", "1.1.0"):
        assert f"brought {version} into production" in blue_green.accepted(version).words
    assert blue_green.store.production_history() == ("1.0.0", "1.1.0")
    assert blue_green.registry.roles("tiny")["production"] == blue_green.store.releases()[1].registry_version


def test_a_canary_begins_and_goes_on_beside_the_server(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    project.accepted("1.0.0")
    words = project.accepted("1.1.0").words
    assert "in canary (2 of 5)" in words
    assert "`rondo up` carries on" in words
    assert project.weights == {"1.0.0": 0.95, "1.1.0": 0.05}
    assert [project.tick().phase.kind for _ in range(3)] == ["canary", "canary", "promote"]
    assert project.production == "1.1.0"
    assert project.weights == {"1.1.0": 1.0}


def test_a_rejected_preflight_releases_nothing_and_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.says["preflight"] = "reject"
    released = project.accepted("1.0.0")
    assert (released.refused, project.production) == (True, None)
    assert "says reject" in released.words


def test_a_preflight_that_could_not_be_judged_does_not_keep_the_command(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.says["preflight"] = "inconclusive"
    released = project.accepted("1.0.0")
    assert (released.refused, project.production) == (False, None)
    assert "says inconclusive" in released.words


def test_suggest_begins_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, mode="suggest")
    assert "`rondo deploy 1.0.0`" in project.accepted("1.0.0").words
    assert project.store.rollout() is None


def test_approve_waits_for_a_person_and_a_newer_version_takes_the_place_of_what_waits(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, mode="approve")
    assert "waits for a person's approval" in project.accepted("1.0.0").words
    project.accepted("1.1.0")
    assert [(one.candidate, one.state) for one in project.store.rollouts()] == [
        ("1.0.0", "aborted"),
        ("1.1.0", "waiting"),
    ]
    assert rollouts.tick(project.workshop, gather=project.judge) == project.store.rollout()
    with pytest.raises(UsageError, match="a name and a reason"):
        rollouts.approve(project.workshop, by="ann", reason="")
    rollouts.approve(project.workshop, by="ann", reason="read the report")
    assert project.tick(1).state == "promoted"
    assert project.store.events(kind="rollout.approved")[0].by == "ann"


def test_one_that_is_under_way_is_not_disturbed_by_a_newer_version(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    project.accepted("1.0.0")
    project.accepted("1.1.0")
    assert "rollout 2 of 1.1.0 is under way" in project.accepted("1.2.0").words
    with pytest.raises(Conflict, match="under way"):
        project.deploy("1.2.0")
    assert project.weights == {"1.0.0": 0.95, "1.1.0": 0.05}


def test_a_person_deploys_with_another_strategy_and_may_wait_for_the_end(tmp_path: Path) -> None:
    project = Project(tmp_path, canary=Canary(steps=(0.5, 1.0), hold=timedelta(minutes=1)))
    project.accepted("1.0.0")
    registered(tmp_path, project.store, project.registry, "1.1.0")
    released = project.deploy("1.1.0", strategy="canary", until_the_end=True)
    assert "brought 1.1.0 into production" in released.words
    with pytest.raises(Conflict, match="in production already"):
        project.deploy("1.1.0")
    registered(tmp_path, project.store, project.registry, "1.2.0", "reject")
    with pytest.raises(GateSaidNo):
        project.deploy("1.2.0")


def test_a_deployment_by_hand_approves_what_waits(tmp_path: Path) -> None:
    project = Project(tmp_path, mode="approve")
    project.accepted("1.0.0")
    assert "into production" in project.deploy("1.0.0").words
    found = project.store.rollout()
    assert found is not None
    assert (found.approved_by, found.approval_reason) == ("ann", "deployed by hand")


def test_promoting_by_hand_ends_what_is_under_way(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    for version in ("1.0.0", "1.1.0"):
        project.accepted(version)
    registered(tmp_path, project.store, project.registry, "1.2.0")
    releasing.promote(project.workshop, "1.2.0", by="ann", reason="now")
    found = project.store.rollout()
    assert found is not None
    assert (found.state, found.said) == ("aborted", "overruled by ann: now")
    assert (project.production, project.weights) == ("1.2.0", {"1.2.0": 1.0})


def test_promoting_what_is_only_watched_accepts_it(tmp_path: Path) -> None:
    project = Project(tmp_path, rollback_on={"error_rate": "> 1%"}, rollback_window="1h", max_rollbacks=3)
    project.accepted("1.0.0")
    assert "in watch" in project.accepted("1.1.0").words
    assert "brought 1.1.0" in releasing.promote(project.workshop, "1.1.0", by="ann", reason="")


def test_rolling_back_aborts_first_and_what_is_watched_goes_one_back(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    for version in ("1.0.0", "1.1.0"):
        project.accepted(version)
    with pytest.raises(NothingBefore):
        releasing.rollback(project.workshop, by="ann", reason="")
    assert project.weights == {"1.0.0": 1.0}
    watched = Project(tmp_path / "w", rollback_on={"error_rate": "> 1%"}, rollback_window="1h")
    for version in ("1.0.0", "1.1.0"):
        watched.accepted(version)
    releasing.rollback(watched.workshop, by="ann", reason="")
    found = watched.store.rollout()
    assert found is not None
    assert (watched.production, found.state) == ("1.0.0", "rolled_back")


def test_after_three_rollbacks_in_a_row_only_a_person_releases(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    project.accepted("1.0.0")
    project.says["canary"] = "reject"
    for minor in (1, 2, 3):
        project.accepted(f"1.{minor}.0")
        state = project.tick(1).state
    assert state == "frozen"
    assert [alert.severity for alert in project.store.alerts(open_only=True)] == ["critical"]
    assert "3 automatic rollbacks in a row" in project.accepted("1.4.0").words
    with pytest.raises(Conflict, match="nothing is released by itself"):
        rollouts.begin(project.workshop, "1.4.0", by="ci", reason="")
    project.deploy("1.4.0")
    assert project.store.alerts(open_only=True) == ()
    assert rollouts.frozen_since(project.workshop) == ""


def test_what_went_into_production_behind_its_back_ends_a_rollout(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    for version in ("1.0.0", "1.1.0"):
        project.accepted(version)
    from rondo.testing.state import promotion

    project.store.switch(promotion(project.store, "1.1.0"), at=project.clock())
    assert project.tick().state == "aborted"
    assert project.weights == {"1.1.0": 1.0}


def test_traffic_moves_only_to_what_servers_hold_ready(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    project.accepted("1.0.0")
    means = means_of(project.workshop)
    at = means.clock()
    cannot = ServerReport("a", 1, "", ("1.0.0",), {"1.1.0": "no such operator"}, 1, at, answered=10**9)
    project.store.report_server(cannot)
    released = project.accepted("1.1.0")
    assert (released.refused, project.weights) == (True, {"1.0.0": 1.0})
    assert "a: no such operator" in released.words
    assert project.store.wanted_warm().version is None


def test_a_provider_that_fails_is_no_evidence(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    for version in ("1.0.0", "1.1.0"):
        project.accepted(version)

    def broken(*_: Any) -> Evidence:
        raise ConnectionError("500")

    project.clock.wait(700)
    found = rollouts.tick(project.workshop, gather=broken)
    assert found is not None
    assert (found.place, found.evidence and found.evidence.judgement) == (1, "inconclusive")
    assert "ConnectionError: 500" in found.said


def test_evidence_that_moves_nothing_is_kept_now_and_then(tmp_path: Path) -> None:
    project = Project(tmp_path, strategy="canary")
    for version in ("1.0.0", "1.1.0"):
        project.accepted(version)
    for _ in range(100):
        project.tick(1)
    assert 2 <= len(project.store.events(kind="rollout.looked")) <= 6
