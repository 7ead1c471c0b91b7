"""SIGKILL after every durable action of register, promote and rollback; the same command again finishes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.ports.tracking import ModelRegistry
from rondo.records.release import ServerReport
from rondo.stages.deployment import Means, promote, rollback, verify_bundle
from rondo.testing.deployment import registered
from rondo.testing.killing import FolderRegistry, killed
from rondo.testing.registry import ModelRegistryTests


class TestFolderRegistry(ModelRegistryTests):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> ModelRegistry:
        return FolderRegistry(tmp_path / "registry")


@dataclass(frozen=True)
class Opened:
    root: Path
    store: SqlStateStore
    registry: FolderRegistry

    @property
    def means(self) -> Means:
        return Means("tiny", self.root, self.store, self.registry)


class Opener:
    """Opens a project, and closes it again."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __enter__(self) -> Opened:
        self.store = SqlStateStore(self.root / ".rondo" / "state.db")
        return Opened(self.root, self.store, FolderRegistry(self.root / "registry"))

    def __exit__(self, *_: object) -> None:
        self.store.close()


def register_new(project: Opened) -> None:
    registered(project.root, project.store, project.registry, "1.3.0")


def promote_new(project: Opened) -> None:
    promote("1.2.0", project.means, by="ann", reason="better")


def roll_back(project: Opened) -> None:
    rollback(project.means, by="ann", reason="worse")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """1.0.0 was in production, 1.1.0 is, 1.2.0 waits; one server runs that has every version warm."""
    root = tmp_path_factory.mktemp("project")
    with Opener(root) as project:
        for version in ("1.0.0", "1.1.0"):
            registered(root, project.store, project.registry, version)
            promote(version, project.means, by="ann", reason="first")
        registered(root, project.store, project.registry, "1.2.0")
        warm = ("1.0.0", "1.1.0", "1.2.0")
        seen = datetime.now(UTC) + timedelta(days=1)
        project.store.report_server(ServerReport("a", 1, "", warm, {}, 10**9, seen, answered=10**9))
    return root


def done(action: Callable[[Opened], None], root: Path) -> None:
    with Opener(root) as project:
        action(project)


def outcome(project: Opened) -> dict[str, Any]:
    """What a user can tell apart; who registered when is not among it."""
    store = project.store
    releases = [
        {key: value for key, value in asdict(release).items() if key != "registered_at"}
        for release in store.releases()
    ]
    told = store.roles_to_mirror()
    return {
        "releases": releases,
        "history": store.production_history(),
        "weights": dict(store.routes().weights),
        "generation": store.routes().generation,
        "roles": dict(project.registry.roles("tiny")),
        "stages": project.registry.read("stages"),
        "to mirror": told,
        "wanted": store.wanted_warm().version,
        "events": [event.kind for event in store.events()],
        "bundles": sorted(path.name for path in (project.root / ".rondo" / "releases").iterdir()),
    }


def check_one_production(project: Opened) -> None:
    """Exactly one version is in production, it alone serves, its bundle is whole, the log is as written."""
    in_production = [release for release in project.store.releases() if release.stage == "Production"]
    assert len(in_production) == 1
    assert dict(project.store.routes().weights) == {in_production[0].version: 1.0}
    assert project.store.production_history()[-1] == in_production[0].version
    assert verify_bundle(project.root / in_production[0].bundle).bundle_id == in_production[0].bundle_id
    project.store.verify_events()


@pytest.mark.parametrize(
    ("action", "at_least"),
    [(register_new, 7), (promote_new, 10), (roll_back, 10)],
    ids=["register", "promote", "rollback"],
)
def test_a_killed_command_is_finished_by_doing_it_again(
    prepared: Path, tmp_path: Path, action: Callable[[Opened], None], at_least: int
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(prepared, whole)
    with Opener(whole) as project:
        action(project)
        wanted = outcome(project)
    moment = 1
    while True:
        root = tmp_path / str(moment)
        shutil.copytree(prepared, root)
        if not killed(partial(done, action, root), moment):
            break
        with Opener(root) as project:
            check_one_production(project)
            action(project)
            check_one_production(project)
            assert outcome(project) == wanted, f"killed at moment {moment}"
        moment += 1
    print(f"\n{action.__name__}: killed at {moment - 1} of {moment - 1} moments, finished")  # noqa: T201
    assert moment - 1 >= at_least
