from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rondo.contract import LoadedProject, Project, check, load_project
from rondo.errors import ContractError

Load = Callable[[str | bytes], LoadedProject]


def test_each_value_knows_its_line(load: Load, tmp_path: Path) -> None:
    loaded = load(
        "# a comment\nproject: churn\nml_problem:\n  target: y\n\ndata:\n  sources:\n    a:\n      files: a.csv\n"
        "  join:\n  - base: a\n"
    )
    assert loaded.where("ml_problem", "target") == "rondo.yaml:4 ml_problem.target"
    assert loaded.where("data", "join", 0, "base") == "rondo.yaml:11 data.join[0].base"
    assert loaded.where("ml_problem", "baseline") == "rondo.yaml:3 ml_problem.baseline"
    assert loaded.line(("monitoring",)) == 2
    assert (loaded.path, loaded.folder) == (tmp_path / "rondo.yaml", tmp_path)


def test_it_knows_what_the_file_says_and_what_is_default(load: Load, minimal: str) -> None:
    loaded = load(minimal + "training: {split: {by: time}}\n")
    assert loaded.says("training", "split", "by")
    assert not loaded.says("training", "split", "test")
    assert not loaded.says("training", "split", "by", "x")
    assert loaded.raw["project"] == "churn"


def test_a_loaded_project_is_frozen(load: Load, minimal: str) -> None:
    loaded = load(minimal)
    with pytest.raises(AttributeError):
        loaded.path = Path("x")  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        loaded.project.project = "x"


def test_a_file_of_another_name_is_read_too(tmp_path: Path, minimal: str) -> None:
    path = tmp_path / "churn.yml"
    path.write_text(minimal)
    assert load_project(path).where("project") == "churn.yml:1 project"


def test_an_alias_repeats_a_value(load: Load, minimal: str) -> None:
    loaded = load(minimal.replace("[plan]", "&c [plan]") + "validation: {slices: *c}\n")
    assert loaded.project.validation.slices == ("plan",)
    assert loaded.where("validation", "slices", 0) == "rondo.yaml:7 validation.slices[0]"


def test_numbers_keep_their_kind(load: Load, minimal: str) -> None:
    project = load(minimal.replace("baseline: 0.65", "baseline: 1, positive: 1")).project
    assert (project.ml_problem.baseline, project.ml_problem.positive) == (1.0, 1)
    assert isinstance(project.ml_problem.positive, int)
    assert load(minimal.replace("baseline: 0.65", 'positive: "Yes"')).project.ml_problem.positive == "Yes"
    assert load(minimal.replace("baseline: 0.65", "positive: true")).project.ml_problem.positive is True


def read_or_refused(content: bytes) -> None:
    """Nothing but a ContractError may come of it, and each of its problems has a place and words."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "rondo.yaml").write_bytes(content)
        try:
            loaded = load_project(Path(folder))
        except ContractError as error:
            bad = [problem for problem in error.problems if not problem.what or not problem.where]
        else:
            bad = [f.problem for f in check(loaded) if not f.problem.mend]
    assert not bad


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes_are_a_project_or_a_contract_error(content: bytes) -> None:
    read_or_refused(content)


SECTIONS = sorted(Project.model_fields)
LEAVES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["auc_roc", "30d", "5%", "< 100ms", "int(1, 5)", "a", "0 2 * * *", "env:X", "1 req/s", "$5/day"])
)  # fmt: skip
WORDS = """target type entity event_time baseline sources files sql query http schema join base with on clean
missing fill outliers validate definitions rolling of window expr ratio python split by candidates search
params tuning steps canary model_metrics threshold alert_on unit offline_metrics min max variants metrics
stages name script inputs outputs schedule views categorical columns a b"""
KEYS = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(SECTIONS), VALUES, max_size=5))
def test_any_values_are_a_project_or_a_contract_error(sections: dict[str, Any]) -> None:
    whole = {
        "project": "x",
        "ml_problem": {"target": "y"},
        "data": {"sources": {"a": {"files": "f"}}},
    } | sections
    with suppress(yaml.YAMLError):
        read_or_refused(yaml.safe_dump(whole, allow_unicode=True).encode(errors="surrogatepass"))
