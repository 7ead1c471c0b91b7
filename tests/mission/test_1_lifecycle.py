"""1: the stages follow each other, and retraining leads back to the first."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl

from mission import churn as practice
from mission.document import listing
from rondo.assembly import Assembly, open_project
from rondo.lifecycle.order import steps
from rondo.lifecycle.watching import decide, retrain_now

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


def test_retraining_closes_the_loop(churn: Assembly, tmp_path: Path) -> None:
    folder = tmp_path / "churn"
    shutil.copytree(churn.layout.root, folder)
    later = pl.concat(
        [
            practice.table(),
            practice.table(months=1, seed=8).with_columns(pl.col("event_timestamp").dt.offset_by("26mo")),
        ]
    )
    later.write_parquet(folder / "customers.parquet")
    project = open_project(folder, clock=lambda: churn.clock() + timedelta(days=31))

    decision = decide(project)
    went = retrain_now(project, decision)

    assert decision.reasons == ("scheduled_retrain",)
    assert not went.refused, went.release
    assert went.version == "1.0.1"
    production = project.state.production()
    assert production is not None
    assert production.version == "1.0.1"
