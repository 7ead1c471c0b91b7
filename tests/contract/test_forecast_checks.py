"""What a forecast asks for has to fit together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rondo.contract import LoadedProject
from rondo.contract.checks import check

FILE = """\
project: demand
ml_problem:
  type: TYPE
  target: sold
  entity: product_id
  event_time: date
  success_metric: METRIC
  SEASON
  label: LABEL
data:
  sources: {orders: {files: orders.csv}}
  snapshots: {every: day}
features: {definitions: {weekday: {time: day_of_week}}}
training: {split: {by: SPLIT}}
"""
SOUND = {
    "TYPE": "forecasting",
    "METRIC": "mase",
    "SEASON": "season: 7d",
    "LABEL": "{sum: quantity, within: 1d}",
    "SPLIT": "time",
}


def errors(load: Callable[[str], LoadedProject], **other: str) -> list[str]:
    text = FILE
    for name, value in {**SOUND, **other}.items():
        text = text.replace(name, value)
    return [str(found.problem) for found in check(load(text)) if found.level == "error"]


def test_a_forecast_with_a_season_needs_no_other_gate(load: Callable[[str], LoadedProject]) -> None:
    assert errors(load) == []


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"SEASON": ""}, "mase without a season"),
        ({"LABEL": "{within: 1d}"}, "the label of a forecasting is 1 or 0"),
        ({"LABEL": "{within: 1d}"}, "a season without a sum to forecast"),
        ({"SPLIT": "random"}, "a forecast that is split by random"),
        ({"SEASON": "season: 0d"}, "a season of no time"),
        (
            {"TYPE": "binary_classification", "METRIC": "auc_roc", "SEASON": ""},
            "the label of a binary_classification is a sum",
        ),
        ({"TYPE": "regression", "METRIC": "rmse"}, "a season without a sum to forecast"),
    ],
)
def test_what_contradicts_itself_is_told(
    load: Callable[[str], LoadedProject], other: dict[str, str], told: str
) -> None:
    assert any(told in found for found in errors(load, **other)), errors(load, **other)
