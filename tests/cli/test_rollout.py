from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.cli.app import app
from rondo.cli.errors import guarded
from rondo.contract.deployment import Canary, Deployment
from rondo.records.layout import Layout
from rondo.records.rollout import Evidence
from rondo.stages.deployment import begin, phases_of
from rondo.testing.state import NOW, promote, release

PROJECT = "project: p\nml_problem: {target: y, baseline: 0.6}\ndata: {sources: {a: {files: input.csv}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project in whose store 1.1.0 waits for approval of its canary over 1.0.0."""
    (tmp_path / "rondo.yaml").write_text(PROJECT)
    store = SqlStateStore(Layout(tmp_path).state)
    promote(store, "1.0.0")
    store.add_release(release("1.1.0"), by="ann")
    phases = phases_of(
        Deployment(strategy="canary", canary=Canary(steps=(0.05, 1.0))), candidate="1.1.0", stable="1.0.0"
    )
    told = {"strategy": "canary", "by": "ann", "reason": "better", "now": NOW, "needs_approval": True}
    waiting, _ = begin("1.1.0", "1.0.0", phases, **told)  # type: ignore[arg-type]
    seen = Evidence("ship", ("8 of 8 checks passed.",), NOW, figures={"load": {"p99_ms": 1.5, "x": None}})
    store.advance_rollout(
        replace(waiting, evidence=seen), kind="rollout.waiting", by="ann", reason="", at=NOW
    )
    store.close()
    return tmp_path


def rondo(*words: str, folder: Path) -> int:
    return guarded(lambda: app([*words, "--project", str(folder)], standalone_mode=False))


def test_a_rollout_is_shown_with_its_phases_and_evidence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rondo("rollout", folder=folder) == 0
    shown = capsys.readouterr().out
    assert "Rollout 1 of 1.1.0 (canary) waits for a person's approval" in shown
    for words in ("preflight", "canary", "promote", "waiting", "p99_ms", "better"):
        assert words in shown


def test_a_rollout_is_a_record_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rondo("rollout", "--json", folder=folder) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["candidate"], record["state"]) == ("1.1.0", "waiting")


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("rollout", "stop"), 2, "Known: show, pause"),
        (("rollout", "approve"), 2, "a name and a reason"),
        (("rollout", "pause"), 6, "cannot be paused: it is waiting"),
        (("deploy", "9.9.9"), 6, "9.9.9 is not registered"),
        (("deploy", "1.1.0", "--strategy", "green"), 2, "Known: blue_green, canary, shadow"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, hint: str
) -> None:
    assert rondo(*words, folder=folder) == code
    assert hint in capsys.readouterr().err


def test_a_rollout_is_approved_paused_and_aborted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (("approve", "--reason", "read it"), "Approved by"),
        (("pause",), "is paused"),
        (("resume",), "is under way"),
        (("abort", "--reason", "no"), "was aborted"),
        (("abort",), "was aborted"),
    ):
        assert rondo("rollout", *words, folder=folder) == 0
        assert told in capsys.readouterr().out


def test_before_the_first_rollout_there_is_nothing_to_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rondo.yaml").write_text(PROJECT)
    assert rondo("rollout", folder=tmp_path) == 5
    assert "rondo deploy" in capsys.readouterr().err


def test_who_has_no_name_may_end_a_rollout_and_approve_none(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert rondo("rollout", "approve", "--reason", "read it", folder=folder) == 2
    assert "Set USER" in capsys.readouterr().err
    assert rondo("rollout", "abort", folder=folder) == 0


def test_who_answered_at_a_moment_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rondo("models", "--at", f"{NOW:%Y-%m-%dT%H:%M:%S}", folder=folder) == 0
    assert "1.0.0    100.0%" in capsys.readouterr().out
    assert rondo("models", "--at", "2001-01-01", folder=folder) == 0
    assert "Nothing served at 2001-01-01 23:59:59 UTC." in capsys.readouterr().out
