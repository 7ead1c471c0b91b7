"""The state store in memory: the reference of what a StateStore does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from rondo.errors import Conflict, CorruptArtifact
from rondo.records.files import from_json
from rondo.records.monitoring import OBSERVATIONS_KEPT, Alert, Decision, Observation, check_figures
from rondo.records.release import (
    JUDGED,
    REGISTERED,
    Event,
    RegistryStage,
    Release,
    RolesToMirror,
    Routes,
    ServerReport,
    Switch,
    WarmRequest,
)
from rondo.records.releasing import (
    as_json,
    event_hash,
    history_after,
    judged_again,
    release_details,
    roles_of,
    rollout_after,
    rollout_details,
    routes_after,
    sealed,
    stages_after,
    switch_details,
    with_traffic,
)
from rondo.records.rollout import Rollout


@dataclass(frozen=True, slots=True)
class _Lease:
    owner: str
    token: int
    taken_at: datetime
    ends_at: datetime


class MemoryStateStore:
    """A StateStore that lasts as long as the object."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._releases: dict[str, Release] = {}
        self._history: tuple[str, ...] = ()
        self._routes = Routes(0, {})
        self._rollouts: dict[int, Rollout] = {}
        self._wanted = WarmRequest(0, None)
        self._roles_number = self._roles_told = 0
        self._stages_told: dict[str, RegistryStage] = {}
        self._servers: dict[str, ServerReport] = {}
        self._events: list[Event] = []
        self._observations: dict[str, Observation] = {}
        self._alerts: dict[tuple[str, datetime], Alert] = {}
        self._decisions: list[Decision] = []
        self._marks: dict[str, bytes] = {}
        self._leases: dict[str, _Lease] = {}

    def add_release(self, release: Release, *, by: str) -> Release:
        """See StateStore."""
        with self._lock:
            known = self._releases.get(release.version)
            if known is None:
                kind, reason = REGISTERED, release.version_reason
                after = replace(
                    release,
                    stage="Staging" if release.judgement == "ship" else "None",
                    registered_at=release.registered_at.astimezone(UTC),
                    lineage=as_json(release.lineage),
                )
            else:
                after = judged_again(known, release, live=known.version in with_traffic(self._routes))
                kind, reason = JUDGED, "; ".join(after.judgement_reasons)
                if after == known:
                    return known
            if after.stage == "Staging" and (known is None or known.stage != "Staging"):
                for other in self._releases.values():
                    if other.stage == "Staging" and other.version not in with_traffic(self._routes):
                        self._releases[other.version] = replace(other, stage="Archived")
            self._releases[after.version] = after
            self._roles_number += 1
            details = release_details(after)
            self.append(kind, after.version, by=by, reason=reason, details=details, at=release.registered_at)
            return after

    def releases(self) -> tuple[Release, ...]:
        """See StateStore."""
        with self._lock:
            return tuple(self._releases.values())

    def production(self) -> Release | None:
        """See StateStore."""
        with self._lock:
            return next((release for release in self.releases() if release.stage == "Production"), None)

    def production_history(self) -> tuple[str, ...]:
        """See StateStore."""
        return self._history

    def routes(self) -> Routes:
        """See StateStore."""
        return self._routes

    def switch(self, change: Switch, *, at: datetime) -> Routes:
        """See StateStore."""
        with self._lock:
            held = None if change.fence is None else self._leases.get(change.fence[0])
            after = routes_after(
                change,
                routes=self._routes,
                versions=self._releases,
                history=self._history,
                token=held.token if held is not None and held.owner else None,
            )
            moved = stages_after(
                {release.version: release.stage for release in self._releases.values()},
                production=change.production,
                before=with_traffic(self._routes),
                after=with_traffic(after),
            )
            for version, stage in moved.items():
                self._releases[version] = replace(self._releases[version], stage=stage)
            self._history = history_after(self._history, change.production, kind=change.kind)
            self._routes = after
            if self._wanted.version in with_traffic(after):
                self._wanted = replace(self._wanted, version=None)
            self._roles_number += 1
            self.append(
                change.kind,
                change.production,
                by=change.by,
                reason=change.reason,
                details=switch_details(change, after),
                at=at,
            )
            return after

    def rollout(self) -> Rollout | None:
        """See StateStore."""
        return next(iter(self.rollouts(limit=1)), None)

    def rollouts(self, *, limit: int = 100) -> tuple[Rollout, ...]:
        """See StateStore."""
        with self._lock:
            kept = tuple(self._rollouts.values())
        return kept[max(0, len(kept) - limit) :]

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
        """See StateStore."""
        with self._lock:
            after = from_json(msgspec.json.encode(rollout_after(rollout, self.rollout())), Rollout)
            if change is not None:
                self.switch(change, at=at)
            self._rollouts[after.number] = after
            told = rollout_details(after, details)
            self.append(kind, after.candidate, by=by, reason=reason, details=told, at=at)
            return after

    def roles_to_mirror(self) -> RolesToMirror | None:
        """See StateStore."""
        with self._lock:
            if self._roles_number == self._roles_told:
                return None
            changed = {
                release.version: release.stage
                for release in self._releases.values()
                if release.stage != self._stages_told.get(release.version)
            }
            return RolesToMirror(self._roles_number, roles_of(self.releases(), self._history), changed)

    def roles_mirrored(self, told: RolesToMirror) -> None:
        """See StateStore."""
        with self._lock:
            self._stages_told.update(told.stages)
            self._roles_told = max(self._roles_told, told.number)

    def want_warm(self, version: str | None) -> WarmRequest:
        """See StateStore."""
        with self._lock:
            self._wanted = WarmRequest(self._wanted.number + 1, version)
            return self._wanted

    def wanted_warm(self) -> WarmRequest:
        """See StateStore."""
        return self._wanted

    def report_server(self, report: ServerReport) -> None:
        """See StateStore."""
        with self._lock:
            self._servers[report.server_id] = replace(report, seen_at=report.seen_at.astimezone(UTC))

    def server_gone(self, server_id: str) -> None:
        """See StateStore."""
        with self._lock:
            self._servers.pop(server_id, None)

    def servers(self, alive_within: timedelta, *, now: datetime) -> tuple[ServerReport, ...]:
        """See StateStore."""
        with self._lock:
            alive = (report for report in self._servers.values() if report.seen_at >= now - alive_within)
            return tuple(sorted(alive, key=lambda report: report.server_id))

    def append(
        self, kind: str, subject: str, *, by: str, reason: str, details: Mapping[str, Any], at: datetime
    ) -> Event:
        """See StateStore."""
        with self._lock:
            before = self._events[-1].hash if self._events else ""
            event = Event(
                len(self._events) + 1, at.astimezone(UTC), kind, subject, by, reason, as_json(details)
            )
            event = sealed(event, before)
            self._events.append(event)
            return event

    def events(self, *, kind: str | None = None, limit: int | None = None) -> tuple[Event, ...]:
        """See StateStore."""
        with self._lock:
            of_kind = [event for event in self._events if kind in (None, event.kind)]
        return tuple(of_kind if limit is None else of_kind[max(0, len(of_kind) - limit) :])

    def verify_events(self) -> int:
        """See StateStore."""
        before = ""
        for event in self.events():
            if event.hash != event_hash(event, before):
                raise CorruptArtifact(f"event {event.sequence} of the log is not what was written")
            before = event.hash
        return len(self._events)

    def add_observations(self, observations: Sequence[Observation]) -> None:
        """See StateStore."""
        if not observations:
            return
        oldest = max(seen.observed_at for seen in observations) - OBSERVATIONS_KEPT
        with self._lock:
            for seen in observations:
                self._observations.pop(seen.identity, None)  # what is revised becomes the newest
                self._observations[seen.identity] = seen
            kept = {name: seen for name, seen in self._observations.items() if seen.observed_at >= oldest}
            self._observations = kept

    def observations(self, *, metric: str | None = None, limit: int = 1000) -> tuple[Observation, ...]:
        """See StateStore."""
        with self._lock:
            seen = [one for one in self._observations.values() if metric in (None, one.metric)]
        return tuple(seen[max(0, len(seen) - limit) :])

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        """See StateStore."""
        check_figures(alerts)
        with self._lock:
            self._alerts.update({(alert.key, alert.opened_at): alert for alert in alerts})

    def change_alerts(
        self, change: Callable[[tuple[Alert, ...]], Iterable[Alert]], *, over_since: datetime | None = None
    ) -> tuple[Alert, ...]:
        """See StateStore."""
        with self._lock:
            changed = tuple(change(self.alerts(open_only=over_since is None, over_since=over_since)))
            self.put_alerts(changed)
        return changed

    def alerts(self, *, open_only: bool = False, over_since: datetime | None = None) -> tuple[Alert, ...]:
        """See StateStore."""
        with self._lock:
            ordered = sorted(self._alerts.values(), key=lambda alert: (alert.opened_at, alert.key))
        return tuple(
            alert
            for alert in ordered
            if alert.recovered_at is None
            or not (open_only or (over_since is not None and alert.recovered_at < over_since))
        )

    def add_decision(self, decision: Decision) -> None:
        """See StateStore."""
        with self._lock:
            self._decisions.append(decision)

    def decisions(self, *, limit: int = 100) -> tuple[Decision, ...]:
        """See StateStore."""
        with self._lock:
            return tuple(self._decisions[max(0, len(self._decisions) - limit) :])

    def get(self, key: str) -> Any:
        """See StateStore."""
        with self._lock:
            return msgspec.json.decode(self._marks[key]) if key in self._marks else None

    def put(self, key: str, value: Any) -> None:
        """See StateStore."""
        with self._lock:
            self._marks[key] = msgspec.json.encode(value)

    @contextmanager
    def lease(
        self,
        name: str,
        owner: str,
        ttl: timedelta,
        *,
        now: datetime,
        gone: Callable[[str], bool] | None = None,
    ) -> Iterator[int]:
        """See StateStore."""
        with self._lock:
            held = self._leases.get(name)
            if held and held.owner and held.ends_at > now and not (gone is not None and gone(held.owner)):
                raise Conflict(
                    f"{held.owner} holds {name!r} since {held.taken_at:%Y-%m-%d %H:%M:%S} UTC",
                    mend=f"Wait for it to end, at the latest at {held.ends_at:%H:%M:%S} UTC.",
                )
            taken = _Lease(owner, held.token + 1 if held else 1, now.astimezone(UTC), now + ttl)
            self._leases[name] = taken
        try:
            yield taken.token
        finally:
            with self._lock:
                if self._leases[name].token == taken.token:
                    self._leases[name] = replace(taken, owner="")

    def close(self) -> None:
        """See StateStore."""
