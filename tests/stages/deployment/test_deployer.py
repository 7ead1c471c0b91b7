from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.adapters.memory import MemoryModelRegistry
from rondo.errors import NotAvailable
from rondo.stages.deployment import ModelDeployer
from rondo.stages.deployment.deployer import history_in, promoting, rolling_back

MODEL = "churn"


@pytest.fixture
def filled(registry: MemoryModelRegistry, tmp_path: Path) -> MemoryModelRegistry:
    """A registry with the versions 1 to 4."""
    for number in range(1, 5):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps({"version": f"1.{number}.0"}))
        registry.register(MODEL, f"1.{number}.0", run_id="", bundle=folder, tags={})
    return registry


def test_exactly_one_version_is_in_production(filled: MemoryModelRegistry) -> None:
    deployer = ModelDeployer(filled)
    assert deployer.get_production_model(MODEL) is None
    for version in "123":
        assert deployer.promote_to_production(MODEL, version) == version
    assert deployer.get_production_model(MODEL) == "3"
    assert filled.stages(MODEL) == {"1": "Archived", "2": "Archived", "3": "Production"}


def test_rolling_back_twice_goes_two_versions_back(filled: MemoryModelRegistry) -> None:
    deployer = ModelDeployer(filled)
    for version in "1243":  # by history, not by the highest number
        deployer.promote_to_production(MODEL, version)
    assert [deployer.rollback(MODEL) for _ in range(3)] == ["4", "2", "1"]
    assert filled.stages(MODEL) == {"1": "Production", "2": "Archived", "3": "Archived", "4": "Archived"}
    with pytest.raises(ValueError, match="no version of churn was in production before 1"):
        deployer.rollback(MODEL)
    assert deployer.get_production_model(MODEL) == "1"


def test_the_version_before_can_stay_at_hand(filled: MemoryModelRegistry) -> None:
    deployer = ModelDeployer(filled)
    deployer.promote_to_production(MODEL, "1")
    deployer.promote_to_production(MODEL, "2", archive_current=False)
    assert filled.stages(MODEL) == {"1": "Staging", "2": "Production"}
    assert deployer.rollback(MODEL) == "1"


def test_promoting_what_is_in_production_changes_nothing(filled: MemoryModelRegistry) -> None:
    deployer = ModelDeployer(filled)
    for version in "122":
        deployer.promote_to_production(MODEL, version)
    assert deployer.history(MODEL) == ("1", "2")


def test_an_unknown_version_changes_nothing(filled: MemoryModelRegistry) -> None:
    deployer = ModelDeployer(filled)
    deployer.promote_to_production(MODEL, "1")
    with pytest.raises(NotAvailable):
        deployer.promote_to_production(MODEL, "77")
    assert deployer.history(MODEL) == ("1",)


@given(st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=8), st.sampled_from("ABCDEF"), st.booleans())
def test_whoever_dies_between_two_aliases_leaves_the_history_of_before_or_after(
    promoted: list[str], next_version: str, back: bool
) -> None:
    before = tuple(one for one, last in zip(promoted, [None, *promoted], strict=False) if one != last)
    after = before[:-1] if back else before if before[-1] == next_version else (*before, next_version)
    if not after:
        return
    moves = rolling_back(before, after) if back else promoting(after)
    roles = {alias: number for alias, number in promoting(before).items() if number}
    for alias, number in moves.items():
        assert history_in(roles) in (before, after)
        if number is None:
            roles.pop(alias, None)
        else:
            roles[alias] = number
    assert history_in(roles) == after
