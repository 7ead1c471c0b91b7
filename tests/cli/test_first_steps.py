"""Somebody's first minutes: what to do next is said, in the place where it can be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.bad_inputs.in_process import rondo

from rondo.cli import output, serve
from rondo.cli.app import app
from rondo.cli.errors import guarded
from rondo.cli.output import Bars, Lines, untold
from rondo.cli.project import write_project
from rondo.cli.round import _untold
from rondo.records.monitoring import Observation

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_init_says_where_to_go_and_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Next: `cd churn`, `rondo check`, `rondo run`, `rondo serve`." in rondo("init", "churn").out
    assert "Next: `cd 'my churn'`, " in rondo("init", "my churn").out
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    said = rondo("init")
    assert "Next: `rondo check`" in said.out
    assert "cd " not in said.out


def test_beside_a_project_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path / "churn", "minimal")
    (tmp_path / "churn" / "reports").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "say -C churn, or make another" in rondo("run").err
    monkeypatch.chdir(tmp_path / "churn" / "reports")
    assert "say -C .., or make another" in rondo("run").err
    said = rondo("run", "-C", "none")
    assert said.code == 3
    assert f"say -C {tmp_path / 'churn'}, or make another with: rondo init" in said.err
    assert said.err.rstrip().endswith("reports/none.")


def test_far_from_any_project_only_init_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Make one with: rondo init ." in rondo("run").err


def test_findings_are_lines_that_fit_any_terminal(tmp_path: Path) -> None:
    write_project(tmp_path, "minimal")
    said = rondo("check", "-C", str(tmp_path)).out.splitlines()
    assert said[0].startswith("WARNING  rondo.yaml:")
    assert said[1].startswith("    'data/customers.csv' does not exist.")


def test_ctrl_c_in_a_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rondo.cli.project.check", interrupted)
    assert guarded(lambda: app(["check"], prog_name="rondo", standalone_mode=False)) == 130
    assert "the same command goes on where it stopped" in capsys.readouterr().err


def test_a_server_without_production_says_when_it_will_answer(capsys: pytest.CaptureFixture[str]) -> None:
    serve._announce("http://127.0.0.1:1\n", None)
    said = capsys.readouterr()
    assert said.out == "http://127.0.0.1:1\n"
    assert "once `rondo run` has released a version" in said.err


def test_what_progress_has_shown_is_not_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        is_terminal = True

        def print(self, text: str, *, soft_wrap: bool) -> None:
            """Nowhere."""

    monkeypatch.setattr(output, "console", lambda **_: Terminal())
    bars = Bars.__new__(Bars)
    bars.say("1.0.0 is in production")
    assert untold(bars, "1.0.0 is in production") == ""
    assert untold(bars, "1.0.0 is in production `rondo up` carries on.") == "`rondo up` carries on."
    assert untold(bars, "it is not") == "it is not"
    assert untold(Lines(), "1.0.0 is in production")  # a log and a result are read apart


def test_what_was_not_measured_is_not_within_its_limits() -> None:
    missing = Observation(
        metric="psi", value=None, n=0, state="missing", window_from=None, window_to=None, observed_at=NOW,
        version="1.0.0", feature="age",
    )  # fmt: skip
    told = list(
        _untold(
            [
                missing,
                replace(missing, state="not_enough", n=1),
                replace(missing, value=0.1, n=50, state="fine"),
            ]
        )
    )
    assert told == [
        "2 more drift figures could not be measured yet.",
        "1 more drift figures are within their limits or nothing is asked of them.",
    ]
