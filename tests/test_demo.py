"""The whole story on a small shop: every chapter checks by itself that it really happened."""

from __future__ import annotations

from pathlib import Path

from rondo.cli.project import write_project
from rondo.ports.progress import Silent
from rondo.shop.page import write_page
from rondo.shop.story import tell_story


def test_the_story_goes_all_the_way_round(tmp_path: Path) -> None:
    said: list[str] = []
    story = tell_story(
        tmp_path / "shop",
        customers=600,
        seed=7,
        make_project=lambda folder: write_project(folder, "shop"),
        say=said.append,
        progress=Silent(),
    )
    assert story.tally.failed == 0
    assert set(story.tally.versions) == {"1.0.0", "1.0.1"}
    page = write_page(story, 1.0).read_text()
    assert "0 of" in page
    assert "1.0.1" in page
