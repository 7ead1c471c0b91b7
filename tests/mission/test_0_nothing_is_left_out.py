"""Every section and every listing of the document has its test and its line in docs/mission.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from mission.document import listing, listings, sections
from rondo.contract import check, load_project

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


CLASSES = (
    "DataPipeline",
    "FeatureEngineer",
    "ModelTrainer",
    "ModelValidator",
    "ModelDeployer",
    "RetrainingTrigger",
)
MEANT_AS_A_WHOLE = {"control", "treatment", "description", "use_case"}
"""Keys of the listings that the page tells without naming them."""


def keys_of(value: object) -> set[str]:
    if not isinstance(value, dict):
        return set()
    return {str(key) for key in value} | {below for one in value.values() for below in keys_of(one)}


@pytest.mark.parametrize("section", ["2.1", "2.2", "6.2", "7.1", "8.1", "8.2", "9.1", "9.2"])
def test_the_page_names_every_key_of_a_listing(section: str) -> None:
    one = listing(section)
    values = yaml.safe_load(one.text)["versioning"] if one.language == "yaml" else one.values()
    keys = {key for value in values.values() for key in keys_of(value)} - MEANT_AS_A_WHOLE
    if section == "9.2":
        keys = {min(keys), max(keys)}  # the story is told as a whole
    told = _told(section)
    assert sorted(key for key in keys if not re.search(rf"\b{re.escape(key)}\b", told)) == []


@pytest.mark.parametrize(
    ("section", "name"), list(zip(("3.1", "4.1", "5.1", "6.1", "7.2", "8.2"), CLASSES, strict=True))
)
def test_the_page_names_every_method_of_a_listing(section: str, name: str) -> None:
    told = _told(section)
    methods = listing(section).methods(name).keys() - {"__init__"}
    assert sorted(method for method in methods if method not in told) == []


def _told(section: str) -> str:
    page = PAGE.read_text(encoding="utf-8")
    return re.split(r"^## ", page.partition(f"\n## {section} ")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_every_proof_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text(encoding="utf-8")))
    assert len(named) >= len(listings())
    for path, function in sorted(named):
        file = HERE.parents[1] / path
        assert file.is_file(), path
        assert f"def {function}" in file.read_text(encoding="utf-8"), f"{path}::{function}"


def test_all_listings_stand_together_in_one_file(tmp_path: Path) -> None:
    """As they are printed, with a source and a feature that they leave open; files that they name are not there."""
    definition = listing("2.1").literal("project_definition").strip()
    rest = "project: churn,\n data: {sources: {customers: {files: customers.csv}}},\n"
    rest += "features: {categorical: {columns: [plan]}},\n"
    others = {
        "success_criteria": listing("2.2").literal("success_criteria"),
        "ab_test": listing("6.2").literal("ab_test_config"),
        "monitoring": listing("8.1").literal("monitoring_config"),
        "retraining": listing("8.2").literal("retrain_config"),
    }
    rest += "".join(f"{name}: {text},\n" for name, text in others.items())
    plain = {**yaml.safe_load(listing("5.2").text), **yaml.safe_load(listing("9.1").text)}
    rest += "".join(f"{name}: {json.dumps(value)},\n" for name, value in plain.items())
    (tmp_path / "rondo.yaml").write_text(definition.replace("{", "{" + rest, 1), encoding="utf-8")

    findings = check(load_project(tmp_path))

    assert [str(finding) for finding in findings if finding.level == "error"] == []
    said = "\n".join(str(finding.problem) for finding in findings)
    for missing in ("src/train.py", "config/train_config.yaml", "customers.csv"):
        assert f"'{missing}' does not exist" in said
    assert "models/' does not exist" not in said  # a stage makes it
    assert "nothing in the file is named 'usage_patterns'" in said
