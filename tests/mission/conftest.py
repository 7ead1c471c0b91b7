"""Without the mission document beside the checkout these tests skip and say so."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import polars as pl
import pytest

from mission import churn as practice
from mission.document import DOCUMENT, listing
from rondo.assembly import Assembly, open_project
from rondo.cli.project import NOT_FOR_GIT
from rondo.lifecycle.going_round import Round, go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.server_process import serving
from rondo.lifecycle.watching import Seen, decide, look, retrain_now

Git = Callable[..., str]


@pytest.fixture(scope="session", autouse=True)
def _document() -> None:
    if not DOCUMENT.is_file():
        pytest.skip(f"there is no mission document at {DOCUMENT}")


@pytest.fixture(scope="session")
def git() -> Git:
    """Runs git in a folder, as somebody, and gives what it said."""

    def run(folder: Path, *words: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        ended = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
        return ended.stdout.strip()

    return run


@pytest.fixture(scope="session")
def churn(_document: None, git: Git, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The project of the listings after its first round, on a release branch: 1.0.0 passed every gate and serves."""
    folder = practice.write(tmp_path_factory.mktemp("churn"), practice.project_file(), practice.table())
    (folder / ".gitignore").write_text("\n".join([*NOT_FOR_GIT, "customers.parquet", ""]), encoding="utf-8")
    git(folder, "init", "-q", "-b", "release/1.0")
    git(folder, "add", "rondo.yaml", ".gitignore")
    git(folder, "commit", "-qm", "first")
    project = open_project(folder)
    went = go_round(project, Selection(), by="test")
    assert not went.refused, went.release
    return project


@pytest.fixture(scope="session")
def again(churn: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The project after a month passed, a month of rows came, and a retrain went round."""
    folder = tmp_path_factory.mktemp("again") / "churn"
    shutil.copytree(churn.layout.root, folder)
    newest = practice.table(months=1, seed=8).with_columns(pl.col("event_timestamp").dt.offset_by("26mo"))
    pl.concat([practice.table(), newest]).write_parquet(folder / "customers.parquet")
    project = open_project(folder, clock=lambda: churn.clock() + timedelta(days=31))

    decision = decide(project)
    went = retrain_now(project, decision)

    assert decision.reasons == ("scheduled_retrain",)
    assert not went.refused, went.release
    return project


@pytest.fixture(scope="session")
def refused(_document: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Assembly, Round]:
    """A round whose model is asked for more than it is, and cannot explain itself."""
    criteria = listing("2.2").values()["success_criteria"]
    criteria["offline_metrics"]["accuracy"] = {"min": 0.9999, "target": 1.0}
    file = practice.project_file(
        success_criteria=criteria,
        data_requirements=listing("2.1").values()["project_definition"]["data_requirements"]
        | {"minimum_samples": 5_000},
        retraining={"max_days_without_training": 30},
    )
    file["ml_problem"]["baseline"] = 0.9999
    file["training"]["candidates"] = [{"estimator": "sklearn.neighbors.KNeighborsClassifier", "params": {}}]
    folder = practice.write(tmp_path_factory.mktemp("refused"), file, practice.table(customers=250))
    project = open_project(folder)
    return project, go_round(project, Selection(), by="test")


@dataclass(frozen=True)
class Watched:
    """A project whose server answered, what a look at it found, and again after its world turned round."""

    project: Assembly
    first: Seen
    later: Seen
    explained: list[tuple[dict[str, Any], dict[str, Any]]]
    """Answers of the server beside its explanations of them."""


def _post(url: str, body: Any) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _ask(url: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    asked = [{name: row[name] for name in practice.ASKED} for row in rows]
    batches = [asked[start : start + 20] for start in range(0, len(asked), 20)]
    return [one for batch in batches for one in _post(f"{url}/predict", {"rows": batch})["predictions"]]


@pytest.fixture(scope="session")
def watched(churn: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """600 answers, half with their outcome; then as many to older people, and every outcome is the other one."""
    folder: Path = tmp_path_factory.mktemp("watched") / "churn"
    shutil.copytree(churn.layout.root, folder)
    project = open_project(folder)
    rows = practice.table(customers=600, months=1, seed=11).to_dicts()
    older = [row | {"age": row["age"] + 60} for row in rows]
    with serving(folder) as server:
        answers = _ask(server.url, rows)
        asked = [{name: row[name] for name in practice.ASKED} for row in rows[:10]]
        explained = _post(f"{server.url}/explain", {"rows": asked})["explanations"]
        told = [(answer, row["is_churned"]) for answer, row in zip(answers[:300], rows, strict=False)]
        _feedback(server.url, told)
    first = look(project)
    with serving(folder) as server:
        turned = _ask(server.url, older)
        _feedback(server.url, [(answer, 1 - int(answer["label"])) for answer in turned])
    later = look(project)
    return Watched(project, first, later, list(zip(answers, explained, strict=False)))


def _feedback(url: str, told: list[tuple[dict[str, Any], int]]) -> None:
    items = [{"prediction_id": answer["prediction_id"], "outcome": outcome} for answer, outcome in told]
    _post(f"{url}/feedback", {"items": items})
