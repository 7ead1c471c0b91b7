"""Without the mission document beside the checkout these tests skip and say so."""

from __future__ import annotations

import pytest

from mission import churn as practice
from mission.document import DOCUMENT
from rondo.assembly import Assembly, open_project
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection


@pytest.fixture(scope="session", autouse=True)
def _document() -> None:
    if not DOCUMENT.is_file():
        pytest.skip(f"there is no mission document at {DOCUMENT}")


@pytest.fixture(scope="session")
def churn(_document: None, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The project of the listings after its first round: version 1.0.0 passed every gate and serves."""
    folder = practice.write(tmp_path_factory.mktemp("churn"), practice.project_file(), practice.table())
    project = open_project(folder)
    went = go_round(project, Selection(), by="test")
    assert not went.refused, went.release
    return project
