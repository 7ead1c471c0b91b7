"""What the lifecycle asks of the world, as one record; assembly fills it, tests fill it with twins."""

from __future__ import annotations

# The ports are named as types only: a run in which nothing changed should not wait for their material.
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rondo.contract import LoadedProject, Project
    from rondo.ports.accelerators import AcceleratorReader
    from rondo.ports.feature_store import FeatureStore
    from rondo.ports.notifier import Notifier
    from rondo.ports.pipeline import PipelineKeeper
    from rondo.ports.prediction_log import PredictionLog
    from rondo.ports.progress import Progress
    from rondo.ports.sources import Resolve, SourceReader
    from rondo.ports.state import StateStore
    from rondo.ports.tracking import ExperimentTracker, ModelRegistry
    from rondo.ports.tuning import Tuner
    from rondo.records.layout import Layout

Clock = Callable[[], datetime]


class Workshop(Protocol):
    """One project with its keepers; a keeper is opened when it is first asked for."""

    @property
    def project(self) -> Project:
        """The contract."""

    @property
    def loaded(self) -> LoadedProject:
        """The project file as read, with its lines."""

    @property
    def layout(self) -> Layout:
        """Where everything lies."""

    @property
    def clock(self) -> Clock:
        """Now, in UTC: the moment that the data and the figures are about."""

    @property
    def wall_clock(self) -> Clock:
        """Now, in UTC, where the servers are: they stamp their answers with it. Another time in a practice world."""

    @property
    def progress(self) -> Progress:
        """Tells the person who waits."""

    @property
    def resolve(self) -> Resolve:
        """Secrets by reference."""

    @property
    def readers(self) -> Mapping[str, SourceReader]:
        """A reader per kind of source."""

    @property
    def keeper(self) -> PipelineKeeper:
        """What is up to date."""

    @property
    def features(self) -> FeatureStore:
        """The feature store."""

    @property
    def tracker(self) -> ExperimentTracker:
        """The runs."""

    @property
    def registry(self) -> ModelRegistry:
        """The model versions."""

    @property
    def tuner(self) -> Tuner:
        """The search."""

    @property
    def state(self) -> StateStore:
        """Releases, routes, events."""

    @property
    def log(self) -> PredictionLog:
        """What was served."""

    @property
    def accelerators(self) -> AcceleratorReader:
        """The accelerators of this machine."""

    def notifier(self, receiver: str) -> Notifier:
        """Who tells that receiver, named as the project file names it."""

    def start_service(self, command: str, url: str) -> AbstractContextManager[None]:
        """Runs a source's helper command for the time of the block."""

    def code_version(self) -> Mapping[str, str]:
        """The commit of the project's code, with a mark when there are changes on top."""

    def data_versions(self, *paths: Path) -> Mapping[str, str]:
        """Content hashes of tracked outputs."""
