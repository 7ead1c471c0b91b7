from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rondo.errors import ContractError, CorruptArtifact, NotAvailable
from rondo.shop import SavedWorld, ShopSpec, load_world, save_world


@pytest.mark.parametrize("change_day", [None, date(2025, 5, 1)])
@pytest.mark.parametrize("published", [None, date(2025, 3, 1)])
def test_a_world_is_read_as_it_was_saved(
    tmp_path: Path, change_day: date | None, published: date | None
) -> None:
    world = SavedWorld(ShopSpec(seed=2**60, customers=5, days=3, change_day=change_day, dirt=0.0), published)
    save_world(tmp_path / "new", world)
    assert load_world(tmp_path / "new") == world


def test_all_that_is_wrong_with_a_spec_is_told_at_once() -> None:
    with pytest.raises(ContractError) as found:
        ShopSpec(seed=-1, customers=0, days=0, dirt=0.5)
    assert [problem.where for problem in found.value.problems] == [
        "shop.seed",
        "shop.customers",
        "shop.days",
        "shop.dirt",
    ]


def test_a_folder_without_a_world_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"shop\.json.*rondo init"):
        load_world(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": 2}', '{"format": 1, "spec": {"seed": 1}, "published": null}', "\x00"],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "shop.json").write_text(text)
    with pytest.raises(CorruptArtifact, match=r"shop\.json"):
        load_world(tmp_path)


def test_a_wrong_value_in_the_file_is_refused(tmp_path: Path) -> None:
    path = save_world(tmp_path, SavedWorld(ShopSpec(), None))
    path.write_text(path.read_text().replace("2024-01-01", "some day"))
    with pytest.raises(CorruptArtifact, match="some day"):
        load_world(tmp_path)
