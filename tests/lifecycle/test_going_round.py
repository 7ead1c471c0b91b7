from __future__ import annotations

from pathlib import Path

import pytest

from rondo.assembly import open_project
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.stillness import recall

PROJECT = """
project: p
ml_problem: {target: y, baseline: 0.6}
data: {sources: {a: {files: input.csv}}}
pipeline:
  builtin: false
  stages:
    - {name: copy, script: copy_input.py, inputs: [input.csv], outputs: [out.csv]}
"""
COPY = "import pathlib\npathlib.Path('out.csv').write_text(pathlib.Path('input.csv').read_text())\n"
EDIT_MEANWHILE = COPY + "pathlib.Path('input.csv').write_text('a,b\\n1,2\\n')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rondo.yaml").write_text(PROJECT)
    (tmp_path / "input.csv").write_text("a\n1\n")
    return tmp_path


@pytest.mark.parametrize(("script", "still"), [(COPY, True), (EDIT_MEANWHILE, False)])
def test_an_input_that_is_edited_during_a_round_is_not_taken_for_settled(
    folder: Path, script: str, still: bool
) -> None:
    (folder / "copy_input.py").write_text(script)
    go_round(open_project(folder), Selection(), by="test")
    assert (recall(folder) is not None) is still
