"""The catalogue of bad project files: each is refused with where, what, rule and mend, all of a file at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rondo.contract import LoadedProject, load_project
from rondo.errors import ContractError, Problem

Load = Callable[[str | bytes], LoadedProject]
Problems = Callable[[str | bytes], list[Problem]]

HEAD = "project: churn\nml_problem: {target: y, baseline: 0.5, event_time: at}\n"
DATA = "data: {sources: {a: {files: a.csv}}}\n"


def test_p1_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "rondo.yaml", tmp_path / "nowhere"):
        with pytest.raises(ContractError, match=r"there is no project file.*rondo init") as caught:
            load_project(path)
        assert str(tmp_path) in str(caught.value)
        assert caught.value.exit_code == 3


def test_p1_something_else_than_a_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rondo.yaml")
    with pytest.raises(ContractError, match="not a regular file"):
        load_project(tmp_path)
    with pytest.raises(ContractError, match="not a regular file"):
        load_project(Path("/dev/zero"))


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a comment\n", "null\n", "---\n", "{}\n", "[]\n", "text\n"]
)
def test_p2_a_file_that_says_nothing_is_no_contract(problems: Problems, text: str) -> None:
    (problem,) = problems(text)
    assert "no contract" in problem.what
    assert "rondo init" in problem.mend


# text, the problem's place, a part of what is wrong, a part of the mend
FILES = {
    "P3 tab indent": (b"a:\n\tb: 1\n", "rondo.yaml:2:1", "`b: 1`", "spaces"),
    "P3 unclosed": (b"a: [1, 2\nb: 3\n", "rondo.yaml:2:", "not YAML", "brackets"),
    "P3 block mark": (b"a:\n  b: > 1%\n", "rondo.yaml:2:", "> 1%", 'must be quoted: "> 1%"'),
    "P3 alias mark": (b"s: */5 * * * *\n", "rondo.yaml:1:", "not YAML", 'must be quoted: "*/5 * * * *"'),
    "P4 duplicate": (
        b"a: 1\nb: 2\na: 3\n",
        "rondo.yaml:3 a",
        "stands twice, on lines 1 and 3",
        "one of them",
    ),
    "P6 no": (b"country: no\n", "rondo.yaml:1 country", "a bare no", 'Quote it: "no"'),
    "P6 base 60": (b"at: 1:20\n", "rondo.yaml:1 at", "base 60", 'Quote it: "1:20"'),
    "P6 octal": (b"code: 010\n", "rondo.yaml:1 code", "a bare 010", 'Quote it: "010"'),
    "P6 bare date": (b"day: 2024-02-03\n", "rondo.yaml:1 day", "a date for others", 'Quote it: "2024-02-03"'),
    "P7 python": (
        b"a: !!python/object/apply:os.mkdir [canary]\n",
        "rondo.yaml:1 a",
        "!!python/object",
        "Remove",
    ),
    "P7 custom": (b"a: !secret x\n", "rondo.yaml:1 a", "!secret is refused", "Remove the tag"),
    "P8 deep": (b"[" * 10_000, "rondo.yaml:1", "nested more than 64", "deep"),
    "P8 large": (b"# " + b"x" * 50_000_000, "rondo.yaml", "1,000,001 bytes", "files of their own"),
    "P8 recursive": (b"a: &a [*a]\n", "rondo.yaml:1 a[0]", "not there yet", "Define &a"),
    "P9 latin-1": (b"a: 1\nb: caf\xe9\n", "rondo.yaml:2", "byte 11 (0xe9)", "UTF-8"),
    "P9 UTF-16": ("a: 1\n".encode("utf-16"), "rondo.yaml", "UTF-16", "UTF-8"),
    "P9 NUL": (b"a: x\x00y\n", "rondo.yaml:1", "U+0000 at byte 4", "Remove"),
    "P9 after a BOM": (b"\xef\xbb\xbfa: \xff\n", "rondo.yaml:1", "byte 6 (0xff)", "UTF-8"),
    "P20 twins": ("café: 1\ncafe\u0301: 2\n".encode(), "rondo.yaml:2", "look alike", "one of them"),
    "two documents": (b"a: 1\n--- \nb: 1\n", "rondo.yaml:2", "second document", "---"),
    "merge key": (b"a: &a {b: 1}\nc: {<<: *a}\n", "rondo.yaml:2 c", "<<", "Write the keys out"),
    "number as key": (b"2024: 1\n", "rondo.yaml:1", "the key 2024", '"2024"'),
    "not finite": (b"a: .nan\n", "rondo.yaml:1 a", "finite", "Write a number"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused(problems: Problems, name: str, tmp_path: Path) -> None:
    content, where, what, mend = FILES[name]
    start = time.monotonic()
    found = problems(content)
    assert time.monotonic() - start < 1
    problem = next(problem for problem in found if what in problem.what)
    assert problem.where.startswith(where)
    assert mend in problem.mend
    assert not (tmp_path / "canary").exists()
    assert not Path("canary").exists()


def test_p8_aliases_do_not_multiply_without_end(problems: Problems) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (problem,) = problems("\n".join(lines))
    assert "more than 100,000 values" in problem.what


def test_p9_a_byte_order_mark_is_accepted(load: Load) -> None:
    assert load(b"\xef\xbb\xbf" + (HEAD + DATA).encode()).project.project == "churn"


N = "training.candidates[0].search.n"
# lines after HEAD and DATA, the key, a part of what is wrong, a part of rule or mend
VALUES = {
    "P5 typo": ("monitring: {}", "monitring", "not known", "Did you mean 'monitoring'?"),
    "P5 deep typo": (
        "monitoring: {model_metrics: {accuracy: {treshold: 0.8, threshold: 0.8, alert_on: below}}}",
        "monitoring.model_metrics.accuracy.treshold", "'treshold' is not known", "'threshold'",
    ),
    "P6 number for a text": ("business_objective: 1.10", "business_objective", "found 1.10", 'Quote it: "1.10"'),
    "P6 text for a number": ('training: {seed: "5"}', "training.seed", "whole number", "without quotes"),
    "P6 truth for a number": ("training: {seed: true}", "training.seed", "whole number is expected, found true", ""),
    "P12 above 100 %": ("validation: {tolerance: 120%}", "validation.tolerance", "'120%'", "between 0% and 100%"),
    "P12 zero": ("retraining: {max_psi: 0}", "retraining.max_psi", "0 is too small", "above 0"),
    "P12 negative": ("retraining: {cooldown: -1d}", "retraining.cooldown", "negative", "0 or longer"),
    "P12 quoted nan": ('ml_problem: {target: y, baseline: "nan"}', "ml_problem", "stands twice", "one of them"),
    "P12 endless": ("retraining: {cooldown: 9e99 years}", "retraining.cooldown", "longer than any", "years"),
    "P20 slash": ("data2: {}", "data2", "'data2' is not known", "'data'"),
    "P23 no rows": ("validation: {min_slice_rows: 0}", "validation.min_slice_rows", "0 is too small", "1 or more"),
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


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", "a\\0b", "\U0001f600", "x" * 300, "con", "-a", "a.", "a ", "A", "", "nul.txt"],
)
def test_p20_a_project_name_can_name_a_folder(problems: Problems, name: str) -> None:
    (problem,) = problems(f'project: "{name}"\nml_problem: {{target: y}}\n{DATA}')
    assert problem.where.startswith("rondo.yaml:1")


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


def test_p21_a_file_for_a_newer_rondo_says_so_first(problems: Problems) -> None:
    (problem,) = problems('requires_rondo: ">= 99.1"\nproject: churn\nnew_section: {}\n')
    assert problem.where == "rondo.yaml:1 requires_rondo"
    assert "needs Rondo >= 99.1" in problem.what


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
