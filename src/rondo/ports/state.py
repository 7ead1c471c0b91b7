"""The state store: releases, routes, events, alerts, decisions. One transaction per change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from rondo.records.monitoring import Alert, Decision, Observation
from rondo.records.release import Event, Release, RolesToMirror, Routes, ServerReport, Switch, WarmRequest
from rondo.records.rollout import Rollout

__all__ = ["RolesToMirror", "StateStore", "Switch"]


class StateStore(Protocol):
    """Keeps state; every method is one transaction. Exactly one release is in production once one has been.

    Safe to use from several threads and processes at once. Times are aware; they come back in UTC.
    """

    def add_release(self, release: Release, *, by: str) -> Release:
        """Registers it and appends the event `model.registered`; gives the release as it stands in the store.

        The stage becomes `Staging` when the judgement is `ship` (the one that was waiting there before,
        without traffic, becomes `Archived`), else `None`. The same bundle under the same version again
        changes nothing, except that another judgement takes the place of the old one (event `model.judged`).

        Raises:
            Conflict: that version exists with another bundle.
        """

    def releases(self) -> tuple[Release, ...]:
        """Every release in order of registration, with its stage of now."""

    def production(self) -> Release | None:
        """The one in production."""

    def production_history(self) -> tuple[str, ...]:
        """The stack of versions that were in production, oldest first, the present one last.

        A promotion pushes; a rollback pops: rolling back twice goes two versions back, never to the bad one.
        """

    def routes(self) -> Routes:
        """The shares of now; generation 0 and no weights before the first release."""

    def switch(self, change: Switch, *, at: datetime) -> Routes:
        """Carries the change out: stages, history, routes (generation + 1) and event in one transaction.

        The old production becomes `Archived`, other versions with traffic or shadow `Staging`, and versions
        that lost theirs `Archived`. A warm request for a version of the new routes is taken back.

        Raises:
            Conflict: the routes are no longer of the expected generation, or the lease of `fence` has passed
                to somebody else, or the change contradicts itself; nothing was changed.
            NotAvailable: a version of it is not registered; nothing was changed.
        """

    def rollout(self) -> Rollout | None:
        """The newest rollout, under way or ended; None before the first."""

    def rollouts(self, *, limit: int = 100) -> tuple[Rollout, ...]:
        """The newest rollouts, oldest first."""

    def advance_rollout(
        self,
        rollout: Rollout,
        *,
        kind: str,
        by: str,
        reason: str,
        at: datetime,
        change: Switch | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Rollout:
        """Writes the rollout, carries the change of routes out if there is one, and appends the event: all or none.

        A new rollout has revision 0 and number 0; it is given the next number. Otherwise its revision is the
        one that was read. Gives it back with its number and with its revision plus 1.

        Raises:
            Conflict: another one is under way; or it was changed since it was read; or `switch` would refuse the
                change. Nothing was changed.
            NotAvailable: a version of the change is not registered; nothing was changed.
        """

    def roles_to_mirror(self) -> RolesToMirror | None:
        """What the model registry has not been told yet; None when it knows everything."""

    def roles_mirrored(self, told: RolesToMirror) -> None:
        """The registry has been told that; what changed since then stays to be told."""

    def want_warm(self, version: str | None) -> WarmRequest:
        """Asks every server to load, verify and hold that version ready, in place of the request before.

        None takes the request back. Every call gives a new number.
        """

    def wanted_warm(self) -> WarmRequest:
        """The request of now; number 0 and no version before the first. Cheap: servers ask every 100 ms.

        A server that sees a new number forgets what failed before for that version, loads `Release.bundle` of
        it if it is not warm yet, and reports; it keeps answering by the routes that it has.
        """

    def report_server(self, report: ServerReport) -> None:
        """Keeps what a server said of itself, in place of what it said before.

        A server reports when anything in its report changes, and at least once a second.
        """

    def server_gone(self, server_id: str) -> None:
        """Forgets the server: it stopped in good order. An unknown one changes nothing."""

    def servers(self, alive_within: timedelta, *, now: datetime) -> tuple[ServerReport, ...]:
        """Reports of servers that were seen within that time before `now`, ordered by server id."""

    def append(
        self, kind: str, subject: str, *, by: str, reason: str, details: Mapping[str, Any], at: datetime
    ) -> Event:
        """Appends an event to the log."""

    def events(self, *, kind: str | None = None, limit: int | None = None) -> tuple[Event, ...]:
        """Events in order; with a limit the newest ones."""

    def verify_events(self) -> int:
        """The number of events, after checking that each one follows from the one before and none is missing.

        Raises:
            CorruptArtifact: the log was changed; the message names the first event that is not as written.
        """

    def add_observations(self, observations: Sequence[Observation]) -> None:
        """Keeps what the monitor saw. The same figure of the same window (`Observation.identity`) takes the place of
        the earlier one and becomes the newest; observations last made longer ago than OBSERVATIONS_KEPT are let go.
        """

    def observations(self, *, metric: str | None = None, limit: int = 1000) -> tuple[Observation, ...]:
        """The newest observations, oldest first."""

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        """Inserts or updates alerts by (key, opened_at)."""

    def change_alerts(
        self, change: Callable[[tuple[Alert, ...]], Iterable[Alert]], *, over_since: datetime | None = None
    ) -> tuple[Alert, ...]:
        """Writes what becomes of alerts, and gives that: of several who change them at once nobody's word is lost.

        Args:
            change: is given the alerts of now, those that are open, and gives the changed ones and new ones. It is
                called within the transaction, and asks nothing of the store.
            over_since: it is given those, too, that were over at that moment or later.
        """

    def alerts(self, *, open_only: bool = False, over_since: datetime | None = None) -> tuple[Alert, ...]:
        """Alerts in order of opening: all of them; those that are open; or those that were not over before then."""

    def add_decision(self, decision: Decision) -> None:
        """Keeps a retraining decision."""

    def decisions(self, *, limit: int = 100) -> tuple[Decision, ...]:
        """The newest decisions, oldest first."""

    def get(self, key: str) -> Any:
        """A small JSON value (schedules, marks), None when there is none."""

    def put(self, key: str, value: Any) -> None:
        """Keeps a small JSON value."""

    def lease(
        self,
        name: str,
        owner: str,
        ttl: timedelta,
        *,
        now: datetime,
        gone: Callable[[str], bool] | None = None,
    ) -> AbstractContextManager[int]:
        """Holds the lease for the block and gives its fencing token, which grows with every holder.

        A lease past its time is taken over, and so is one whose owner is known to be `gone`. Who comes back
        after that cannot `switch` with the old token.

        Raises:
            Conflict: somebody else holds it; the message says who and since when.
        """

    def close(self) -> None:
        """Lets go of the store."""
