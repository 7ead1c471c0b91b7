from __future__ import annotations

from typing import Any

import pytest

from rondo.contract import Project
from rondo.errors import ContractError
from rondo.lifecycle.order import BUILT_IN_NAMES, claimed_outputs, downstream, steps

RAW: dict[str, Any] = {
    "project": "churn",
    "ml_problem": {"target": "y", "baseline": 0.6},
    "data": {"sources": {"a": {"files": "lake/date=*/x.parquet"}}, "join": [{"base": "a"}]},
    "training": {"seed": 1},
}
# As the mission prints it.
LISTING = {
    "name": "churn-prediction-training",
    "schedule": "0 2 * * *",
    "stages": [
        {
            "name": "data_validation",
            "script": "src/validate_data.py",
            "inputs": ["data/raw/"],
            "outputs": ["reports/data_validation.html"],
        },
        {
            "name": "feature_engineering",
            "script": "src/feature_engineering.py",
            "inputs": ["data/raw/"],
            "outputs": ["data/features/"],
        },
        {
            "name": "train",
            "script": "src/train.py",
            "inputs": ["data/features/"],
            "params": ["config/train_config.yaml"],
            "outputs": ["models/"],
        },
        {
            "name": "evaluate",
            "script": "src/evaluate.py",
            "inputs": ["models/", "data/features/test.parquet"],
            "outputs": ["reports/evaluation.html"],
        },
    ],
}


def ordered(**changes: Any) -> tuple[Any, ...]:
    raw = {**RAW, **changes}
    return steps(Project.model_validate(raw), raw)


def test_built_in_stages_follow_each_other() -> None:
    assert tuple(step.name for step in ordered()) == BUILT_IN_NAMES


def test_a_stage_depends_only_on_keys_that_the_file_has() -> None:
    by_name = {step.name: step.declaration for step in ordered()}
    assert by_name["training"].params == {"rondo.yaml": ("training",)}
    assert by_name["validation"].params == {"rondo.yaml": ("ml_problem.baseline",)}
    assert by_name["extract"].deps == ("lake",)


def test_the_listings_scripts_join_the_built_in_stages_in_the_order_of_their_files() -> None:
    names = [step.name for step in ordered(pipeline=LISTING)]
    assert set(names) == {*BUILT_IN_NAMES, "data_validation", "feature_engineering", "train", "evaluate"}
    for before, after in (
        ("extract", "data_validation"),
        ("extract", "feature_engineering"),
        ("feature_engineering", "train"),
        ("train", "evaluate"),
    ):
        assert names.index(before) < names.index(after)
    project = Project.model_validate({**RAW, "pipeline": LISTING})
    assert "reports/evaluation.html" in claimed_outputs(project)


def test_scripts_can_be_the_whole_pipeline() -> None:
    names = [step.name for step in ordered(pipeline={**LISTING, "builtin": False})]
    assert names == ["data_validation", "feature_engineering", "train", "evaluate"]


def test_downstream_is_everything_that_reads_it_directly_or_not() -> None:
    assert downstream(ordered(), "training") == {"training", "packaging", "validation"}


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([{"name": "training", "script": "a.py"}], "named 'training'"),
        ([{"name": "a", "script": "a.py", "outputs": ["build/bundle"]}], "both write"),
        (
            [
                {"name": "a", "script": "a.py", "inputs": ["x"], "outputs": ["y"]},
                {"name": "b", "script": "b.py", "inputs": ["y"], "outputs": ["x"]},
            ],
            "wait for each other",
        ),
    ],
)
def test_what_cannot_be_ordered_is_refused(stages: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        ordered(pipeline={"stages": stages})


@pytest.mark.parametrize("files", ["data/raw/a.parquet", "data/raw/*.csv", "data/*/x.csv"])
def test_a_source_is_not_read_from_where_it_is_extracted_to(files: str) -> None:
    with pytest.raises(ContractError, match="what is extracted is written there"):
        ordered(data={"sources": {"a": {"files": files}}})


def test_raw_files_of_a_person_may_lie_beside_the_extracts() -> None:
    extract = ordered(data={"sources": {"a": {"files": "data/raw/dataset.csv"}}})[0]
    assert extract.declaration.deps == ("data/raw/dataset.csv",)
    assert extract.declaration.outs == ("data/raw/a.parquet", "data/raw/extracts.json")
