"""The catalogue of bad project files: each is refused with where, what, rule and mend, all of a file at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rondo.contract import LoadedProject, load_project
from rondo.errors import ContractError, Problem

Load = Callable[[str | bytes], LoadedProject]
Problems = Callable[[str | bytes], list[Problem]]

HEAD = "project: churn\nml_problem: {target: y, baseline: 0.5, event_time: at}\n"
DATA = "data: {sources: {a: {files: a.csv}}}\n"


# text, the problem's place, a part of what is wrong, a part of the mend
FILES = {
    "two documents": (b"a: 1\n--- \nb: 1\n", "rondo.yaml:2", "second document", "---"),
    "merge key": (b"a: &a {b: 1}\nc: {<<: *a}\n", "rondo.yaml:2 c", "<<", "Write the keys out"),
    "number as key": (b"2024: 1\n", "rondo.yaml:1", "the key 2024", '"2024"'),
    "not finite": (b"a: .nan\n", "rondo.yaml:1 a", "finite", "Write a number"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused(problems: Problems, name: str, tmp_path: Path) -> None:
    content, where, what, mend = FILES[name]
    found = problems(content)
    problem = next(problem for problem in found if what in problem.what)
    assert problem.where.startswith(where)
    assert mend in problem.mend
    assert not (tmp_path / "canary").exists()
    assert not Path("canary").exists()


def test_p9_a_byte_order_mark_is_accepted(load: Load) -> None:
    assert load(b"\xef\xbb\xbf" + (HEAD + DATA).encode()).project.project == "churn"


N = "training.candidates[0].search.n"
# lines after HEAD and DATA, the key, a part of what is wrong, a part of rule or mend
VALUES = {
    "unit": ("constraints: {latency: 100 furlongs}", "constraints.latency", "'furlongs'", "Known: ms"),
    "dimension": ("constraints: {latency: 30%}", "constraints.latency", "is a share", "such as 100ms"),
    "choice": ("deployment: {strategy: canari}", "deployment.strategy", "not a choice", "'canary'"),
    "empty section": ("monitoring:", "monitoring", "found nothing", "remove the line"),
    "list for a mapping": ("serving: []", "serving", "a mapping", ""),
    "traffic": (
        "ab_test: {experiment_name: x, variants: {a: {model_version: v1, traffic_percentage: 50}, "
        "b: {model_version: v2, traffic_percentage: 60}}, metrics: {primary: m}, duration_days: 1, "
        "min_sample_size: 1}",
        "ab_test", "sum to 110", "sum to 100",
    ),
    "range": ("training: {candidates: [{search: {n: 'int(9, 1)'}}]}", N, "lower", ""),
    "no range": ("training: {candidates: [{search: {n: many}}]}", N, "'many'", "int(50, 300)"),
    "not a number in a range": (
        "training: {candidates: [{search: {n: 'float(a, b)'}}]}", N, "'a' is not", "",
    ),
    "two kinds": (
        "features: {definitions: {f: {time: hour, expr: x}}}",
        "features.definitions.f", "found time, expr", "exactly one",
    ),
    "window": (
        "features: {definitions: {f: {rolling: sum, of: x}}}",
        "features.definitions.f", "window is missing", "window: 30d",
    ),
    "name of a feature": (
        "features: {definitions: {'a b': {time: hour}}}", "features.definitions.a b", "'a b'", "letter",
    ),
    "device": ("pipeline: {stages: [{name: con, script: x.py}]}", "pipeline.stages[0].name", "device", "another name"),
    "empty text": ('stores: {state: ""}', "stores.state", "empty", "Fill it in"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_a_bad_value_is_refused_at_its_line(problems: Problems, name: str) -> None:
    lines, key, what, more = VALUES[name]
    (problem,) = problems(HEAD + DATA + lines + "\n")
    assert problem.where == f"rondo.yaml:4 {key}"
    assert what in problem.what
    assert more in f"{problem.rule} {problem.mend}"


def test_a_source_is_one_kind(problems: Problems) -> None:
    (problem,) = problems(
        HEAD + "data:\n  sources:\n    a:\n      sql: sqlite://\n      files: a.csv\n      query: q\n"
    )
    assert (problem.where, problem.what) == ("rondo.yaml:5 data.sources.a", "found sql, files")


def test_what_is_missing_is_named_at_its_section(problems: Problems) -> None:
    assert [
        (p.where, p.what)
        for p in problems("ml_problem:\n  type: regression\ndata: {sources: {a: {files: x}}}\n")
    ] == [
        ("rondo.yaml:1", "project (the name of the project) is missing"),
        ("rondo.yaml:1 ml_problem", "target is missing"),
    ]


def test_all_problems_come_at_once_in_the_order_of_the_lines(problems: Problems) -> None:
    text = "project: A\nml_problem:\n  target: 5\n  positive: no\n  tpye: x\ndata:\n  sources: {}\n  sources: {}\n"
    found = problems(text)
    assert [problem.where for problem in found] == [
        "rondo.yaml:1 project",
        "rondo.yaml:3 ml_problem.target",
        "rondo.yaml:4 ml_problem.positive",
        "rondo.yaml:5 ml_problem.tpye",
        "rondo.yaml:8 data.sources",
    ]


def test_field_names_of_python_are_not_keys(problems: Problems) -> None:
    text = HEAD + "data: {sources: {a: {files: x, keys: {}}}, join: [{base: a}, {with_: b, on: c}]}\n"
    assert [problem.where for problem in problems(text)] == [
        "rondo.yaml:3 data.sources.a.keys",
        "rondo.yaml:3 data.join[1]",
        "rondo.yaml:3 data.join[1].with_",
    ]


def test_p17_references_are_looked_up_where_an_environment_is_given(load: Load, tmp_path: Path) -> None:
    text = HEAD + 'data:\n  sources:\n    a:\n      sql: "${WAREHOUSE}"\n      query: q\n'
    assert load(text).project.data.sources["a"].sql == "${WAREHOUSE}"
    for env, state in (({}, "not set"), ({"WAREHOUSE": ""}, "empty")):
        with pytest.raises(ContractError, match=rf"rondo.yaml:6 data.sources.a.sql: .*WAREHOUSE is {state}"):
            load_project(tmp_path, env)
    assert load_project(tmp_path, {"WAREHOUSE": "x"}).project.data.sources["a"].sql == "${WAREHOUSE}"


def test_a_password_is_never_shown(problems: Problems) -> None:
    said = problems(HEAD + "data: {sources: {a: {sql: 'pg://u:hunter2@h/d', format: 'pg://u:hunter2@h'}}}\n")
    assert said
    assert "hunter2" not in str(said)
    broken = problems("a: 'x\nb: pg://u:hunter2@h/d: [\n")
    assert "hunter2" not in str(broken)


def test_a_link_to_a_project_file_keeps_its_name(load: Load, tmp_path: Path) -> None:
    load(HEAD + DATA)
    (tmp_path / "other.yaml").symlink_to(tmp_path / "rondo.yaml")
    assert (
        load_project(tmp_path / "other.yaml").where("ml_problem", "target")
        == "other.yaml:2 ml_problem.target"
    )
