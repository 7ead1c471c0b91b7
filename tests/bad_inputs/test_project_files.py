"""c.1 The project file: what it cannot be, and what `rondo check` says of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.bad_inputs.catalogue import photograph
from tests.bad_inputs.in_process import rondo

from rondo.contract import check, load_project
from rondo.errors import ContractError, Problem

HEAD = """\
project: churn
ml_problem: {target: is_churned, entity: user_id, event_time: date, baseline: 0.65}
data: {sources: {a: {files: a.csv}}}
retraining: {max_psi: 0.2}
"""
REGRESSION = HEAD.replace("{target", "{type: regression, success_metric: rmse, target")
AB_TEST = (
    "ab_test: {experiment_name: x, variants: {a: {model_version: v1, traffic_percentage: %s}, "
    "b: {model_version: v2, traffic_percentage: 60}}, metrics: {primary: m}, duration_days: 1, min_sample_size: 1}"
)
BAD_NAMES = ("a/b", "..", "a\\0b", "\U0001f600", "x" * 300, "con", "-a", "a.", "a ", "A", "nul.txt")
MADE = ("a.csv", "f.py")
"""Beside the project file, so that nothing is said of missing files."""


@dataclass(frozen=True, slots=True)
class Bad:
    """`where` begins the place of the problem, `what` and `more` are parts of it and of its rule or mend.

    `made` is the file's content, or puts something else in its place.
    """

    row: str
    name: str
    made: str | bytes | Callable[[Path], None]
    where: str
    what: str
    more: str
    level: str = "error"

    def __str__(self) -> str:
        return f"{self.row} {self.name}"


def plus(lines: str) -> str:
    """A sound file with these lines at its end; they may be a whole file."""
    return lines if lines.startswith("project:") else f"{HEAD}{lines}\n"


def named(name: str) -> str:
    """A sound file of a project with that name."""
    return HEAD.replace("project: churn", f'project: "{name}"')


def mul(width: int, depth: int) -> str:
    """Aliases of aliases: few bytes, width to the power of depth values."""
    lines = [f"a0: &a0 [{', '.join('x' * width)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(lines)


def a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "rondo.yaml")


def a_folder(folder: Path) -> None:
    (folder / "rondo.yaml").mkdir()


def a_link_out(folder: Path) -> None:
    (folder / "models").symlink_to("/")
    (folder / "rondo.yaml").write_text(HEAD + "stores: {artifacts: models/x}\n")


# fmt: off
BAD = (
    Bad("P1", "nothing there", lambda folder: None, "/", "there is no project file", "rondo init"),
    Bad("P1", "a folder in its place", a_folder, "/", "not a regular file", "rondo init"),
    Bad("P1", "a pipe in its place", a_pipe, "/", "not a regular file", "rondo init"),
    Bad("P2", "zero bytes", "", "rondo.yaml", "no contract", "rondo init"),
    Bad("P2", "only comments", "# only a comment\n", "rondo.yaml", "no contract", "rondo init"),
    Bad("P2", "null", "null\n", "rondo.yaml", "no contract", "rondo init"),
    Bad("P2", "a mapping of nothing", "{}\n", "rondo.yaml", "no contract", "rondo init"),
    Bad("P2", "a list", "[]\n", "rondo.yaml:1", "no contract", "rondo init"),
    Bad("P2", "a text", "text\n", "rondo.yaml:1", "no contract", "rondo init"),
    Bad("P3", "tab indent", b"a:\n\tb: 1\n", "rondo.yaml:2:1", "`b: 1`", "spaces"),
    Bad("P3", "unclosed", b"a: [1, 2\nb: 3\n", "rondo.yaml:2:", "not YAML", "brackets"),
    Bad("P3", "block mark", b"a:\n  b: > 1%\n", "rondo.yaml:2:", "> 1%", 'must be quoted: "> 1%"'),
    Bad("P3", "alias mark",
        b"s: */5 * * * *\n", "rondo.yaml:1:", "not YAML", 'must be quoted: "*/5 * * * *"'),
    Bad("P4", "duplicate",
        b"a: 1\nb: 2\na: 3\n", "rondo.yaml:3 a", "stands twice, on lines 1 and 3", "one of them"),
    Bad("P5", "typo",
        plus("monitring: {}"), "rondo.yaml:5 monitring", "not known", "Did you mean 'monitoring'?"),
    Bad("P5", "deep typo",
        plus("monitoring: {model_metrics: {accuracy: {treshold: 0.8, threshold: 0.8, alert_on: below}}}"),
        "rondo.yaml:5 monitoring.model_metrics.accuracy.treshold", "'treshold' is not known", "'threshold'"),
    Bad("P6", "no", b"country: no\n", "rondo.yaml:1 country", "a bare no", 'Quote it: "no"'),
    Bad("P6", "base 60", b"at: 1:20\n", "rondo.yaml:1 at", "base 60", 'Quote it: "1:20"'),
    Bad("P6", "octal", b"code: 010\n", "rondo.yaml:1 code", "a bare 010", 'Quote it: "010"'),
    Bad("P6", "bare date",
        b"day: 2024-02-03\n", "rondo.yaml:1 day", "a date for others", 'Quote it: "2024-02-03"'),
    Bad("P6", "number for a text",
        plus("business_objective: 1.10"),
        "rondo.yaml:5 business_objective", "found 1.10", 'Quote it: "1.10"'),
    Bad("P6", "text for a number",
        plus('training: {seed: "5"}'), "rondo.yaml:5 training.seed", "whole number", "without quotes"),
    Bad("P6", "truth for a number",
        plus("training: {seed: true}"),
        "rondo.yaml:5 training.seed", "whole number is expected, found true", ""),
    Bad("P7", "python",
        b"a: !!python/object/apply:os.mkdir [canary]\n", "rondo.yaml:1 a", "!!python/object", "Remove"),
    Bad("P7", "custom", b"a: !secret x\n", "rondo.yaml:1 a", "!secret is refused", "Remove the tag"),
    Bad("P8", "deep", b"[" * 10_000, "rondo.yaml:1", "nested more than 64", "deep"),
    Bad("P8", "large", b"# " + b"x" * 50_000_000, "rondo.yaml", "1,000,001 bytes", "files of their own"),
    Bad("P8", "recursive", b"a: &a [*a]\n", "rondo.yaml:1 a[0]", "not there yet", "Define &a"),
    Bad("P9", "latin-1", b"a: 1\nb: caf\xe9\n", "rondo.yaml:2", "byte 11 (0xe9)", "UTF-8"),
    Bad("P9", "UTF-16", "a: 1\n".encode("utf-16"), "rondo.yaml", "UTF-16", "UTF-8"),
    Bad("P9", "NUL", b"a: x\x00y\n", "rondo.yaml:1", "U+0000 at byte 4", "Remove"),
    Bad("P9", "after a BOM", b"\xef\xbb\xbfa: \xff\n", "rondo.yaml:1", "byte 6 (0xff)", "UTF-8"),
    Bad("P10", "target is a feature",
        plus("features: {definitions: {is_churned: {column: x}}}"),
        "features.definitions.is_churned", "the target 'is_churned' is also a feature", "leakage"),
    Bad("P10", "target in an expression",
        plus("features: {definitions: {f: {expr: 'ln(1 + \"is_churned\")'}}}"),
        "features.definitions.f.expr", "'f' reads the target", "leakage"),
    Bad("P10", "target in a condition",
        plus("features: {definitions: {f: {rolling: count, where: is_churned = 1, window: 7d}}}"),
        "features.definitions.f.where", "'f' reads the target", "leakage"),
    Bad("P10", "target among the categories",
        plus("features: {categorical: {columns: [is_churned]}}"),
        "features.categorical.columns", "is also a feature", "leakage"),
    Bad("P10", "target not in the schema",
        plus(HEAD.replace("}}}", "}}, validate: {schema: {is_churn: int, user_id: int, date: date}}}")),
        "data.validate.schema", "'is_churned' is not in the schema", "Did you mean 'is_churn'?"),
    Bad("P11", "no entity",
        plus(HEAD.replace("entity: user_id, ", "") + "features: {definitions: {f: {rolling: count, window: 7d}}}"),
        "features.definitions.f", "'f' needs ml_problem.entity", "Add ml_problem.entity"),
    Bad("P11", "no time",
        plus(HEAD.replace("event_time: date, ", "") + "training: {split: {by: time}}"),
        "training.split.by", "cannot be split by time", "Name ml_problem.event_time"),
    Bad("P11", "no time by default",
        plus(HEAD.replace("event_time: date, ", "")),
        "ml_problem", "cannot be split by time", "training.split.by: random", level="warning"),
    Bad("P11", "snapshots",
        plus(HEAD.replace("entity: user_id, ", "label: {within: 60d}, ").replace("}}}", "}}, snapshots: {}}")),
        "data.snapshots", "a snapshot needs ml_problem.entity", "Add"),
    Bad("P11", "one column for both",
        plus(HEAD.replace("entity: user_id", "entity: date")),
        "ml_problem.event_time", "'date' is entity and event_time", "Name another column"),
    Bad("P12", "above 100 %",
        plus("validation: {tolerance: 120%}"),
        "rondo.yaml:5 validation.tolerance", "'120%'", "between 0% and 100%"),
    Bad("P12", "zero",
        HEAD.replace("0.2", "0"), "rondo.yaml:4 retraining.max_psi", "0 is too small", "above 0"),
    Bad("P12", "negative",
        HEAD.replace("max_psi: 0.2", "cooldown: -1d"),
        "rondo.yaml:4 retraining.cooldown", "negative", "0 or longer"),
    Bad("P12", "quoted nan",
        plus('ml_problem: {target: y, baseline: "nan"}'),
        "rondo.yaml:5 ml_problem", "stands twice", "one of them"),
    Bad("P12", "endless",
        HEAD.replace("max_psi: 0.2", "cooldown: 9e99 years"),
        "rondo.yaml:4 retraining.cooldown", "longer than any", "years"),
    Bad("P12", "canary goes back",
        plus("deployment: {canary: {steps: [25%, 5%, 100%]}}"),
        "deployment.canary.steps[1]", "0.05 follows 0.25", "rising order"),
    Bad("P12", "canary of nothing",
        plus("deployment: {canary: {steps: [0%, 100%]}}"), "deployment.canary.steps[0]", "0 %", "Remove"),
    Bad("P12", "canary ends early",
        plus("deployment: {canary: {steps: [5%, 50%]}}"), "deployment.canary.steps", "50 %", "Add 100%"),
    Bad("P12", "PSI of zero",
        plus("monitoring: {drift_metrics: {psi: {threshold: 0, alert_on: above}}}"),
        "monitoring.drift_metrics.psi.threshold", "0 is out of range", "above 0"),
    Bad("P12", "percent above 100",
        plus("monitoring: {system_metrics: {cpu_usage: {threshold: 180, alert_on: above, unit: '%'}}}"),
        "monitoring.system_metrics.cpu_usage.threshold", "180 is out of range", "up to 100"),
    Bad("P12", "percent without its sign",
        plus("monitoring: {system_metrics: {cpu_usage: {threshold: 80, alert_on: above}}}"),
        "monitoring.system_metrics.cpu_usage.threshold", "80 is out of range", "unit: '%'"),
    Bad("P12", "criterion out of reach",
        plus("success_criteria: {offline_metrics: {accuracy: {min: 85}}}"),
        "success_criteria.offline_metrics.accuracy.min", "85 is out of reach", "between 0 and 1"),
    Bad("P13", "unknown metric",
        plus("success_criteria: {offline_metrics: {acuracy: {min: 0.8}}}"),
        "success_criteria.offline_metrics.acuracy", "no metric is named 'acuracy'", "Did you mean 'accuracy'?"),
    Bad("P13", "metric of another problem",
        plus(REGRESSION + "success_criteria: {offline_metrics: {auc_roc: {min: 0.8}}}"),
        "success_criteria.offline_metrics.auc_roc", "does not measure a regression", "mae, mape, r2, rmse"),
    Bad("P13", "success metric",
        plus(HEAD.replace("{target", "{success_metric: rmse, target")),
        "ml_problem.success_metric", "rmse does not measure", "auc_roc"),
    Bad("P13", "scoring",
        plus("training: {tuning: {scoring: roc}}"),
        "training.tuning.scoring", "no metric is named 'roc'", ""),
    Bad("P13", "watched metric",
        plus("monitoring: {model_metrics: {acc: {threshold: 0.8, alert_on: below}}}"),
        "monitoring.model_metrics.acc", "nothing measures 'acc' here", "accuracy"),
    Bad("P14", "min above max",
        plus("success_criteria: {offline_metrics: {accuracy: {min: 0.9, max: 0.8}}}"),
        "success_criteria.offline_metrics.accuracy", "min 0.9 is above max 0.8", "Nothing can pass"),
    Bad("P14", "min above target",
        plus("success_criteria: {offline_metrics: {accuracy: {min: 90%, target: 0.8}}}"),
        "success_criteria.offline_metrics.accuracy", "min 90% is above target 0.8", "Swap"),
    Bad("P14", "units that do not compare",
        plus("success_criteria: {online_metrics: {cost: {max: $10K/month, target: 5%}}}"),
        "success_criteria.online_metrics.cost", "do not compare", "one unit"),
    Bad("P14", "the wrong way",
        plus("success_criteria: {offline_metrics: {log_loss: {min: 0.3}}}"),
        "success_criteria.offline_metrics.log_loss", "min and no max", "Did you mean max?", level="warning"),
    Bad("P14", "latency from below",
        plus('constraints: {latency: "> 100ms"}'), "constraints.latency", "asks for more", 'Write "< 100ms"'),
    Bad("P14", "rollback while all is well",
        plus('deployment: {rollback_on: {error_rate: "< 1%"}}'),
        "deployment.rollback_on.error_rate", "rolls back while error_rate is low", 'Write "> 1%"'),
    Bad("P14", "a window without limits",
        plus("deployment: {rollback_window: 1h}"),
        "deployment.rollback_window", "nothing is watched", "Add rollback_on"),
    Bad("P14", "alarm on the good side",
        plus("monitoring: {model_metrics: {accuracy: {threshold: 0.8, alert_on: above}}}"),
        "monitoring.model_metrics.accuracy.alert_on", "alarms above", "alert_on: below", level="warning"),
    Bad("P15", "features in a circle",
        plus("features: {definitions: {b: {expr: c + 1}, c: {ratio: [d, x]}, d: {expr: b * 2}}}"),
        "features.definitions.b", "b -> c -> d -> b", "Give a feature another name"),
    Bad("P15", "stages in a circle",
        plus("pipeline: {stages: [{name: one, script: a.csv, inputs: [y/z], outputs: [x]}, "
        "{name: two, script: a.csv, inputs: [x], outputs: [y]}]}"),
        "pipeline.stages[0]", "one -> two -> one", "Remove one input"),
    Bad("P16", "no schedule",
        plus("pipeline: {schedule: 0 2 * *}"), "pipeline.schedule", "has 4 fields", "five"),
    Bad("P16", "hour 25",
        plus('pipeline: {schedule: "0 25 * * *"}'), "pipeline.schedule", "'25'", "between 0 and 23"),
    Bad("P16", "31 February",
        plus("pipeline: {schedule: 0 0 31 2 *}"), "pipeline.schedule", "never fires", "day"),
    Bad("P16", "time zone",
        plus("pipeline: {timezone: Asia/Soul}"),
        "pipeline.timezone", "'Asia/Soul'", "Did you mean 'Asia/Seoul'?"),
    Bad("P18", "password",
        plus(HEAD.replace("files: a.csv", "sql: 'pg://u:hunter2@h/d', query: q")),
        "data.sources.a.sql", "password in clear text", "${NAME}", level="warning"),
    Bad("P18", "token",
        plus(HEAD.replace("files: a.csv", "http: 'https://h/x', auth: hunter2")),
        "data.sources.a.auth", "in clear text", "env:NAME", level="warning"),
    Bad("P18", "key",
        plus(HEAD.replace("files: a.csv", "files: 's3://b/*.csv', storage: {aws_secret_access_key: hunter2}")),
        "data.sources.a.storage.aws_secret_access_key", "in clear text", "env:NAME", level="warning"),
    Bad("P19", "absolute",
        plus("stores: {artifacts: /var/models}"), "stores.artifacts", "is absolute", "relative"),
    Bad("P19", "up",
        plus("pipeline: {stages: [{name: one, script: a.csv, outputs: [../x]}]}"),
        "pipeline.stages[0].outputs[0]", "'../x' leads out", "relative"),
    Bad("P19", "home", plus("stores: {artifacts: ~/models}"), "stores.artifacts", "home folder", "relative"),
    Bad("P19", "drive",
        plus("stores: {artifacts: 'C:\\models'}"), "stores.artifacts", "Windows drive", "relative"),
    Bad("P19", "network",
        plus("stores: {artifacts: '\\\\host\\x'}"), "stores.artifacts", "network path", "relative"),
    Bad("P19", "code from elsewhere",
        plus("features: {definitions: {f: {python: '/tmp/f.py:f'}}}"),
        "features.definitions.f.python", "is absolute", "relative"),
    Bad("P20", "twins", "café: 1\ncafe\u0301: 2\n".encode(), "rondo.yaml:2", "look alike", "one of them"),
    Bad("P20", "slash", plus("data2: {}"), "rondo.yaml:5 data2", "'data2' is not known", "'data'"),
    Bad("P20", "names alike",
        plus("features: {definitions: {Age: {column: x}, age: {column: y}}}"),
        "features.definitions.age", "'Age' and 'age' differ only in case", "Rename"),
    Bad("P23", "no rows",
        plus("validation: {min_slice_rows: 0}"),
        "rondo.yaml:5 validation.min_slice_rows", "0 is too small", "1 or more"),
    Bad("P23", "no gates",
        plus(HEAD.replace(", baseline: 0.65", "")),
        "ml_problem", "nothing is asked", "empty gate set is not a pass"),
    Bad("P23", "a target is no gate",
        plus(HEAD.replace(", baseline: 0.65", "") + "success_criteria: {offline_metrics: {accuracy: {target: 0.9}}}"),
        "success_criteria", "nothing is asked", "min or max"),
    Bad("P23", "no features",
        plus("features: {numerical: {columns: []}}"), "features", "no feature at all", "Add"),
    Bad("P8", "aliases of aliases", mul(10, 10), "rondo.yaml", "more than 100,000 values", ""),
    Bad("P12", "traffic of 110 %", plus(AB_TEST % 50), "rondo.yaml:5 ab_test", "sum to 110", "sum to 100"),
    Bad("P12", "negative traffic", plus(AB_TEST % -1), "rondo.yaml:5 ab_test", "-1", ""),
    Bad("P19", "a link out of the project",
        a_link_out, "stores.artifacts", "link that leads out", "inside the project"),
    Bad("P21", "for a newer Rondo",
        'requires_rondo: ">= 99.1"\nproject: churn\nnew_section: {}\n',
        "rondo.yaml:1 requires_rondo", "needs Rondo >= 99.1", "pip install"),
    Bad("P23", "no rows asked",
        plus(HEAD.replace("}}}", "}}, validate: {min_rows: 0}}")),
        "rondo.yaml:3 data.validate.min_rows", "0 is too small", "1 or more"),
    Bad("P12", "an age below nothing",
        plus(HEAD.replace("csv}}}", "csv, freshness: -1d}}}")),
        "rondo.yaml:3 data.sources.a.freshness", "'-1d' is negative", "0 or longer"),
    Bad("P14", "the latest row of no key",
        plus(HEAD.replace("}}}", "}}, clean: {duplicates: {latest: came}}}")),
        "rondo.yaml:3 data.clean.duplicates", "latest without key", "Add key"),
    Bad("P14", "the key tells which row is the latest",
        plus(HEAD.replace("}}}", "}}, clean: {duplicates: {key: [user_id, date], latest: date}}}")),
        "rondo.yaml:3 data.clean.duplicates", "'date' is part of the key", "Name the column"),
    *(Bad("P20", f"the name {name[:8]!r}", named(name), "rondo.yaml:1", "", "")
      for name in BAD_NAMES),
)
# fmt: on


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_bad_project_file_is_refused(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in MADE:
        (tmp_path / name).touch()
    if callable(bad.made):
        bad.made(tmp_path)
    else:
        content = bad.made if isinstance(bad.made, bytes) else bad.made.encode()
        (tmp_path / "rondo.yaml").write_bytes(content)
    before, began = photograph(tmp_path), time.process_time()
    found = findings(tmp_path)
    assert (
        time.process_time() - began < 5
    )  # of CPU time, whatever else the machine does; a bomb takes minutes
    level, problem = next((level, problem) for level, problem in found if bad.what in problem.what)
    place = problem.where.partition(" ")[2] if level == "warning" or " " in problem.where else problem.where
    assert problem.where.startswith(bad.where) or place == bad.where, problem.where
    assert problem.rule or problem.mend
    assert bad.more in f"{problem.rule} {problem.mend}"
    assert level == bad.level
    said = rondo("check", "--json", "-C", str(tmp_path))
    assert said.code == (ContractError.exit_code if bad.level == "error" else 0)
    assert "Traceback" not in said.err
    assert "hunter2" not in said.out + said.err
    if said.out:
        json.loads(said.out)
    assert photograph(tmp_path) == before


REFERENCES: dict[str, dict[str, str]] = {
    "P17 not set": {},
    "P17 empty": {"WAREHOUSE": ""},
    "P17 almost": {"WAREHOUSE_": "hunter2", "warehouse": "hunter2"},
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_to_nothing_is_named_and_no_value_is_shown(name: str, tmp_path: Path) -> None:
    (tmp_path / "rondo.yaml").write_text(HEAD.replace("files: a.csv", "sql: '${WAREHOUSE}', query: q"))
    assert load_project(tmp_path).project.data.sources["a"].sql == "${WAREHOUSE}"
    with pytest.raises(ContractError) as caught:
        load_project(tmp_path, REFERENCES[name])
    (problem,) = caught.value.problems
    assert problem.where == "rondo.yaml:3 data.sources.a.sql"
    assert f"WAREHOUSE is {'empty' if name == 'P17 empty' else 'not set'}" in problem.what
    assert problem.mend == "Set it: export WAREHOUSE=…"
    assert "hunter2" not in str(caught.value)


def test_p9_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / "rondo.yaml").write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert findings(tmp_path) == []


def findings(folder: Path) -> list[tuple[str, Problem]]:
    """Everything that is said of the project file in that folder, and how grave it is."""
    try:
        return [(found.level, found.problem) for found in check(load_project(folder))]
    except ContractError as error:
        return [("error", problem) for problem in error.problems]
