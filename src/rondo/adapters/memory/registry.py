"""The model registry in memory."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rondo.errors import Conflict, NotAvailable
from rondo.records.release import RegistryStage


@dataclass(slots=True)
class _Model:
    bundles: dict[str, dict[str, bytes]] = field(default_factory=dict)  # number -> file -> bytes
    versions: dict[str, str] = field(default_factory=dict)  # our version -> number
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    stages: dict[str, RegistryStage] = field(default_factory=dict)


class MemoryModelRegistry:
    """A ModelRegistry that keeps every bundle's bytes in memory."""

    def __init__(self) -> None:
        self._models: dict[str, _Model] = {}
        self._lock = threading.Lock()

    def register(
        self, model: str, version: str, *, run_id: str, bundle: Path, tags: Mapping[str, str]
    ) -> str:
        """See ModelRegistry."""
        if not bundle.is_dir():
            raise NotAvailable("there is no bundle", where=str(bundle))
        files = {
            path.relative_to(bundle).as_posix(): path.read_bytes()
            for path in sorted(bundle.rglob("*"))
            if path.is_file()
        }
        with self._lock:
            kept = self._models.setdefault(model, _Model())
            if (number := kept.versions.get(version)) is not None:
                if kept.bundles[number] != files:
                    raise Conflict(f"version {version} of {model} is registered with another bundle")
                return number
            number = str(len(kept.versions) + 1)
            kept.versions[version] = number
            kept.bundles[number] = files
            kept.tags[number] = {**tags, "run_id": run_id}
            return number

    def set_roles(
        self, model: str, roles: Mapping[str, str | None], stages: Mapping[str, RegistryStage]
    ) -> None:
        """See ModelRegistry."""
        with self._lock:
            kept = self._known(model)
            for number in (*filter(None, roles.values()), *stages):
                if number not in kept.bundles:
                    raise NotAvailable(f"{model} has no version {number}")
            for role, points_to in roles.items():
                if points_to is None:
                    kept.aliases.pop(role, None)
                else:
                    kept.aliases[role] = points_to
            kept.stages.update(stages)

    def roles(self, model: str) -> Mapping[str, str]:
        """See ModelRegistry."""
        with self._lock:
            return dict(self._models[model].aliases) if model in self._models else {}

    def stages(self, model: str) -> Mapping[str, RegistryStage]:
        """Number -> stage word, for tests and people; other registries keep it as a tag."""
        with self._lock:
            return dict(self._known(model).stages)

    def fetch(self, model: str, registry_version: str, into: Path) -> None:
        """See ModelRegistry."""
        with self._lock:
            kept = self._known(model)
            if registry_version not in kept.bundles:
                raise NotAvailable(f"{model} has no version {registry_version}")
            files = dict(kept.bundles[registry_version])
        shutil.rmtree(into, ignore_errors=True)
        for name, data in files.items():
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def _known(self, model: str) -> _Model:
        if model not in self._models:
            raise NotAvailable(f"no model is registered as {model}")
        return self._models[model]
