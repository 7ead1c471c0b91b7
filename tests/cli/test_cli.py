from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bad_inputs.in_process import rondo as called

from rondo.cli.project import TEMPLATES, write_project
from rondo.contract import check, load_project

MINIMAL_ENV = {**os.environ, "COLUMNS": "60", "TERM": "dumb"}


def rondo(*words: str) -> subprocess.CompletedProcess[str]:
    """`rondo WORDS…` as it is typed: a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "rondo.cli", *words],
        env=MINIMAL_ENV,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_lists_the_commands() -> None:
    told = rondo("--help")
    assert told.returncode == 0
    for command in (
        "init",
        "check",
        "run",
        "promote",
        "rollback",
        "serve",
        "monitor",
        "retrain",
        "up",
        "demo",
    ):
        assert f"  {command} " in told.stdout


def test_without_a_command_help_is_shown() -> None:
    told = rondo()
    assert told.returncode == 0
    assert "Commands:" in told.stdout + told.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [(("statu",), "Did you mean 'status'"), (("run", "--bad"), "--bad"), (("promote",), "version")],
)
def test_a_misused_command_is_told_without_a_traceback(words: tuple[str, ...], hint: str) -> None:
    told = rondo(*words)
    assert told.returncode == 2
    assert hint in told.stderr
    assert "Traceback" not in told.stderr


HELP_ALONE = """
import sys
sys.argv = ["rondo", "--help"]
try:
    from rondo.cli import main
    main()
except SystemExit:
    pass
heavy = "mlflow feast dvc optuna sklearn lightgbm pandas polars pyarrow sqlalchemy onnxruntime".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def test_help_loads_no_product() -> None:
    told = subprocess.run(
        [sys.executable, "-c", HELP_ALONE], capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("template", ["minimal", "shop", "demand"])
def test_what_init_writes_is_short_and_has_no_errors(tmp_path: Path, template: str) -> None:
    from rondo.cli.project import write_project

    folder = tmp_path / "churn"
    write_project(folder, template)
    if template == "minimal":
        lines = (folder / "rondo.yaml").read_text().splitlines()
        assert len([line for line in lines if line.strip()]) < 40
    told = called("check", "--json", "-C", str(folder))
    assert told.code == 0, told.out
    assert all(finding["level"] == "warning" for finding in json.loads(told.out))


def test_init_does_not_write_over_a_project(tmp_path: Path) -> None:
    assert called("init", str(tmp_path)).code == 0
    before = (tmp_path / "rondo.yaml").read_text()
    told = called("init", str(tmp_path))
    assert told.code == 6
    assert "Choose another folder" in told.err
    assert (tmp_path / "rondo.yaml").read_text() == before


def test_errors_of_the_file_name_line_and_mend(tmp_path: Path) -> None:
    (tmp_path / "rondo.yaml").write_text(
        "project: p\nml_problem: {target: y}\ndata: {sources: {a: {files: a.csv}}}\ntrainning: {}\n"
    )
    told = called("check", "-C", str(tmp_path))
    assert told.code == 3
    assert "rondo.yaml:4" in told.err
    assert "'training'" in told.err


@pytest.mark.parametrize("command", ["check", "run", "status", "serve"])
def test_outside_a_project_the_mend_is_told(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = called(command)
    assert told.code == 3
    assert "rondo init" in told.err
    assert "Traceback" not in told.err


def test_the_schema_is_json() -> None:
    assert json.loads(called("schema").out)["title"] == "rondo.yaml"


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "minimal"])
def test_a_template_has_nothing_to_mend(template: str, tmp_path: Path) -> None:
    write_project(tmp_path, template)
    missing = "does not exist"  # the practice world is made by `rondo init`, not by the template
    findings = [one.problem for one in check(load_project(tmp_path)) if missing not in one.problem.what]
    assert [str(one) for one in findings] == []
