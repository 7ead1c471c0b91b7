"""Exercise 1: the pipeline of an e-commerce recommender, every stage of it in one file.

That it goes round, serves and beats what is popular is shown in tests/cli/test_recommender.py on a practice shop and
in tests/real/test_recommender.py on a real one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rondo.cli.project import init
from rondo.contract import LoadedProject, check, load_project
from rondo.lifecycle.order import steps


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> LoadedProject:
    folder: Path = tmp_path_factory.mktemp("recommender")
    init(folder, "recommender")
    return load_project(folder)


def test_the_template_is_sound(recommender: LoadedProject) -> None:
    assert [str(one.problem) for one in check(recommender) if one.level == "error"] == []


def test_it_defines_every_stage_from_collection_to_monitoring(recommender: LoadedProject) -> None:
    project = recommender.project
    assert project.ml_problem.type == "ranking"
    assert project.data.sources
    assert project.data.validate_.min_rows > 1
    per = {definition.per for definition in project.features.definitions.values()}
    assert {"entity", "item", "pair"} <= per
    assert project.success_criteria.offline_metrics["ndcg@20"].min is not None
    assert project.validation.slices  # cold start is judged one by one
    assert project.monitoring.model_metrics
    assert project.monitoring.drift_metrics
    names = [step.name for step in steps(project, recommender.raw)]
    assert names == ["extract", "data", "features", "training", "packaging", "validation"]
