"""Words of the project file -> adapters: the only module that knows product names.

A keeper is opened when it is first asked for, so that a command loads only what it uses.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rondo.contract import LoadedProject, Project, load_project, resolve
from rondo.errors import ContractError, MissingExtra
from rondo.ports.progress import Progress, Silent
from rondo.records.layout import Layout

if TYPE_CHECKING:
    from rondo.ports.accelerators import AcceleratorReader
    from rondo.ports.feature_store import FeatureStore, OnlineValues
    from rondo.ports.notifier import Notifier
    from rondo.ports.pipeline import PipelineKeeper
    from rondo.ports.prediction_log import PredictionLog, PredictionWriter
    from rondo.ports.sources import SourceReader
    from rondo.ports.state import StateStore
    from rondo.ports.tracking import ExperimentTracker, ModelRegistry
    from rondo.ports.tuning import Tuner
    from rondo.stages.data import Access

Clock = Callable[[], datetime]
REDIS_ANSWERS_WITHIN = timedelta(milliseconds=500)  # a request waits for it; who publishes has more patience


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass
class Assembly:
    """A project with its keepers (a Workshop of the lifecycle)."""

    loaded: LoadedProject
    progress: Progress = field(default_factory=Silent)
    clock: Clock = utc_now
    wall_clock: Clock = utc_now
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def project(self) -> Project:
        """The contract."""
        return self.loaded.project

    @cached_property
    def layout(self) -> Layout:
        """Where everything lies."""
        return Layout(self.loaded.folder)

    def resolve(self, text: str) -> str:
        """Secrets by reference, at the moment of use."""
        return resolve(text, self.env, where=self.loaded.path.name)

    @cached_property
    def readers(self) -> Mapping[str, SourceReader]:
        """A reader per kind of source."""
        return source_readers(self.loaded.folder)

    @cached_property
    def keeper(self) -> PipelineKeeper:
        """DVC."""
        with _extra("dvc", "the pipeline's state"):
            from rondo.adapters.dvc.keeper import DvcKeeper

            return DvcKeeper(self.layout.root)

    @cached_property
    def features(self) -> FeatureStore:
        """Feast, over the embedded online store or Redis."""
        from rondo.adapters.feast.places import RedisPlace
        from rondo.adapters.feast.store import FeastFeatureStore

        word, name = self.project.features.store.online, self.project.project
        place = self.layout.online if word == "sqlite" else RedisPlace(self._redis, word, name, self.env)
        return FeastFeatureStore(self.layout.feature_repo, place, name)

    @cached_property
    def online(self) -> OnlineValues:
        """The online values alone, without Feast."""
        if self.project.features.store.online != "sqlite":
            from rondo.adapters.feast.redis_rows import RedisOnlineValues

            return RedisOnlineValues(self._redis, project=self.project.project, patience=REDIS_ANSWERS_WITHIN)
        from rondo.adapters.feast.rows import EmbeddedOnlineValues

        return EmbeddedOnlineValues(self.layout.online)

    @cached_property
    def tracker(self) -> ExperimentTracker:
        """MLflow's runs."""
        with _extra("mlflow", "tracking runs"):
            from rondo.adapters.mlflow import MlflowTracker

            return MlflowTracker(self._tracking_uri, artifact_root=self._artifacts)

    @cached_property
    def registry(self) -> ModelRegistry:
        """MLflow's registry."""
        with _extra("mlflow", "registering models"):
            from rondo.adapters.mlflow import MlflowRegistry

            return MlflowRegistry(self._tracking_uri, artifact_root=self._artifacts)

    @cached_property
    def tuner(self) -> Tuner:
        """Optuna."""
        with _extra("optuna", "tuning"):
            from rondo.adapters.optuna import OptunaTuner

            return OptunaTuner(self.layout.home / "optuna.journal")

    @cached_property
    def state(self) -> StateStore:
        """SQLite, or the database that the contract names."""
        from rondo.adapters.sqlstate import SqlStateStore

        word = self.resolve(self.project.stores.state)
        if word == "sqlite":
            return SqlStateStore(self.layout.state)
        if "://" in word:
            return SqlStateStore(word, project=self.project.project)
        raise ContractError(
            f"stores.state is {self.project.stores.state!r}",
            where=self.loaded.path.name,
            rule="it is `sqlite` or a URL of SQLite or PostgreSQL",
            mend="Write stores: {state: sqlite}",
        )

    @cached_property
    def log(self) -> PredictionLog:
        """The prediction log's segments."""
        from rondo.adapters.segments import SegmentLog

        return SegmentLog(self.layout.predictions)

    @cached_property
    def accelerators(self) -> AcceleratorReader:
        """NVIDIA's GPUs."""
        from rondo.adapters.nvml import NvmlReader

        return NvmlReader()

    def notifier(self, receiver: str) -> Notifier:
        """Apprise; the receiver's URL is resolved when something is sent."""
        from rondo.adapters.notify import AppriseNotifier

        where = f"monitoring.notify: {receiver}" if receiver.startswith("env:") else "monitoring.notify"
        return AppriseNotifier(lambda: self.resolve(receiver), where=where)

    def prediction_writer(self) -> PredictionWriter:
        """What the server writes its predictions to."""
        from rondo.adapters.segments import SegmentWriter

        return SegmentWriter(self.layout.predictions, flush_every=self.project.serving.flush_every)

    def start_service(self, command: str, url: str) -> AbstractContextManager[None]:
        """A source's helper command, running for the time of the block."""
        from rondo.adapters.http.service import running

        return running(command, url, folder=self.layout.root, env=self.env)

    def code_version(self) -> Mapping[str, str]:
        """The commit."""
        from rondo.adapters.git.code import code_version

        return code_version(self.layout.root)

    def data_versions(self, *paths: Path) -> Mapping[str, str]:
        """Content hashes as the pipeline's keeper knows them."""
        return self.keeper.versions([str(path.relative_to(self.layout.root)) for path in paths])

    @property
    def _redis(self) -> str:
        """The URL of the online store."""
        return self.resolve(self.project.features.store.online)

    @property
    def _artifacts(self) -> Path | str:
        word = self.resolve(self.project.stores.artifacts)
        return word if "://" in word else self.layout.root / word

    @property
    def _tracking_uri(self) -> str:
        word = self.project.stores.tracking
        return f"sqlite:///{self.layout.tracking}" if word == "sqlite" else self.resolve(word)


def open_project(folder: Path, *, progress: Progress | None = None, clock: Clock = utc_now) -> Assembly:
    """The project of a folder, ready to be worked on.

    Raises:
        ContractError: there is none, or its file has errors.
    """
    loaded = load_project(folder)
    return Assembly(loaded, progress or Silent(), clock, env=environment(loaded.folder))


def environment(folder: Path) -> Mapping[str, str]:
    """The process's environment over the project's `.env` (lines NAME=value), which is for this machine alone."""
    path = folder / ".env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {**{name.strip(): value.strip() for name, _, value in pairs}, **os.environ}


def source_readers(folder: Path | None = None) -> Mapping[str, SourceReader]:
    """A reader per kind of source; relative paths start at `folder`."""
    from rondo.adapters.files import FilesReader
    from rondo.adapters.http import HttpReader
    from rondo.adapters.sql import SqlReader

    root = folder or Path.cwd()
    return {"sql": SqlReader(root), "files": FilesReader(root), "http": HttpReader()}


def default_access(folder: Path) -> Access:
    """How a DataPipeline of its own reaches its sources."""
    from rondo.adapters.http.service import running
    from rondo.stages.data import Access

    env = environment(folder)
    return Access(
        source_readers(folder),
        lambda text: resolve(text, env, where=str(folder)),
        lambda command, url: running(command, url, folder=folder, env=env),
    )


def default_tracker() -> ExperimentTracker:
    """MLflow as `MLFLOW_TRACKING_URI` says, by default `mlflow.db` in the working directory."""
    from rondo.adapters.mlflow import MlflowTracker

    return MlflowTracker(_default_tracking_uri(), artifact_root=Path.cwd() / "mlartifacts")


def default_registry(uri: str | None = None) -> ModelRegistry:
    """The registry behind that URI."""
    from rondo.adapters.mlflow import MlflowRegistry

    return MlflowRegistry(uri or _default_tracking_uri(), artifact_root=Path.cwd() / "mlartifacts")


def default_tuner() -> Tuner:
    """Optuna, its studies kept in the working directory."""
    from rondo.adapters.optuna import OptunaTuner

    return OptunaTuner(Path.cwd() / "optuna.journal")


def _default_tracking_uri() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd() / 'mlflow.db'}"


class _extra:
    """Says how to install an optional part when its product is missing."""

    def __init__(self, package: str, needed_for: str) -> None:
        self._package, self._needed_for = package, needed_for

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == self._package:
            raise MissingExtra(self._package, extra="train", needed_for=self._needed_for) from error
