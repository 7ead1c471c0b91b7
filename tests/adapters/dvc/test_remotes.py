"""What Rondo committed is DVC's own: its commands push it to a folder or a bucket, and pull it into a fresh clone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rondo.assembly import open_project
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.testing.servers import S3Server

FILE = """\
project: churn
ml_problem: {type: binary_classification, target: is_churned, baseline: 0.65}
data:
  sources: {dataset: {files: data/raw/dataset.csv}}
"""
RAW = "user_id,is_churned\n1,0\n2,1\n"
STAGES = Selection(only=("extract", "data"))

# All commands of a step in one process: starting DVC takes longer than what it does.
_DVC = """
import contextlib, io, json, sys
from dvc.cli import main
told = []
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main(words)
    told.append([code, said.getvalue()])
print(json.dumps(told))
"""


def dvc(folder: Path, *commands: str, code: int = 0) -> list[str]:
    """What the commands say, each as it would be written after the word dvc."""
    done = subprocess.run(
        [sys.executable, "-c", _DVC, json.dumps([command.split() for command in commands])],
        cwd=folder,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert [found for found, _ in told] == [0] * (len(told) - 1) + [code], done.stderr
    assert "secret-of-the-tests" not in done.stdout + done.stderr
    return [said for _, said in told] if code == 0 else [done.stderr]


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(params=["bucket", pytest.param("folder", marks=pytest.mark.long)])
def remote(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, list[str]]:
    """The remote's URL, and the commands that make it known; keys come from the environment alone."""
    if request.param == "folder":
        return str(tmp_path / "remote"), []
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.environment.items():
        if name != "AWS_ENDPOINT_URL":
            monkeypatch.setenv(name, value)
    return f"{server.bucket('dvc-remote')}/churn", [f"remote modify store endpointurl {server.url}"]


def test_a_fresh_clone_pulls_what_was_pushed_and_has_nothing_to_do(
    tmp_path: Path, remote: tuple[str, list[str]]
) -> None:
    url, settings = remote
    folder = tmp_path / "project"
    (folder / "data" / "raw").mkdir(parents=True)
    (folder / "rondo.yaml").write_text(FILE)
    (folder / "data" / "raw" / "dataset.csv").write_text(RAW)
    git(folder, "init", "-q")
    ran = go_round(open_project(folder), STAGES, by="test")
    assert [done.ran for done in ran.stages] == [True, True]
    dvc(folder, "add data/raw/dataset.csv", f"remote add -d store {url}", *settings, "push")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    made = {path: (folder / path).read_bytes() for path in outputs(folder)}

    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(folder), str(clone))
    assert not outputs(clone)
    pulled, status, repro = dvc(clone, "pull -d data", "status data", "repro data")
    assert "data/raw/dataset.csv" in pulled or "added" in pulled
    assert "up to date" in status
    assert "Running stage" not in repro
    assert {path: (clone / path).read_bytes() for path in outputs(clone)} == made
    again = go_round(open_project(clone), STAGES, by="test")
    assert [done.ran for done in again.stages] == [False, False]

    (clone / "data" / "raw" / "dataset.csv").write_text(RAW + "3,1\n")
    _, told, _, status = dvc(clone, "add data/raw/dataset.csv", "diff", "push", "status -c -d data")
    assert "data/raw/dataset.csv" in told.partition("Modified:")[2].split()
    assert "in sync" in status


def test_a_bucket_that_is_not_there_is_told_without_keys(
    tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "a.csv").write_text(RAW)
    add = "remote add -d store s3://no-such-bucket/x"
    (said,) = dvc(tmp_path, "init --no-scm", "add a.csv", add, "push", code=1)
    assert "failed to push data to the cloud" in said or "does not exist" in said


def outputs(folder: Path) -> set[str]:
    """What is not in git."""
    found = {path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*") if path.is_file()}
    return {path for path in found if path.endswith((".csv", ".parquet", ".json"))}


@pytest.fixture(autouse=True)
def _no_cache_of_other_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a user of this machine keeps for all projects must not help.
    for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    assert shutil.which("git"), "git is not on this machine; install it: apt-get install git"
