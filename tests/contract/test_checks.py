"""What sections say about each other: every rule finds its mistake at its line, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rondo.contract import Finding, LoadedProject, check, missing_files, require_sound
from rondo.contract.checks.columns import cycles, words_of
from rondo.errors import ContractError

Load = Callable[[str | bytes], LoadedProject]

HEAD = """\
project: churn
ml_problem: {target: is_churned, entity: user_id, event_time: date, baseline: 0.65}
data: {sources: {a: {files: a.csv}}}
retraining: {max_psi: 0.2}
"""
REGRESSION = HEAD.replace("{target", "{type: regression, success_metric: rmse, target")
EXPERIMENT = (
    "ab_test: {{experiment_name: x, variants: {{a: {{model_version: v1, traffic_percentage: 50}}, "
    "b: {{model_version: v2, traffic_percentage: 50}}}}, metrics: {}, duration_days: 1, min_sample_size: 1}}"
)

# lines after HEAD (or a whole file that begins with project:), level, key, what, rule or mend
CASES = {
    "label without snapshots": (
        HEAD.replace("baseline", "label: {within: 60d}, baseline"),
        "error", "ml_problem.label", "label without data.snapshots", "every: month",
    ),
    "join without base": (
        HEAD.replace("}}}", "}}, join: [{with: a, on: x}]}"), "error", "data.join", "no base", "{base: a}",
    ),
    "join of no source": (
        HEAD.replace("}}}", "}}, join: [{base: a}, {with: ab, on: x}]}"),
        "error", "data.join[1].with", "no source is named 'ab'", "'a'",
    ),
    "freshness without a clock": (
        HEAD.replace("event_time: date, ", "").replace("a.csv}", "a.csv, freshness: 2d}"),
        "error", "data.sources.a.freshness", "no column says when a row came", "Add loaded_at",
    ),
    "a clock without freshness": (
        HEAD.replace("a.csv}", "a.csv, loaded_at: came}"),
        "warning", "data.sources.a.loaded_at", "loaded_at 'came' without a limit", "Add freshness",
    ),
    "two sources without join": (
        HEAD.replace("}}}", "}, b: {files: a.csv}}}"), "error", "data.sources", "2 sources and no join", "join: [",
    ),
    "two candidates of one name": (
        "training: {candidates: [{}, {}]}",
        "error", "training.candidates[1].estimator", "'lightgbm.LGBMClassifier'", "Add name",
    ),
    "fixed and searched": (
        "training: {candidates: [{params: {n: 1}, search: {n: [1, 2]}}]}",
        "error", "training.candidates[0].search.n", "'n' is fixed and searched", "Remove one",
    ),
    "one output, two stages": (
        "pipeline: {stages: [{name: one, script: a.csv, outputs: [x]}, {name: two, script: a.csv, outputs: [x/y]}]}",
        "error", "pipeline.stages[1].outputs[0]", "also written by the stage 'one'", "its own",
    ),
    "misspelt column": (
        "features: {definitions: {f: {rolling: nunique, of: user_ids, window: 1d}}}",
        "warning", "features.definitions.f.of", "'user_ids' is not known", "Did you mean 'user_id'?",
    ),
    "misspelt feature in a view": (
        "features: {definitions: {orders_30d: {column: x}}, store: {views: {v: [order_30d]}}}",
        "warning", "features.store.views.v[0]", "'order_30d' is not known", "Did you mean 'orders_30d'?",
    ),
    "no trigger": (
        HEAD.replace("retraining: {max_psi: 0.2}\n", ""), "warning", "", "no retraining trigger", "max_psi",
    ),
    "gap of the business": (
        "success_criteria: {online_metrics: {revenue: {target: 3%}}}",
        "warning", "success_criteria.online_metrics.revenue", "nothing enforces this yet", "gap, never a pass",
    ),
    "no load test": (
        "constraints: {throughput: 100 req/s}\ndeployment: {preflight: {duration: 0s}}",
        "warning", "constraints.throughput", "no load test measures this", "deployment.preflight.duration",
    ),
    "a cost without a price": (
        "success_criteria: {online_metrics: {false_positive_cost: {max: $10K/month}}}",
        "warning", "success_criteria.online_metrics.false_positive_cost", "the price of a wrong decision is not given",
        "ml_problem.costs.false_positive",
    ),
    "gap of the system": (
        "success_criteria: {system_metrics: {p99_latency: {target: 100ms}}}",
        "warning", "success_criteria.system_metrics.p99_latency", "nothing enforces", "monitoring.model_metrics.p99",
    ),
    "no season to compare with": (
        "monitoring: {reference: season}", "error", "monitoring.reference", "no season", "Add monitoring.season",
    ),
    "season within a window": (
        "monitoring: {reference: season, season: 1d, window: 7d}",
        "error", "monitoring.season", "shorter than the window", "longer season",
    ),
    "unit of a criterion": (
        "success_criteria: {system_metrics: {throughput: {min: 1000}}}\n"
        "monitoring: {system_metrics: {throughput: {threshold: 5, alert_on: below}}}",
        "error", "success_criteria.system_metrics.throughput.min", "1000 is a number", "throughput is a rate",
    ),
    "A/A test": (
        "ab_test: {experiment_name: x, variants: {a: {model_version: v1, traffic_percentage: 50}, "
        "b: {model_version: v1, traffic_percentage: 50}}, metrics: {primary: accuracy}, "
        "duration_days: 1, min_sample_size: 1}",
        "warning", "ab_test.variants.b.model_version", "the same version v1", "A/A",
    ),
    "what decides an experiment": (
        EXPERIMENT.format("{primary: conversoin_rate}"),
        "error", "ab_test.metrics.primary", "cannot compare 'conversoin_rate'", "'conversion_rate'",
    ),
    "what guards an experiment": (
        EXPERIMENT.format("{primary: conversion_rate, secondary: [error_rate, gpu_utilization]}"),
        "error", "ab_test.metrics.secondary[1]", "cannot compare 'gpu_utilization'", "Known",
    ),
    "a margin of nothing": (
        EXPERIMENT.format("{primary: accuracy, secondary: [latency_p99], margins: {error_rate: 1%}}"),
        "error", "ab_test.metrics.margins.error_rate", "is no secondary metric", "Known: latency_p99",
    ),
    "a margin without its unit": (
        EXPERIMENT.format("{primary: accuracy, secondary: [latency_p99], margins: {latency_p99: 10}}"),
        "error", "ab_test.metrics.margins.latency_p99", "10 is a number", "10ms",
    ),
    "a margin of 0": (
        EXPERIMENT.format("{primary: accuracy, secondary: [error_rate], margins: {error_rate: 0%}}"),
        "error", "ab_test.metrics.margins.error_rate", "the margin is 0%", "accepted",
    ),
    "three variants": (
        EXPERIMENT.format("{primary: accuracy}").replace("traffic_percentage: 50}}", "traffic_percentage: 25}, "
        "c: {model_version: v3, traffic_percentage: 25}}"),
        "warning", "ab_test.variants", "3 variants cannot be tested at once", "one after the other",
    ),
}  # fmt: skip


@pytest.fixture
def find(load: Load, tmp_path: Path) -> Callable[[str], list[Finding]]:
    """The findings about a text, in a folder that has the file it reads."""

    def read(text: str) -> list[Finding]:
        (tmp_path / "a.csv").touch()
        return list(check(load(text)))

    return read


def test_a_sound_file_has_no_findings(find: Callable[[str], list[Finding]]) -> None:
    assert find(HEAD) == []


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_found_at_its_key(find: Callable[[str], list[Finding]], name: str) -> None:
    text, level, key, what, more = CASES[name]
    found = find(text if text.startswith("project:") else HEAD + text + "\n")
    finding = next((f for f in found if what in f.problem.what), None)
    assert finding is not None, [str(f) for f in found]
    line, _, where = finding.problem.where.removeprefix("rondo.yaml:").partition(" ")
    assert (finding.level, where) == (level, key)
    assert int(line) <= text.count("\n") + HEAD.count("\n") + 1
    assert more in f"{finding.problem.rule} {finding.problem.mend}"
    assert "hunter2" not in str(found)


def test_findings_come_in_the_order_of_the_lines(find: Callable[[str], list[Finding]]) -> None:
    text = (
        HEAD
        + "features: {numerical: {columns: []}}\nstores: {artifacts: /x}\nconstraints: {throughput: 5 req/s}\n"
        + "deployment: {preflight: {duration: 0s}}\n"
    )
    assert [f.problem.where for f in find(text)] == [
        "rondo.yaml:5 features",
        "rondo.yaml:6 stores.artifacts",
        "rondo.yaml:7 constraints.throughput",
    ]


def test_what_is_not_there_is_a_warning_of_check_and_an_error_of_a_run(load: Load, tmp_path: Path) -> None:
    loaded = load(
        HEAD + "pipeline: {stages: [{name: one, script: s.py, inputs: [data/raw/], outputs: [out/]}, "
        "{name: two, script: s.py, inputs: [out/x.parquet]}]}\n"
        "features: {definitions: {f: {python: 'f.py:missing'}}}\n"
    )
    said = [problem.what for problem in missing_files(loaded)]
    assert said == [
        "'a.csv' does not exist", "'s.py' does not exist", "'data/raw/' does not exist",
        "'s.py' does not exist", "'f.py' does not exist",
    ]  # fmt: skip
    assert {f.level for f in check(loaded)} == {"warning"}
    with pytest.raises(ContractError, match="5 problems"):
        require_sound(loaded)
    for name in ("a.csv", "s.py"):
        (tmp_path / name).touch()
    (tmp_path / "f.py").write_text("def mising(columns):\n    return columns\n")
    (problem,) = missing_files(loaded, made=["data/raw"])
    assert (problem.what, problem.mend) == ("f.py has no function 'missing'", "Did you mean 'mising'?")
    (tmp_path / "f.py").write_text("def missing(columns):\n    return columns\n")
    require_sound(loaded, made=["data/raw"])


def test_a_pattern_is_there_when_something_fits(load: Load, tmp_path: Path) -> None:
    loaded = load(HEAD.replace("a.csv", "'lake/{day}/*.parquet'"))
    assert len(missing_files(loaded)) == 1
    (tmp_path / "lake" / "2024-01-01").mkdir(parents=True)
    (tmp_path / "lake" / "2024-01-01" / "x.parquet").touch()
    assert missing_files(loaded) == ()


def test_min_accuracy_needs_an_accuracy(find: Callable[[str], list[Finding]]) -> None:
    (finding,) = find(REGRESSION.replace("max_psi: 0.2", "min_accuracy: 0.8"))
    assert (finding.level, finding.problem.what) == ("error", "min_accuracy on a regression")


def test_an_sql_expression_refers_to_its_columns_only() -> None:
    sql = "case when plan = 'is_churned' then coalesce(a1, \"b c\") * ln(금액 + 1e3) else NULL end"
    assert words_of(sql) >= {"plan", "a1", "b c", "금액"}
    assert not words_of(sql) & {"is_churned", "coalesce", "ln", "case", "NULL", "end"}


def test_every_circle_is_named_once() -> None:
    graph = {"a": ["b"], "b": ["a"], "c": ["c"], "d": ["a"], "e": []}
    assert list(cycles(graph)) == [("a", "b"), ("c",)]
