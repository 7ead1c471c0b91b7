from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rondo.assembly import Assembly
from rondo.dashboard import view
from rondo.dashboard.material import ANSWERED_WITHIN, read
from rondo.lifecycle import rollouts
from rondo.records.monitoring import Decision


def test_the_round_has_every_box_in_its_order(project: Assembly) -> None:
    boxes = {box.key: box for box in view.round_of(read(project))}
    assert tuple(boxes) == (
        "problem", "data", "features", "training", "validation", "deployment", "monitoring", "retraining"
    )  # fmt: skip
    assert (boxes["data"].tone, boxes["data"].said) == ("none", "stage.never")
    assert (boxes["deployment"].tone, boxes["deployment"].busy) == ("ok", True)
    assert boxes["deployment"].values == {
        "version": "1.1.0", "phase": "phase.canary", "state": "state.running"
    }  # fmt: skip
    assert (boxes["monitoring"].tone, boxes["monitoring"].said) == ("bad", "psi of age is 0.3, above 0.2")
    assert (boxes["retraining"].tone, boxes["retraining"].said) == ("warn", "decision.due")
    assert boxes["retraining"].values == {"reasons": ["reason.data_drift"]}


def test_all_is_in_order_only_when_nothing_is_missed(project: Assembly) -> None:
    material = read(project)
    assert view.summary_of(material).tone == "bad"  # a critical alert
    quiet = replace(material, alerts=())
    assert view.summary_of(quiet).tone == "warn"  # criteria without a verdict are no pass
    met = replace(quiet, criteria=[replace(one, verdict="passed") for one in material.criteria])
    assert view.summary_of(met).tone == "ok"
    unwatched = replace(met, heartbeat=replace(met.heartbeat, late=True))
    assert view.summary_of(unwatched).tone == "bad"
    assert view.summary_of(replace(met, releases=())).tone == "none"


def test_a_phase_in_which_a_rollout_ended_was_not_passed(project: Assembly) -> None:
    rollout = project.state.rollout()
    assert rollout is not None
    assert [how for _, how in view.phases_of(rollout)] == ["done", "here", "ahead", "ahead"]
    gone = replace(rollout, state="rolled_back", ended_at=project.clock())
    assert [how for _, how in view.phases_of(gone)] == ["done", "stopped", "unreached", "unreached"]
    assert {how for _, how in view.phases_of(replace(gone, state="promoted"))} == {"done"}
    assert {how for _, how in view.phases_of(replace(rollout, state="waiting", place=0))} == {"ahead"}


def test_a_version_whose_last_rollout_ended_badly_is_known(project: Assembly) -> None:
    rollout = project.state.rollout()
    assert rollout is not None
    back = replace(rollout, state="rolled_back")
    assert view.ended_badly([rollout]) == {}
    assert view.ended_badly([rollout, back]) == {"1.1.0": back}
    assert view.ended_badly([back, replace(rollout, state="promoted")]) == {}


def test_reports_have_titles_and_those_of_the_project_come_first() -> None:
    names = ["preflight_1.0.0.html", "evaluation.html", "experiment_fewer_vouchers.html", "own.html"]
    assert view.reports_of(names) == (
        ("report.evaluation", "", "evaluation.html"),
        ("", "", "own.html"),
        ("report.experiment", "fewer vouchers", "experiment_fewer_vouchers.html"),
        ("report.preflight", "1.0.0", "preflight_1.0.0.html"),
    )


def test_a_decision_that_is_made_again_and_again_is_told_once() -> None:
    at = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(5)]
    quiet = [Decision(False, (), (f"accuracy is 0.9{hour}",), at[hour]) for hour in range(3)]
    due = [Decision(True, ("data_drift",), (), at[hour]) for hour in (3, 4)]
    told = view.decided([*quiet, *due])
    assert [(one.newest.decided_at, one.times, one.since) for one in told] == [
        (at[4], 1, at[4]), (at[3], 1, at[3]), (at[2], 3, at[0])
    ]  # fmt: skip


def test_a_stage_that_began_and_never_ended_is_not_shown_as_running(project: Assembly) -> None:
    project.state.append("stage.started", "training", by="x", reason="", details={}, at=project.clock())
    material = read(project)
    at_work = next(
        box for box in view.round_of(replace(material, round_under_way=True)) if box.key == "training"
    )
    died = next(box for box in view.round_of(material) if box.key == "training")
    assert (at_work.said, at_work.busy) == ("stage.running", True)
    assert (died.said, died.tone) == ("stage.ended_early", "bad")


def test_shares_are_those_of_the_routes_production_first(project: Assembly) -> None:
    material = replace(read(project), answered={"1.0.0": 90, "1.1.0": 10})
    shares = view.traffic_of(material)
    assert [(one.version, one.role, one.planned, one.answered_share) for one in shares] == [
        ("1.0.0", "production", 0.95, 0.9),
        ("1.1.0", "candidate", 0.05, 0.1),
    ]
    assert view.traffic_of(replace(material, answered={}))[0].answered_share is None


def test_a_rollout_offers_what_can_be_asked_of_it(project: Assembly) -> None:
    rollout = project.state.rollout()
    assert rollout is not None
    assert view.buttons_of(rollout) == ("pause", "abort")
    assert view.buttons_of(replace(rollout, state="paused")) == ("resume", "abort")
    assert view.buttons_of(replace(rollout, state="waiting")) == ("approve", "abort")
    assert view.buttons_of(replace(rollout, state="promoted")) == ()
    assert view.buttons_of(None) == ()
    assert rollouts.under_way(project.state) == rollout


def test_what_serves_now_is_counted_by_the_clock_on_the_wall(project: Assembly) -> None:
    """The time of a story is far behind: by it every request ever answered would be of the last minutes."""
    asked: list[datetime] = []

    class Log:
        def figures(self, *, since: datetime) -> tuple[()]:
            asked.append(since)
            return ()

    project.__dict__["log"] = Log()
    project.__dict__["clock"] = lambda: datetime(2025, 1, 1, tzinfo=UTC)
    material = read(project)
    assert asked == [material.read_at - ANSWERED_WITHIN]
    assert datetime.now(UTC) - material.read_at < timedelta(minutes=1)
