from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rondo.contract import LoadedProject, load_project
from rondo.errors import ContractError, Problem

MINIMAL = """\
project: churn
ml_problem: {target: is_churned, event_time: date, baseline: 0.65}
data:
  sources:
    customers: {files: customers.csv}
features: {categorical: {columns: [plan]}}
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str | bytes], LoadedProject]:
    """Reads a text as the project file of an otherwise empty folder."""

    def read(text: str | bytes) -> LoadedProject:
        (tmp_path / "rondo.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
        return load_project(tmp_path)

    return read


@pytest.fixture
def problems(load: Callable[[str | bytes], LoadedProject]) -> Callable[[str | bytes], list[Problem]]:
    """The problems for which a text is refused."""

    def read(text: str | bytes) -> list[Problem]:
        with pytest.raises(ContractError) as caught:
            load(text)
        return list(caught.value.problems)

    return read


@pytest.fixture
def minimal() -> str:
    return MINIMAL
