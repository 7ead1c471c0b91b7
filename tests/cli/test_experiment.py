"""rondo experiment: every state in words and as a record, and no traceback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.bad_inputs.in_process import rondo
from tests.lifecycle.side_by_side import Practice
from tests.lifecycle.test_experimenting import PROJECT

from rondo.adapters.memory import MemoryModelRegistry
from rondo.adapters.sqlstate import SqlStateStore
from rondo.records.layout import Layout
from rondo.records.release import PROMOTED, Switch
from rondo.testing.deployment import registered


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two accepted versions, the first in production, in the store of a real project."""
    (tmp_path / "rondo.yaml").write_text(PROJECT)
    Layout(tmp_path).home.mkdir()
    store = SqlStateStore(Layout(tmp_path).state)
    registry = MemoryModelRegistry()
    for version in ("1.2.3", "2.0.0"):
        registered(tmp_path, store, registry, version)
    change = Switch("1.2.3", None, {"1.2.3": 1.0}, None, PROMOTED, "ann", "first", 0)
    store.switch(change, at=datetime.now(UTC) - timedelta(days=1))
    store.close()
    return tmp_path


def test_it_is_started_after_what_it_needs_was_told(project: Path) -> None:
    here = ("-C", str(project))
    none_yet = rondo("experiment", *here)
    assert (none_yet.code, "there was no experiment yet" in none_yet.err) == (5, True)
    started = rondo("experiment", "start", "--reason", "is it better?", *here)
    assert started.code == 0, started.err
    assert "treatment: version 2.0.0, 50% of the entities" in started.out
    assert "conversion_rate of control is not known yet" in started.out
    shown = rondo("experiment", "--json", *here)
    assert json.loads(shown.out)["plan"]["min_sample_size"] == 300


def test_what_is_not_an_action_is_named(project: Path) -> None:
    told = rondo("experiment", "begin", "-C", str(project))
    assert (told.code, "Known: start, show, stop" in told.err) == (2, True)


def test_the_reading_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rondo.cli.experiment import _tell
    from rondo.lifecycle import experimenting

    practice = Practice(tmp_path, PROJECT)
    practice.start()
    practice.tick()
    practice.serve(1_000, {"1.2.3": 0.2, "2.0.0": 0.5})
    _tell(experimenting.show(practice.workshop))
    told = capsys.readouterr().out
    assert "churn_model_v2: ship" in told
    assert "treatment minus control: +" in told
    assert "guardrail fine: error_rate" in told
    assert "experiment_churn_model_v2.html" in told
