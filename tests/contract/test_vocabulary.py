"""The names of metrics, the schema, and what the front door offers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, get_args

import jsonschema
import pytest
import yaml

import rondo.contract
from rondo.contract import Project, json_schema
from rondo.contract.metrics import ALIASES, METRICS, find_metric, metric_names
from rondo.contract.problem import ProblemType
from rondo.records import metrics as computed

COMPUTED = {
    "binary_classification": "binary",
    "multiclass_classification": "multiclass",
    "regression": "regression",
}


@pytest.mark.parametrize("kind", COMPUTED)
def test_each_metric_that_is_accepted_is_computed(kind: Any) -> None:
    for name in metric_names(kind):
        assert computed.is_known(name, COMPUTED[kind]), name  # type: ignore[arg-type]
        metric = find_metric(name)
        assert metric is not None
        assert metric.bigger_is_better == computed.bigger_is_better(name), name


def test_other_names_of_metrics_are_those_of_the_formulas() -> None:
    assert computed.ALIASES == ALIASES
    assert find_metric("roc_auc") is METRICS["auc_roc"]


@pytest.mark.parametrize("name", ["precision_at_recall_80", "recall_at_precision_5", "ndcg@10", "map@5"])
def test_names_with_a_number(name: str) -> None:
    metric = find_metric(name)
    assert metric is not None
    assert metric.needs_score


@pytest.mark.parametrize(
    "name", ["precision_at_recall_0", "precision_at_recall_101", "precision_at_recall_", "ndcg@0", ""]
)
def test_names_with_an_impossible_number(name: str) -> None:
    assert find_metric(name) is None


def test_every_kind_of_problem_has_metrics() -> None:
    assert all(metric_names(kind) for kind in get_args(ProblemType))


def test_the_schema_is_one_and_describes_its_keys() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    source = schema["$defs"]["Source"]["properties"]
    assert source["schema"]["description"] == "Columns that must be there, with their types."
    assert "keys" not in source
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["project", "ml_problem", "data"]


def test_the_schema_takes_what_is_loaded_and_refuses_what_is_not(minimal: str) -> None:
    check = jsonschema.Draft202012Validator(json_schema())
    value = yaml.safe_load(minimal)
    assert list(check.iter_errors(value)) == []
    value["constraints"] = {"latency": "< 100ms", "latncy": 5}
    assert len(list(check.iter_errors(value))) == 1


def test_the_front_door_offers_what_it_lists() -> None:
    assert all(hasattr(rondo.contract, name) for name in rondo.contract.__all__)


def test_defaults_are_values_of_their_fields() -> None:
    text = {"project": "x", "ml_problem": {"target": "y"}, "data": {"sources": {"a": {"files": "x"}}}}
    project = Project.model_validate(text)
    assert Project.model_validate_json(project.model_dump_json(by_alias=True, exclude_none=True)) == project


def test_reading_a_project_file_loads_no_product() -> None:
    script = (
        "import sys, rondo.contract; "
        "print([m for m in ('mlflow', 'dvc', 'feast', 'pandas', 'numpy', 'polars', 'sklearn', 'ruamel', 'apscheduler')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
