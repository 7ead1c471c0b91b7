"""What every ModelRegistry promises, as tests that each adapter inherits."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondo.errors import Conflict, NotAvailable
from rondo.ports.tracking import ModelRegistry

MODEL = "churn"


class ModelRegistryTests:
    """Inherit and give a fixture `registry`: an empty registry."""

    @pytest.fixture
    def registry(self, tmp_path: Path) -> ModelRegistry:
        """An empty registry."""
        raise NotImplementedError

    @pytest.fixture
    def run_id(self) -> str:
        """A run that the versions come from; override where it must exist."""
        return ""

    @pytest.fixture
    def bundle(self, tmp_path: Path) -> Path:
        """A folder with files in it."""
        folder = tmp_path / "bundle"
        (folder / "python").mkdir(parents=True)
        (folder / "manifest.json").write_text('{"version": "1.0.0"}')
        (folder / "python" / "features.py").write_text("x = 1\n")
        return folder

    def test_a_bundle_comes_back_as_it_was(
        self, registry: ModelRegistry, bundle: Path, run_id: str, tmp_path: Path
    ) -> None:
        number = registry.register(MODEL, "1.0.0", run_id=run_id, bundle=bundle, tags={"a": "b"})
        registry.fetch(MODEL, number, tmp_path / "back")
        assert _files(tmp_path / "back") == _files(bundle)

    def test_the_same_bundle_twice_is_one_version(
        self, registry: ModelRegistry, bundle: Path, run_id: str
    ) -> None:
        first = registry.register(MODEL, "1.0.0", run_id=run_id, bundle=bundle, tags={})
        assert registry.register(MODEL, "1.0.0", run_id=run_id, bundle=bundle, tags={}) == first

    def test_a_version_is_one_bundle_for_ever(
        self, registry: ModelRegistry, bundle: Path, run_id: str
    ) -> None:
        registry.register(MODEL, "1.0.0", run_id=run_id, bundle=bundle, tags={})
        (bundle / "manifest.json").write_text('{"version": "1.0.0", "other": true}')
        with pytest.raises(Conflict):
            registry.register(MODEL, "1.0.0", run_id=run_id, bundle=bundle, tags={})

    def test_an_alias_points_to_one_version(self, registry: ModelRegistry, bundle: Path, run_id: str) -> None:
        first = registry.register(MODEL, "1.0.0", run_id=run_id, bundle=bundle, tags={})
        (bundle / "manifest.json").write_text('{"version": "1.0.1"}')
        second = registry.register(MODEL, "1.0.1", run_id=run_id, bundle=bundle, tags={})
        registry.set_roles(MODEL, {"production": first, "staging": second}, {first: "Production"})
        for _ in range(2):  # doing it twice changes nothing
            registry.set_roles(
                MODEL,
                {"production": second, "previous": first, "staging": None},
                {first: "Archived", second: "Production"},
            )
        assert dict(registry.roles(MODEL)) == {"production": second, "previous": first}

    def test_no_aliases_before_the_first_version(self, registry: ModelRegistry) -> None:
        assert dict(registry.roles(MODEL)) == {}

    def test_an_unknown_version_cannot_be_fetched(
        self, registry: ModelRegistry, bundle: Path, run_id: str, tmp_path: Path
    ) -> None:
        registry.register(MODEL, "1.0.0", run_id=run_id, bundle=bundle, tags={})
        with pytest.raises(NotAvailable):
            registry.fetch(MODEL, "77", tmp_path / "back")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
