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
    "P10 target is a feature": (
        "features: {definitions: {is_churned: {column: x}}}",
        "error", "features.definitions.is_churned", "the target 'is_churned' is also a feature", "leakage",
    ),
    "P10 target in an expression": (
        "features: {definitions: {f: {expr: 'ln(1 + \"is_churned\")'}}}",
        "error", "features.definitions.f.expr", "'f' reads the target", "leakage",
    ),
    "P10 target in a condition": (
        "features: {definitions: {f: {rolling: count, where: is_churned = 1, window: 7d}}}",
        "error", "features.definitions.f.where", "'f' reads the target", "leakage",
    ),
    "P10 target among the categories": (
        "features: {categorical: {columns: [is_churned]}}",
        "error", "features.categorical.columns", "is also a feature", "leakage",
    ),
    "P10 target not in the schema": (
        HEAD.replace("}}}", "}}, validate: {schema: {is_churn: int, user_id: int, date: date}}}"),
        "error", "data.validate.schema", "'is_churned' is not in the schema", "Did you mean 'is_churn'?",
    ),
    "P11 no entity": (
        HEAD.replace("entity: user_id, ", "") + "features: {definitions: {f: {rolling: count, window: 7d}}}",
        "error", "features.definitions.f", "'f' needs ml_problem.entity", "Add ml_problem.entity",
    ),
    "P11 no time": (
        HEAD.replace("event_time: date, ", "") + "training: {split: {by: time}}",
        "error", "training.split.by", "cannot be split by time", "Name ml_problem.event_time",
    ),
    "P11 no time by default": (
        HEAD.replace("event_time: date, ", ""),
        "warning", "ml_problem", "cannot be split by time", "training.split.by: random",
    ),
    "P11 snapshots": (
        HEAD.replace("entity: user_id, ", "label: {within: 60d}, ").replace("}}}", "}}, snapshots: {}}"),
        "error", "data.snapshots", "a snapshot needs ml_problem.entity", "Add",
    ),
    "P11 one column for both": (
        HEAD.replace("entity: user_id", "entity: date"),
        "error", "ml_problem.event_time", "'date' is entity and event_time", "Name another column",
    ),
    "label without snapshots": (
        HEAD.replace("baseline", "label: {within: 60d}, baseline"),
        "error", "ml_problem.label", "label without data.snapshots", "every: month",
    ),
    "P12 canary goes back": (
        "deployment: {canary: {steps: [25%, 5%, 100%]}}",
        "error", "deployment.canary.steps[1]", "0.05 follows 0.25", "rising order",
    ),
    "P12 canary of nothing": (
        "deployment: {canary: {steps: [0%, 100%]}}", "error", "deployment.canary.steps[0]", "0 %", "Remove",
    ),
    "P12 canary ends early": (
        "deployment: {canary: {steps: [5%, 50%]}}", "error", "deployment.canary.steps", "50 %", "Add 100%",
    ),
    "P12 PSI of zero": (
        "monitoring: {drift_metrics: {psi: {threshold: 0, alert_on: above}}}",
        "error", "monitoring.drift_metrics.psi.threshold", "0 is out of range", "above 0",
    ),
    "P12 percent above 100": (
        "monitoring: {system_metrics: {cpu_usage: {threshold: 180, alert_on: above, unit: '%'}}}",
        "error", "monitoring.system_metrics.cpu_usage.threshold", "180 is out of range", "up to 100",
    ),
    "P12 percent without its sign": (
        "monitoring: {system_metrics: {cpu_usage: {threshold: 80, alert_on: above}}}",
        "error", "monitoring.system_metrics.cpu_usage.threshold", "80 is out of range", "unit: '%'",
    ),
    "P12 criterion out of reach": (
        "success_criteria: {offline_metrics: {accuracy: {min: 85}}}",
        "error", "success_criteria.offline_metrics.accuracy.min", "85 is out of reach", "between 0 and 1",
    ),
    "P13 unknown metric": (
        "success_criteria: {offline_metrics: {acuracy: {min: 0.8}}}",
        "error", "success_criteria.offline_metrics.acuracy", "no metric is named 'acuracy'", "Did you mean 'accuracy'?",
    ),
    "P13 metric of another problem": (
        REGRESSION + "success_criteria: {offline_metrics: {auc_roc: {min: 0.8}}}",
        "error", "success_criteria.offline_metrics.auc_roc", "does not measure a regression", "mae, mape, r2, rmse",
    ),
    "P13 success metric": (
        HEAD.replace("{target", "{success_metric: rmse, target"),
        "error", "ml_problem.success_metric", "rmse does not measure", "auc_roc",
    ),
    "P13 scoring": (
        "training: {tuning: {scoring: roc}}", "error", "training.tuning.scoring", "no metric is named 'roc'", "",
    ),
    "P13 watched metric": (
        "monitoring: {model_metrics: {acc: {threshold: 0.8, alert_on: below}}}",
        "error", "monitoring.model_metrics.acc", "nothing measures 'acc' here", "accuracy",
    ),
    "P14 min above max": (
        "success_criteria: {offline_metrics: {accuracy: {min: 0.9, max: 0.8}}}",
        "error", "success_criteria.offline_metrics.accuracy", "min 0.9 is above max 0.8", "Nothing can pass",
    ),
    "P14 min above target": (
        "success_criteria: {offline_metrics: {accuracy: {min: 90%, target: 0.8}}}",
        "error", "success_criteria.offline_metrics.accuracy", "min 90% is above target 0.8", "Swap",
    ),
    "P14 units that do not compare": (
        "success_criteria: {online_metrics: {cost: {max: $10K/month, target: 5%}}}",
        "error", "success_criteria.online_metrics.cost", "do not compare", "one unit",
    ),
    "P14 the wrong way": (
        "success_criteria: {offline_metrics: {log_loss: {min: 0.3}}}",
        "warning", "success_criteria.offline_metrics.log_loss", "min and no max", "Did you mean max?",
    ),
    "P14 latency from below": (
        'constraints: {latency: "> 100ms"}', "error", "constraints.latency", "asks for more", 'Write "< 100ms"',
    ),
    "P14 rollback while all is well": (
        'deployment: {rollback_on: {error_rate: "< 1%"}}',
        "error", "deployment.rollback_on.error_rate", "rolls back while error_rate is low", 'Write "> 1%"',
    ),
    "P14 a window without limits": (
        "deployment: {rollback_window: 1h}",
        "error", "deployment.rollback_window", "nothing is watched", "Add rollback_on",
    ),
    "P14 alarm on the good side": (
        "monitoring: {model_metrics: {accuracy: {threshold: 0.8, alert_on: above}}}",
        "warning", "monitoring.model_metrics.accuracy.alert_on", "alarms above", "alert_on: below",
    ),
    "P15 features in a circle": (
        "features: {definitions: {b: {expr: c + 1}, c: {ratio: [d, x]}, d: {expr: b * 2}}}",
        "error", "features.definitions.b", "b -> c -> d -> b", "Give a feature another name",
    ),
    "P15 stages in a circle": (
        "pipeline: {stages: [{name: one, script: a.csv, inputs: [y/z], outputs: [x]}, "
        "{name: two, script: a.csv, inputs: [x], outputs: [y]}]}",
        "error", "pipeline.stages[0]", "one -> two -> one", "Remove one input",
    ),
    "P16 no schedule": (
        "pipeline: {schedule: 0 2 * *}", "error", "pipeline.schedule", "has 4 fields", "five",
    ),
    "P16 hour 25": ('pipeline: {schedule: "0 25 * * *"}', "error", "pipeline.schedule", "'25'", "between 0 and 23"),
    "P16 31 February": ("pipeline: {schedule: 0 0 31 2 *}", "error", "pipeline.schedule", "never fires", "day"),
    "P16 time zone": (
        "pipeline: {timezone: Asia/Soul}", "error", "pipeline.timezone", "'Asia/Soul'", "Did you mean 'Asia/Seoul'?",
    ),
    "P18 password": (
        HEAD.replace("files: a.csv", "sql: 'pg://u:hunter2@h/d', query: q"),
        "warning", "data.sources.a.sql", "password in clear text", "${NAME}",
    ),
    "P18 token": (
        HEAD.replace("files: a.csv", "http: 'https://h/x', auth: hunter2"),
        "warning", "data.sources.a.auth", "in clear text", "env:NAME",
    ),
    "P18 key": (
        HEAD.replace("files: a.csv", "files: 's3://b/*.csv', storage: {aws_secret_access_key: hunter2}"),
        "warning", "data.sources.a.storage.aws_secret_access_key", "in clear text", "env:NAME",
    ),
    "P19 absolute": (
        "stores: {artifacts: /var/models}", "error", "stores.artifacts", "is absolute", "relative",
    ),
    "P19 up": (
        "pipeline: {stages: [{name: one, script: a.csv, outputs: [../x]}]}",
        "error", "pipeline.stages[0].outputs[0]", "'../x' leads out", "relative",
    ),
    "P19 home": ("stores: {artifacts: ~/models}", "error", "stores.artifacts", "home folder", "relative"),
    "P19 drive": ("stores: {artifacts: 'C:\\models'}", "error", "stores.artifacts", "Windows drive", "relative"),
    "P19 network": ("stores: {artifacts: '\\\\host\\x'}", "error", "stores.artifacts", "network path", "relative"),
    "P19 code from elsewhere": (
        "features: {definitions: {f: {python: '/tmp/f.py:f'}}}",
        "error", "features.definitions.f.python", "is absolute", "relative",
    ),
    "P20 names alike": (
        "features: {definitions: {Age: {column: x}, age: {column: y}}}",
        "error", "features.definitions.age", "'Age' and 'age' differ only in case", "Rename",
    ),
    "P23 no gates": (
        HEAD.replace(", baseline: 0.65", ""), "error", "ml_problem", "nothing is asked", "empty gate set is not a pass",
    ),
    "P23 a target is no gate": (
        HEAD.replace(", baseline: 0.65", "") + "success_criteria: {offline_metrics: {accuracy: {target: 0.9}}}",
        "error", "success_criteria", "nothing is asked", "min or max",
    ),
    "P23 no features": ("features: {numerical: {columns: []}}", "error", "features", "no feature at all", "Add"),
    "join without base": (
        HEAD.replace("}}}", "}}, join: [{with: a, on: x}]}"), "error", "data.join", "no base", "{base: a}",
    ),
    "join of no source": (
        HEAD.replace("}}}", "}}, join: [{base: a}, {with: ab, on: x}]}"),
        "error", "data.join[1].with", "no source is named 'ab'", "'a'",
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


def test_a_link_out_of_the_project_is_refused(find: Callable[[str], list[Finding]], tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to("/")
    (finding,) = find(HEAD + "stores: {artifacts: models/x}\n")
    assert "link that leads out" in finding.problem.what


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
