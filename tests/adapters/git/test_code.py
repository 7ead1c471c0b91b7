from __future__ import annotations

import subprocess
from pathlib import Path

from rondo.adapters.git.code import code_version


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_outside_git_nothing_is_claimed(tmp_path: Path) -> None:
    assert code_version(tmp_path) == {"commit": "", "dirty": "unknown", "diff": "", "branch": ""}


def test_changes_on_top_of_the_commit_are_marked_and_hashed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "develop")
    (tmp_path / "a.txt").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    clean = code_version(tmp_path)
    assert len(clean["commit"]) == 40
    assert (clean["dirty"], clean["diff"]) == ("no", "")
    assert clean["branch"] == "develop"
    git(tmp_path, "checkout", "-q", "--detach")
    assert code_version(tmp_path) == clean | {"branch": ""}
    (tmp_path / "a.txt").write_text("2")
    first = code_version(tmp_path)
    (tmp_path / "a.txt").write_text("3")
    second = code_version(tmp_path)
    assert first["dirty"] == second["dirty"] == "yes"
    assert first["diff"] != second["diff"]


def test_what_the_first_run_of_a_project_writes_is_no_change_of_the_code(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "rondo.yaml").write_text("project: churn\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    for name in (".dvc/config", ".dvcignore", "dvc.yaml", "dvc.lock", "metrics/evaluation.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("written by a run\n")
    git(tmp_path, "add", ".dvc", ".dvcignore")  # as DVC does by itself
    assert code_version(tmp_path)["dirty"] == "no"
