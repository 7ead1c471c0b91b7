"""An empty MLflow store per test, copied from one that MLflow made once: making it takes seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rondo.adapters.mlflow.product import open_client


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    open_client(f"sqlite:///{path}")
    return path


@pytest.fixture
def project(tmp_path: Path, empty_store: Path) -> Path:
    """A folder with `mlflow.db` in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder


@pytest.fixture
def uri(project: Path) -> str:
    return f"sqlite:///{project}/mlflow.db"
