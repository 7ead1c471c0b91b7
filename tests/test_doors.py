"""The sign on a room's door names every file in it: who looks for something reads it there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rondo

ROOT = Path(rondo.__file__).parent
ROOMS = sorted(
    door.parent
    for door in ROOT.rglob("__init__.py")
    if sum(1 for _ in door.parent.glob("*.py")) > 3 and door.parent != ROOT
)
BY_SECTION = {"contract"}  # beside what its sign lists, one module per section of the project file


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_the_sign_names_every_file(room: Path) -> None:
    sign = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
    files = {file.name for file in room.glob("*.py")} - {"__init__.py", "__main__.py"}
    unnamed = {name for name in files if name not in sign}
    if room.name in BY_SECTION:
        unnamed = {name for name in unnamed if "Section" not in (room / name).read_text(encoding="utf-8")}
    assert unnamed == set()
