"""The state store: releases, routes, events, alerts, decisions. One transaction per change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from rondo.records.monitoring import Alert, Decision, Observation
from rondo.records.release import Event, Release, Routes


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of what serves, all of it or none: who is in production, who before, and the new shares."""

    production: str
    previous: str | None
    weights: Mapping[str, float]
    shadow: str | None
    kind: str  # of the event that tells it
    by: str
    reason: str
    expected_generation: int  # of the routes that the decision was made on


class StateStore(Protocol):
    """Keeps state; every method is one transaction. Exactly one release is in production once one has been."""

    def add_release(self, release: Release, *, by: str) -> Release:
        """Registers it and appends the event `model.registered`; the same bundle under the same version again changes nothing.

        Raises:
            Conflict: that version exists with another bundle.
        """

    def releases(self) -> tuple[Release, ...]:
        """Every release in order of registration, with its stage of now."""

    def production(self) -> Release | None:
        """The one in production."""

    def production_history(self) -> tuple[str, ...]:
        """The stack of versions that were in production, oldest first, the present one last.

        A promotion pushes; a rollback pops. So rolling back twice goes two versions back, and never to the bad one.
        """

    def routes(self) -> Routes:
        """The shares of now; generation 0 and no weights before the first release."""

    def switch(self, change: Switch, *, at: datetime) -> Routes:
        """Carries the change out: stages, history, routes (generation + 1) and event in one transaction.

        Raises:
            Conflict: the routes are no longer of the expected generation; nothing was changed.
            NotAvailable: a version of it is not registered.
        """

    def roles_to_mirror(self) -> tuple[Mapping[str, str | None], Mapping[str, str]] | None:
        """Aliases (role -> version) and stages (version -> word) that the model registry has not been told yet."""

    def roles_mirrored(self, generation: int) -> None:
        """The registry has been told everything up to that generation."""

    def append(
        self, kind: str, subject: str, *, by: str, reason: str, details: Mapping[str, Any], at: datetime
    ) -> Event:
        """Appends an event to the log."""

    def events(self, *, kind: str | None = None, limit: int | None = None) -> tuple[Event, ...]:
        """Events in order; with a limit the newest ones."""

    def add_observations(self, observations: Sequence[Observation]) -> None:
        """Keeps what the monitor saw."""

    def observations(self, *, metric: str | None = None, limit: int = 1000) -> tuple[Observation, ...]:
        """The newest observations, oldest first."""

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        """Inserts or updates alerts by (key, opened_at)."""

    def alerts(self, *, open_only: bool = False) -> tuple[Alert, ...]:
        """Alerts in order of opening."""

    def add_decision(self, decision: Decision) -> None:
        """Keeps a retraining decision."""

    def decisions(self, *, limit: int = 100) -> tuple[Decision, ...]:
        """The newest decisions, oldest first."""

    def get(self, key: str) -> Any:
        """A small JSON value (schedules, marks), None when there is none."""

    def put(self, key: str, value: Any) -> None:
        """Keeps a small JSON value."""

    def lease(self, name: str, owner: str, ttl: timedelta, *, now: datetime) -> AbstractContextManager[int]:
        """Holds the lease for the block and gives its fencing token.

        Raises:
            Conflict: somebody else holds it; the message says who and since when.
        """

    def close(self) -> None:
        """Lets go of the store."""
