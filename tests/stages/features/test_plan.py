"""From definitions to the plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rondo.bundle.plan import FeaturePlan, HistoryFeature, PlanInput
from rondo.contract import Project
from rondo.errors import ContractError
from rondo.records.dataset import Column
from rondo.stages.features.plan import compile_plan

COLUMNS = tuple(
    Column(name, kind)
    for name, kind in {
        "who": "int", "at": "datetime", "amount": "float", "price": "float", "count": "int", "country": "string",
        "vip": "bool", "signup": "date", "y": "int", "_data_version": "string", "_processed_at": "datetime",
    }.items()
)  # fmt: skip
Compile = Callable[..., FeaturePlan]


@pytest.fixture
def compiled(make_project: Callable[..., Project], tmp_path: Path) -> Compile:
    def compile_(definitions: dict[str, Any] | None = None, **features: Any) -> FeaturePlan:
        ml_problem = features.pop("ml_problem", {})
        section = {"definitions": definitions or {}, **features}
        return compile_plan(make_project(section, ml_problem=ml_problem), COLUMNS, tmp_path)

    return compile_


def problems(raised: pytest.ExceptionInfo[ContractError]) -> list[str]:
    return [str(problem) for problem in raised.value.problems]


def test_without_definitions_every_usable_column_is_a_feature(compiled: Compile) -> None:
    plan = compiled()
    assert plan.numerical == ("amount", "price", "count", "vip")
    assert plan.categorical == ("country",)
    assert PlanInput("count", "int") in plan.inputs
    assert plan.entity_type == "int"
    assert plan.views == {"who_features": ("amount", "price", "count", "country", "vip")}


def test_features_stand_after_what_they_are_made_from(compiled: Compile) -> None:
    plan = compiled(
        {
            "log_rate": {"expr": "ln(1 + rate)"},
            "rate": {"ratio": ["spent", "count"], "zero": -1},
            "spent": {"rolling": "sum", "of": "amount", "window": "30d"},
        }
    )
    assert [each.name for each in plan.stateless] == ["rate", "log_rate"]
    assert plan.history == (HistoryFeature("spent", "sum", "amount", 30 * 86_400.0, None, 0.0),)
    assert plan.inputs == (PlanInput("count", "int"),)
    assert plan.numerical == ("log_rate", "rate", "spent")


def test_a_circle_is_named(compiled: Compile) -> None:
    with pytest.raises(ContractError, match=r"(a -> b -> a|b -> a -> b)"):
        compiled({"a": {"expr": "b + 1"}, "b": {"ratio": ["a", "count"]}})


def test_all_problems_are_told_at_once_with_the_nearest_name(compiled: Compile) -> None:
    with pytest.raises(ContractError) as raised:
        compiled(
            {
                "one": {"ratio": ["amout", "count"]},
                "two": {"expr": "ln("},
                "three": {"column": "y"},
                "price": {"expr": "amount * 2"},
            },
            categorical={"columns": ["contry"]},
        )
    told = "\n".join(problems(raised))
    assert "features.definitions.one: no column or feature is named 'amout'. Did you mean 'amount'?" in told
    assert "features.definitions.two: 'ln(' is not an expression" in told
    assert "features.definitions.three: it reads the target 'y'" in told
    assert "features.definitions.price: 'price' is a column of the data" in told
    assert "no feature or column is named 'contry'. Did you mean 'country'?" in told


@pytest.mark.parametrize(
    "expression",
    [
        "sum(amount)", "amount - avg(amount)", "rank() over (order by amount)", "row_number() over ()",
        "avg(amount) over (partition by country)", "first_value(amount)", "count(*) + amount", "max(amount) > amount",
        "amount + (case when amount > 0 then median(amount) else 0 end)",
    ],
)  # fmt: skip
def test_expressions_that_look_at_other_rows_are_refused(compiled: Compile, expression: str) -> None:
    with pytest.raises(ContractError, match="looks at other rows"):
        compiled({"a": {"expr": expression}})
    with pytest.raises(ContractError, match="looks at other rows"):
        compiled({"a": {"rolling": "sum", "of": expression, "window": "1d"}})


@pytest.mark.parametrize("expression", ["now()", "current_date", "CURRENT_TIMESTAMP"])
def test_expressions_that_read_a_clock_are_refused(compiled: Compile, expression: str) -> None:
    with pytest.raises(ContractError, match="another value tomorrow"):
        compiled({"a": {"expr": f"date_part('day', {expression})"}})


@pytest.mark.parametrize(
    "expression",
    ["amount * price", "greatest(amount, price, 0)", "case when vip then 1 else 0 end", "coalesce(amount, 0)",
     "date_part('hour', at)", "upper(country) in ('DE', 'FR')", "abs(amount) + sqrt(price)", "1.5"],
)  # fmt: skip
def test_expressions_of_the_row_are_taken(compiled: Compile, expression: str) -> None:
    assert compiled({"a": {"expr": expression}}).numerical == ("a",)


def test_texts_become_categories_and_moments_are_refused(compiled: Compile) -> None:
    assert compiled({"a": {"expr": "upper(country)"}, "b": {"column": "amount"}}).categorical == ("a",)
    with pytest.raises(ContractError, match="not a number"):
        compiled({"a": {"column": "signup"}})


def test_a_row_expression_can_be_aggregated_by_its_name(compiled: Compile) -> None:
    plan = compiled(
        {
            "revenue": {"expr": "price * count"},
            "revenue_30d": {"rolling": "sum", "of": "revenue", "window": "30d"},
        }
    )
    assert plan.history[0].of == "price * count"


def test_what_the_model_does_not_take_is_not_computed(compiled: Compile) -> None:
    plan = compiled(
        {"a": {"expr": "amount + 1"}, "b": {"expr": "a * 2"}, "c": {"column": "price"}},
        numerical={"columns": ["b"]},
    )
    assert plan.numerical == ("b",)
    assert [each.name for each in plan.stateless] == ["a", "b"]
    assert [each.name for each in plan.inputs] == ["amount"]


def test_named_views_stay_as_named_and_the_rest_that_serving_needs_has_its_own(compiled: Compile) -> None:
    plan = compiled(
        {
            "spent": {"rolling": "sum", "of": "amount", "window": "30d"},
            "rate": {"ratio": ["spent", "count"]},
        },
        store={"views": {"user_features": ["spent"], "product_features": ["country"]}, "ttl": "2d"},
    )
    assert plan.views == {
        "user_features": ("spent",), "product_features": ("country",), "who_inputs": ("count",),
    }  # fmt: skip
    assert plan.ttl_s == 2 * 86_400.0
    assert plan.features == ("spent", "rate")


def test_python_functions_are_found_without_being_run(compiled: Compile, tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("raise SystemExit\ndef twice(x):\n    return x['amount'] * 2\n")
    plan = compiled({"a": {"python": "f.py:twice", "inputs": ["amount"]}})
    assert plan.stateless[0].function == "f.py:twice"
    assert set(plan.python_files) == {"f.py"}
    for reference, said in {
        "f.py:twise": "Did you mean 'twice'", "g.py:twice": "no file", "../f.py:x": "outside", "f.py": "not file.py",
    }.items():  # fmt: skip
        with pytest.raises(ContractError, match=said):
            compiled({"a": {"python": reference, "inputs": ["amount"]}})


def test_rolling_needs_an_entity_and_numbers(compiled: Compile) -> None:
    spent = {"rolling": "sum", "of": "amount", "window": "30d"}
    with pytest.raises(ContractError, match=r"needs ml_problem\.entity"):
        compiled({"a": spent}, ml_problem={"entity": None})
    with pytest.raises(ContractError, match="sum needs numbers"):
        compiled({"a": {**spent, "of": "country"}})
    with pytest.raises(ContractError, match="is no condition"):
        compiled({"a": {**spent, "where": "amount + 1"}})
    assert compiled({"a": {**spent, "rolling": "nunique", "of": "country"}}).history[0].default is None


def test_equal_definitions_give_equal_plans(compiled: Compile) -> None:
    definitions = {"a": {"expr": "amount + 1"}}
    assert compiled(definitions).hash == compiled(definitions).hash
    assert compiled(definitions).hash != compiled({"a": {"expr": "amount + 2"}}).hash


def test_what_follows_from_the_event_time_alone_is_calendar(compiled: Compile, tmp_path: Path) -> None:
    (tmp_path / "days.py").write_text("def far(inputs):\n    return inputs['at'].astype('int64')\n")
    plan = compiled(
        {
            "month": {"time": "month"},
            "late": {"expr": "month > 6"},
            "far": {"python": "days.py:far", "inputs": ["at"]},
            "joined": {"time": "month", "of": "signup"},
            "mixed": {"expr": "month * amount"},
        }
    )
    assert plan.calendar == {"month", "late", "far"}
