"""What a server has to install, and that it is enough."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from rondo.adapters.sqlstate import SqlStateStore
from rondo.records.layout import Layout
from rondo.testing.live_server import LiveServer, add_release, route

ROOT = Path(__file__).parents[1]
MOST_PACKAGES = 36
TRAINING = {
    "mlflow",
    "feast",
    "dvc",
    "optuna",
    "scikit-learn",
    "lightgbm",
    "pandas",
    "pyarrow",
    "scipy",
    "httpx",
}


def pinned(name: str) -> list[Requirement]:
    """The packages of a requirement file that this machine would install."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    found = [Requirement(line.rstrip(" \\")) for line in lines if line and line[0].isalnum()]
    return [one for one in found if one.marker is None or one.marker.evaluate()]


def test_the_base_install_is_small_and_holds_no_training_library() -> None:
    names = {one.name for one in pinned("base")}
    assert 0 < len(names) <= MOST_PACKAGES
    assert not names & TRAINING


@pytest.mark.parametrize("name", ["base", "train"])
def test_the_smaller_sets_are_parts_of_the_development_set(name: str) -> None:
    whole = {(one.name, str(one.specifier)) for one in pinned("dev")}
    assert {(one.name, str(one.specifier)) for one in pinned(name)} <= whole


@pytest.mark.parametrize("name", ["base", "train", "dev", "uv"])
def test_requirement_files_hold_hashes_and_name_no_index(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text


@pytest.mark.long
def test_the_base_install_answers_from_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = tmp_path / "base"
    python = environment / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(environment)], check=True, timeout=120)
    install = ["pip", "install", "-q", "--python", str(python), "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([*uv, *install, "-r", str(ROOT / "requirements" / "base.txt")], check=True, timeout=300)
    state = SqlStateStore(Layout(tmp_path).state)
    add_release(tmp_path, state, "1.0.0")
    route(state, {"1.0.0": 1.0})
    state.close()
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    with LiveServer(tmp_path, python=str(python)) as server:
        said = server.ask("POST", "/predict", {"age": 30.0, "plan": "basic", "user_id": 1})
        assert said.status == 200, said.body
        assert said.json["version"] == "1.0.0"
