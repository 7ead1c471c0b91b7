"""3.2: the pipeline of the listing runs as it is printed, and so do its commands on what Rondo writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mission.document import listing
from rondo.assembly import Assembly, open_project
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection

FILE = """\
project: churn
ml_problem: {type: binary_classification, target: is_churned, baseline: 0.65}
data:
  sources: {dataset: {files: data/raw/dataset.csv}}
"""
SCRIPTS = {
    "src/data/prepare.py": """\
from pathlib import Path
lines = Path("data/raw/dataset.csv").read_text().splitlines()
Path("data/processed").mkdir(parents=True, exist_ok=True)
Path("data/processed/train.parquet").write_text("\\n".join(lines[::2]))
Path("data/processed/test.parquet").write_text("\\n".join(lines[1::2]))
""",
    "src/train.py": """\
import json, yaml
from pathlib import Path
params = yaml.safe_load(Path("params.yaml").read_text())["train"]
for folder in ("models", "metrics"):
    Path(folder).mkdir(exist_ok=True)
Path("models/model.pkl").write_text(Path("data/processed/train.parquet").read_text() + str(params))
Path("metrics/train_metrics.json").write_text(json.dumps({"epochs": params["epochs"]}))
""",
}


def dvc(folder: Path, *words: str) -> str:
    # The scripts of the listing are run by the word `python`.
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def commands() -> list[list[str]]:
    """The commands of the second listing, without the word dvc."""
    lines = listing("3.2", 1).text.splitlines()
    return [line.split()[1:] for line in lines if line.startswith("dvc ")]


def ignored(folder: Path, path: str) -> bool:
    return subprocess.run(["git", "check-ignore", "-q", path], cwd=folder, check=False).returncode == 0


def test_the_pipeline_of_the_listing_runs_and_skips_what_did_not_change(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            **SCRIPTS,
            "dvc.yaml": listing("3.2").text,
            "params.yaml": "train: {epochs: 3, learning_rate: 0.1}\n",
            "data/raw/dataset.csv": "a\nb\nc\n",
        },
    )
    git(tmp_path, "init", "-q")
    dvc(tmp_path, "init", "-q")

    first = dvc(tmp_path, "repro")
    again = dvc(tmp_path, "repro")
    (tmp_path / "params.yaml").write_text("train: {epochs: 4, learning_rate: 0.1}\n")
    tuned = dvc(tmp_path, "repro")

    assert "Running stage 'prepare_data'" in first
    assert "Running stage 'train'" in first
    assert "Running stage" not in again
    assert "Running stage 'train'" in tuned
    assert "Running stage 'prepare_data'" not in tuned
    # What is cached is kept out of git; the metrics are not, so that git compares them.
    assert ignored(tmp_path, "models/model.pkl")
    assert ignored(tmp_path, "data/processed/train.parquet")
    assert not ignored(tmp_path, "metrics/train_metrics.json")
    assert json.loads((tmp_path / "metrics/train_metrics.json").read_text()) == {"epochs": 4}


def test_a_rondo_project_is_such_a_pipeline(churn: Assembly) -> None:
    ours = yaml.safe_load((churn.layout.root / "dvc.yaml").read_text())["stages"]
    printed = yaml.safe_load(listing("3.2").text)["stages"]
    used = {key for stage in printed.values() for key in stage}
    assert used <= {key for stage in ours.values() for key in stage}
    assert ours["validation"]["metrics"] == [{"metrics/evaluation.json": {"cache": False}}]
    assert not ignored(churn.layout.root, "metrics/evaluation.json")
    assert ignored(churn.layout.root, "data/processed")


@pytest.fixture
def project(tmp_path: Path) -> Assembly:
    """A Rondo project whose raw data lies where the listing has it, with a remote; only its data is made."""
    folder = tmp_path / "project"
    write(folder, {"rondo.yaml": FILE, "data/raw/dataset.csv": "user_id,is_churned\n1,0\n2,1\n"})
    git(folder, "init", "-q")
    dvc(folder, "init", "-q")
    dvc(folder, "remote", "add", "-q", "-d", "store", str(tmp_path / "remote"))
    return open_project(folder)


def test_the_commands_of_the_listing_work_on_a_rondo_project(project: Assembly) -> None:
    root = project.layout.root
    add, repro, diff, pull = commands()

    dvc(root, *add)
    go_round(project, Selection(only=("extract", "data")), by="test")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    dvc(root, "push", "-q")
    (root / "data/raw/dataset.csv").write_text("user_id,is_churned\n1,0\n2,1\n3,1\n")
    dvc(root, *add)
    ran = dvc(root, *repro, "data")  # what Rondo declared is DVC's own to run
    told = dvc(root, *diff)
    still = go_round(project, Selection(only=("extract", "data")), by="test")
    dvc(root, "push", "-q")
    (root / "data/raw/dataset.csv").unlink()
    dvc(root, *pull, "data/raw/dataset.csv")

    assert "Running stage 'extract'" in ran
    assert "data/raw/dataset.csv" in told
    assert not any(done.ran for done in still.stages)
    assert (root / "data/raw/dataset.csv").read_text().endswith("3,1\n")


def test_a_colleague_s_clone_pulls_and_reproduces_as_printed(churn: Assembly, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    _, repro, _, pull = commands()
    shutil.copytree(churn.layout.root, ours)
    dvc(ours, "remote", "add", "-q", "-d", "store", str(tmp_path / "remote"))
    git(ours, "add", ".")
    git(ours, "commit", "-qm", "the first round")
    dvc(ours, "push", "-q")

    git(tmp_path, "clone", "-q", str(ours), str(theirs))
    shutil.copy2(ours / "customers.parquet", theirs)  # the source itself is not kept in git
    dvc(theirs, *pull)
    again = dvc(theirs, *repro)

    assert "Data and pipelines are up to date" in again
    mine, hers = (list((folder / "data/processed").glob("*.parquet")) for folder in (ours, theirs))
    assert [one.read_bytes() for one in mine] == [one.read_bytes() for one in hers]
