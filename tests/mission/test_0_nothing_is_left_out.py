"""Every section and every listing of the document has its test and its line in docs/mission.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mission.document import listings, sections

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "mission.md"


def test_every_listing_has_a_test_named_after_its_section() -> None:
    for one in listings():
        number = one.section.replace(".", "_")
        assert list(HERE.glob(f"test_{number}_*.py")), one.section


def test_every_exercise_has_a_test() -> None:
    for one in sections():
        if one.startswith("exercise"):
            assert list(HERE.glob(f"test_{one.replace(' ', '_')}_*.py")), one


@pytest.mark.parametrize("number", ["1", "2", "3", "4", "5", "6", "7", "8", "9"])
def test_the_page_tells_every_section(number: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    told = set(re.findall(r"^## (\d+(?:\.\d+)?)", page, re.MULTILINE))
    asked = {one for one in sections() if one.split(".")[0] == number}
    deeper = {one for one in asked if "." in one} or asked
    assert deeper <= told


def test_every_proof_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text(encoding="utf-8")))
    assert len(named) >= len(listings())
    for path, function in sorted(named):
        file = HERE.parents[1] / path
        assert file.is_file(), path
        assert f"def {function}" in file.read_text(encoding="utf-8"), f"{path}::{function}"
