"""5.2: the stages of the listing run as they are printed, tracked and cached; its schedule fires once per slot."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from mission.document import listing
from rondo.assembly import Assembly, open_project
from rondo.contract.cron import parse_cron
from rondo.errors import UserCodeError
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.schedule import next_due
from rondo.lifecycle.scheduled import do_what_is_due

FILE = """\
project: churn
ml_problem: {type: binary_classification, target: is_churned, baseline: 0.65}
data: {sources: {customers: {files: data/raw/customers.csv}}}
"""
SCRIPTS = {  # what each script of the listing leaves, from what it reads
    "src/validate_data.py": "write('reports/data_validation.html', read(RAW))",
    "src/feature_engineering.py": "write(FEATURES, read(RAW).upper())",
    "src/train.py": "write('models/model.txt', read('config/train_config.yaml') + read(FEATURES))",
    "src/evaluate.py": "write('reports/evaluation.html', read('models/model.txt') + read(FEATURES))",
}
TOOLS = """\
from pathlib import Path
RAW, FEATURES = 'data/raw/customers.csv', 'data/features/test.parquet'
def read(path): return Path(path).read_text()
def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
"""


@pytest.fixture
def project(tmp_path: Path) -> Assembly:
    for name, body in SCRIPTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TOOLS + body + "\n")
    for name, text in {"data/raw/customers.csv": "a,b\n", "config/train_config.yaml": "depth: 3\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    alone = listing("5.2").text.replace("pipeline:\n", "pipeline:\n  builtin: false\n", 1)
    (tmp_path / "rondo.yaml").write_text(FILE + alone, encoding="utf-8")
    return open_project(tmp_path)


def ran(project: Assembly) -> list[str]:
    return [done.name for done in go_round(project, Selection(), by="test").stages if done.ran]


def test_its_stages_run_once_and_then_only_what_changed(project: Assembly) -> None:
    root = project.layout.root
    printed = yaml.safe_load(listing("5.2").text)["pipeline"]["stages"]
    in_order = [stage["name"] for stage in printed]
    assert ran(project) == in_order
    for stage in printed:
        for output in stage["outputs"]:
            assert (root / output).exists(), output
    assert ran(project) == []

    (root / "config/train_config.yaml").write_text("depth: 4\n")
    assert ran(project) == ["train", "evaluate"]
    assert (root / "reports/evaluation.html").read_text().startswith("depth: 4")

    (root / "data/raw/customers.csv").write_text("a,b\n1,2\n")
    assert ran(project) == in_order
    told = subprocess.run(
        [sys.executable, "-m", "dvc", "status"], cwd=root, capture_output=True, text=True, check=True
    )
    assert "up to date" in told.stdout


def test_bad_data_stops_the_round_before_any_feature_is_computed(project: Assembly) -> None:
    root = project.layout.root
    (root / "src/validate_data.py").write_text("raise SystemExit('column b is empty')\n")
    with pytest.raises(UserCodeError, match="data_validation"):
        ran(project)
    assert not (root / "data/features").exists()
    assert not (root / "models").exists()


def test_the_schedule_runs_the_stages_once_per_night(project: Assembly) -> None:
    """What `rondo up` does at its looks at the clock: from the evening to the second morning."""
    at = [datetime(2026, 1, 1, 20, tzinfo=UTC)]
    up = open_project(project.layout.root, clock=lambda: at[0])
    rounds: list[list[str]] = []

    def looks(*moments: datetime) -> list[bool]:
        done = []
        for moment in moments:
            at[0] = moment
            done.append(do_what_is_due(up, lambda: rounds.append(ran(up))))
        return done

    night = datetime(2026, 1, 2, 2, tzinfo=UTC)
    before, after = night - timedelta(minutes=1), night + timedelta(minutes=1)
    assert looks(at[0], before, night, after) == [False, False, True, False]
    assert rounds == [["data_validation", "feature_engineering", "train", "evaluate"]]
    assert looks(before + timedelta(days=1), after + timedelta(days=1)) == [False, True]
    assert rounds[1:] == [[]]  # nothing changed since


def test_its_schedule_is_two_in_the_morning_every_day(project: Assembly) -> None:
    pipeline = project.project.pipeline
    assert pipeline.name == "churn-prediction-training"
    assert pipeline.schedule is not None
    cron = parse_cron(pipeline.schedule)
    slot = next_due(cron, ZoneInfo("UTC"), datetime(2026, 1, 1, 2, tzinfo=UTC))
    assert slot == datetime(2026, 1, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Seoul"])
def test_a_year_has_one_slot_per_day_however_clocks_change(zone: str) -> None:
    schedule = yaml.safe_load(listing("5.2").text)["pipeline"]["schedule"]
    cron, place = parse_cron(schedule), ZoneInfo(zone)
    moment, slots = datetime(2026, 1, 1, tzinfo=place).astimezone(UTC), []
    while (slot := next_due(cron, place, moment)) is not None and slot.astimezone(place).year == 2026:
        slots.append(slot)
        moment = slot
    assert len(slots) == 365
    assert len({slot.astimezone(place).date() for slot in slots}) == 365
    assert all(
        timedelta(hours=22) < later - earlier < timedelta(hours=26) for earlier, later in pairwise(slots)
    )
