"""What the documents say is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import rondo
from rondo.cli.app import app
from rondo.contract import load_project
from rondo.contract.checks import check

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]


def test_the_project_file_of_the_readme_is_accepted(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert found
    (tmp_path / "rondo.yaml").write_text(found[1])
    errors = [one for one in check(load_project(tmp_path)) if one.level == "error"]
    assert errors == []


def test_the_commands_of_the_readme_exist() -> None:
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {str(group.name) for group in app.registered_groups}
    named = set(re.findall(r"\brondo ([a-z]+)", README))
    assert named
    assert named <= known


def test_the_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_floors_are_those_that_are_held() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    shown = re.findall(r"^ ([a-z]+) {2,}", ARCHITECTURE, re.MULTILINE)
    assert shown == held


def test_every_room_and_adapter_is_named() -> None:
    for kind in ("stages", "adapters"):
        line = next(line for line in ARCHITECTURE.splitlines() if line.startswith(f" {kind} "))
        folders = (ROOT / "src" / "rondo" / kind).iterdir()
        for folder in sorted(one.name for one in folders if (one / "__init__.py").exists()):
            assert folder in line


def test_the_changelog_names_the_version() -> None:
    assert f"## {rondo.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), (page.name, target)
