from __future__ import annotations

import shutil
from pathlib import Path

from rondo.adapters.memory import MemoryStateStore
from rondo.bundle.plan import FeaturePlan
from rondo.lifecycle.needed_views import ROLLBACKS, needed_views
from rondo.records.files import read_record, write_record
from rondo.testing.live_server import add_release, route


def released(root: Path, *versions: str) -> tuple[MemoryStateStore, dict[str, str]]:
    """The versions in production one after the other, each with a definition of its own."""
    state, kept = MemoryStateStore(), {}
    for number, version in enumerate(versions):
        release = add_release(root, state, version)
        path = root / release.bundle / "plan.json"
        plan = read_record(path, FeaturePlan)
        views = {view: fields[: 1 + number % 2] for view, fields in plan.views.items()}
        other = FeaturePlan(
            **{**{name: getattr(plan, name) for name in plan.__dataclass_fields__}, "views": views}
        )
        write_record(path, other)
        kept[version] = other.kept_views[0]
        route(state, {version: 1.0})
    return state, kept


def test_what_serves_or_may_come_back_is_needed(tmp_path: Path) -> None:
    state, kept = released(tmp_path, "1.0.0", "1.1.0")
    assert needed_views(state, tmp_path) == {kept["1.0.0"], kept["1.1.0"]}


def test_before_the_first_release_nothing_is_needed(tmp_path: Path) -> None:
    assert needed_views(MemoryStateStore(), tmp_path) == frozenset()


def test_nothing_may_be_forgotten_while_a_bundle_is_not_here(tmp_path: Path) -> None:
    state, _ = released(tmp_path, "1.0.0", "1.1.0")
    shutil.rmtree(tmp_path / state.releases()[0].bundle)
    assert needed_views(state, tmp_path) is None


def test_who_left_production_long_ago_is_not_asked(tmp_path: Path) -> None:
    versions = [f"1.{number}.0" for number in range(ROLLBACKS + 3)]
    state, _ = released(tmp_path, *versions)
    shutil.rmtree(tmp_path / state.releases()[0].bundle)
    assert needed_views(state, tmp_path) is not None
