"""Small projects and tables for the tests of the features room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.adapters.feast.store import FeastFeatureStore
from rondo.bundle.plan import FeaturePlan
from rondo.contract import Project
from rondo.records.dataset import Column, Dataset
from rondo.records.files import write_record


@pytest.fixture
def make_project() -> Callable[..., Project]:
    """A project over rows of `who` at `at` with the target `y`; sections are given as in the file."""

    def make(features: dict[str, Any] | None = None, **sections: Any) -> Project:
        problem = {"target": "y", "entity": "who", "event_time": "at", **sections.pop("ml_problem", {})}
        data = {"sources": {"rows": {"files": "rows.parquet"}}, **sections.pop("data", {})}
        return Project.model_validate(
            {"project": "small", "ml_problem": problem, "data": data, "features": features or {}, **sections}
        )

    return make


@pytest.fixture
def columns_of() -> Callable[[pl.DataFrame], tuple[Column, ...]]:
    """The columns of a table as the data room writes them down."""
    return _columns


@pytest.fixture
def process(tmp_path: Path) -> Callable[[pl.DataFrame], Path]:
    """Leaves a table as the data room would, and gives its folder."""

    def write(table: pl.DataFrame, version: str = "1.0.0") -> Path:
        folder = tmp_path / "data" / "processed"
        folder.mkdir(parents=True, exist_ok=True)
        file = f"data_v{version}.parquet"
        table.write_parquet(folder / file)
        at = datetime(2024, 1, 1, tzinfo=UTC)
        write_record(
            folder / "dataset.json",
            Dataset(version, "first", f"hash {version}", table.height, _columns(table), file, at),
        )
        return folder

    return write


class StoreWithoutRegistry(FeastFeatureStore):
    """The store with its real files and online rows; only Feast's registry, seconds to import, is left out."""

    def _apply(self, plan: FeaturePlan, types: object) -> None:
        pass


@pytest.fixture
def store(tmp_path: Path) -> FeastFeatureStore:
    """A fresh feature store."""
    return StoreWithoutRegistry(tmp_path / "feature_repo", tmp_path / ".rondo" / "online.db", "small")


def _columns(table: pl.DataFrame) -> tuple[Column, ...]:
    return tuple(Column(name, _logical(dtype)) for name, dtype in table.schema.items())


def _logical(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "int"
    if dtype.is_float():
        return "float"
    if dtype.is_temporal():
        return "date" if dtype == pl.Date else "datetime"
    return "bool" if dtype == pl.Boolean else "string"
