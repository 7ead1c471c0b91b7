"""The pure part of a path: what it names."""

from __future__ import annotations

import glob
from pathlib import Path

import pytest

from rondo.adapters.files.pattern import literal, matches

PATHS = (
    "a.csv",
    "x/a.csv",
    "x/y/a.csv",
    "x/y/b.csv",
    "x/date=2024-01-01/p.parquet",
    "x/date=2024-02-01/p.parquet",
)
PATTERNS = (
    "a.csv", "*.csv", "x/*", "x/*/a.csv", "**/*.csv", "x/**/*.csv", "x/**", "**", "x/date=2024-0[1]-*/*.parquet",
    "x/?/a.csv", "**/y/**/b.csv", "nothing/**/*.csv",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_object_store_is_searched_as_a_folder_is(tmp_path: Path, pattern: str) -> None:
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    in_folder = {
        found
        for found in glob.glob(pattern, root_dir=tmp_path, recursive=True)
        if (tmp_path / found).is_file()
    }
    assert {path for path in PATHS if matches(path, pattern)} == in_folder
    assert all(path.startswith(literal(pattern)) for path in in_folder)
