"""Where runs are remembered and models are registered."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from rondo.records.release import RegistryStage


class Run(Protocol):
    """One run being recorded; leaving its block ends it, as failed when an exception passes."""

    @property
    def run_id(self) -> str:
        """The tracker's own id."""

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Parameters, before the work begins, so that a failed run tells what it tried."""

    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        """Figures; those that are not finite are left out and named in the tag `rondo.not_finite`."""

    def log_dataset(self, name: str, *, digest: str, rows: int, context: str, source: str) -> None:
        """A dataset with its size and digest; context is training, validation or test."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Words to find the run by."""

    def log_json(self, file: str, content: Any) -> None:
        """A small artefact."""

    def log_folder(self, folder: Path, *, under: str) -> None:
        """Every file of a folder as artefacts."""

    def log_model(self, graph: Path, *, name: str, numerical: int, categorical: int, outputs: int) -> None:
        """An ONNX graph with its signature, so that the tracker's own tools know it as a model.

        Args:
            graph: inputs `num` float32 [n, numerical] and `cat` string [n, categorical];
                one without columns is absent.
            outputs: columns of the answer.
        """


class ExperimentTracker(Protocol):
    """Remembers runs."""

    def run(
        self, experiment: str, name: str, *, tags: Mapping[str, str] | None = None, parent: str | None = None
    ) -> AbstractContextManager[Run]:
        """A new run; `parent` makes it a child of another."""

    def resume(self, run_id: str) -> AbstractContextManager[Run]:
        """An earlier run, to add to it."""


class ModelRegistry(Protocol):
    """Keeps model versions; an alias points to at most one version."""

    def register(
        self, model: str, version: str, *, run_id: str, bundle: Path, tags: Mapping[str, str]
    ) -> str:
        """Registers the bundle and returns the registry's own number; the same bundle twice is one version."""

    def set_roles(
        self, model: str, roles: Mapping[str, str | None], stages: Mapping[str, RegistryStage]
    ) -> None:
        """Points aliases (production, staging, previous) at registry numbers (None removes the alias) and mirrors the
        stage words as tags. Doing it twice changes nothing."""

    def roles(self, model: str) -> Mapping[str, str]:
        """Alias -> registry number, as the registry has it now."""

    def fetch(self, model: str, registry_version: str, into: Path) -> None:
        """Puts the version's bundle into the folder."""
