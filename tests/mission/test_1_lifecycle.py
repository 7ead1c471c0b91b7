"""1: the stages follow each other, and retraining leads back to the first."""

from __future__ import annotations

from datetime import timedelta

from mission.document import listing
from rondo.assembly import Assembly
from rondo.lifecycle.differing import diff
from rondo.lifecycle.order import steps
from rondo.stages.deployment import served_at

BOXES = {  # the boxes of the drawing -> sections of the project file, or stages of a round
    "문제정의": "ml_problem",
    "데이터": "data",
    "피처": "features",
    "학습": "training",
    "검증": "validation",
    "배포": "deployment",
    "모니터링": "monitoring",
    "재학습": "retraining",
}


def test_every_box_of_the_drawing_is_a_section_of_the_project_file(churn: Assembly) -> None:
    drawing = listing("1").text
    for box, section in BOXES.items():
        assert box in drawing
        assert section in type(churn.project).model_fields


def test_a_round_goes_through_them_in_the_order_of_the_drawing(churn: Assembly) -> None:
    order = [step.name for step in steps(churn.project, churn.loaded.raw)]
    assert order == ["extract", "data", "features", "training", "packaging", "validation"]
    production = churn.state.production()
    assert production is not None
    assert production.version == "1.0.0"


def test_retraining_closes_the_loop(again: Assembly) -> None:
    production = again.state.production()
    assert production is not None
    assert production.version == "1.0.1"
    assert again.state.production_history() == ("1.0.0", "1.0.1")


def test_what_the_second_time_round_changed_is_told(again: Assembly) -> None:
    found = diff(again, "1.0.0", "1.0.1")
    assert found.data is not None
    assert (found.data.rows_added, found.data.rows_removed, found.data.rows_changed) == (4_000, 0, 0)
    made = {(one.about, one.name): (one.before, one.after) for one in found.made}
    assert made["data", "version"] == ("1.0.0", "1.0.1")
    assert ("estimator", "class") not in made
    assert found.said is not None
    assert found.said.rows == 50_000
    assert found.said.agreement > 0.95


def test_the_log_tells_who_served_when_and_is_whole(again: Assembly) -> None:
    events = again.state.events()
    switches = [event.at for event in events if event.kind == "model.promoted"]
    assert served_at(events, switches[0] - timedelta(seconds=1)) == {}
    assert served_at(events, switches[0]) == {"1.0.0": 1.0}
    assert served_at(events, switches[1]) == {"1.0.1": 1.0}
    assert again.state.verify_events() == len(events)
