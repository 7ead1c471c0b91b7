"""Writes a step of a rollout together with the routes that belong to it: servers warm first, then one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from rondo.records.failpoints import reached
from rondo.records.monitoring import Alert
from rondo.records.release import Event
from rondo.records.rollout import FROZEN_ALERT, Rollout

if TYPE_CHECKING:
    from rondo.lifecycle.workshop import Workshop
    from rondo.ports.state import StateStore
    from rondo.ports.tracking import ModelRegistry
    from rondo.stages.deployment import Means, Readiness, Stepped

BY = "rollout"
"""Who does what no person asked for."""


def means_of(workshop: Workshop) -> Means:
    """What the deployment room needs. It waits for servers, so its clock is theirs."""
    from rondo.stages.deployment import Means

    return Means(
        model=workshop.project.project,
        root=workshop.layout.root,
        store=workshop.state,
        registry=cast("ModelRegistry", _OpenedLater(workshop)),
        clock=workshop.wall_clock,
        progress=workshop.progress,
    )


class _OpenedLater:
    """The model registry, opened when it is told something: that takes seconds, and traffic must not wait for it."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._workshop.registry, name)


def leased(means: Means, *, in_turn: bool) -> AbstractContextManager[tuple[str, int]]:
    """The deployment lease for the block, with its fence; a person's command waits for its turn."""
    from rondo.stages import deployment

    patience = means.patience.its_turn if in_turn else timedelta(0)
    return deployment.leased(
        means.store, means.patience.whole, clock=means.clock, wait=means.wait, patience=patience
    )


def made_ready(stepped: Stepped, means: Means) -> Readiness | None:
    """None when the servers hold ready what the step sends requests to, else how they stand.

    A version that must go is worse than a server that loads late: what goes back does not wait for everybody.
    """
    from rondo.stages import deployment

    rollout, actions = stepped
    move = deployment.move_of(actions)
    if isinstance(move, deployment.GoBack):
        deployment.warm_up(move.version, means.patience.to_warm_back, means)
    elif rollout.candidate in deployment.gets_traffic(move):
        seen = deployment.warm_up(rollout.candidate, means.patience.to_warm, means)
        return seen if seen.failed or seen.loading else None
    return None


def advance(
    means: Means,
    stepped: Stepped,
    fence: tuple[str, int],
    *,
    at: datetime | None = None,
    details: Mapping[str, Any] | None = None,
) -> Rollout:
    """The rollout as it was written together with the routes that belong to it; under the deployment lease."""
    from rondo.stages import deployment

    store, (rollout, actions) = means.store, stepped
    tell = next(action for action in actions if isinstance(action, deployment.Tell))
    by, moment = tell.by or BY, at or rollout.started_at
    move, change = deployment.move_of(actions), None
    if move is not None:
        change = deployment.switch_for(
            move,
            routes=store.routes(),
            history=store.production_history(),
            by=by,
            reason=tell.reason,
            fence=fence,
        )
    kept = store.advance_rollout(
        rollout,
        kind=tell.kind,
        by=by,
        reason=tell.reason,
        at=moment,
        change=change,
        details={deployment.AUTOMATIC: tell.automatic, **(details or {})},
    )
    reached("rollout.advanced")
    means.progress.say(deployment.tell_rollout(kept))
    if kept.ended:
        alert_of_freeze(store, kept)
    if change is not None:
        deployment.tell_registry(rollout.candidate, means, by=by)
    return kept


def rollbacks(state: StateStore) -> int:
    from rondo.stages import deployment

    events: list[Event] = [
        event for kind in deployment.TELLING for event in state.events(kind=kind, limit=500)
    ]
    return deployment.rollbacks_in_a_row(sorted(events, key=lambda event: event.sequence))


def alert_of_freeze(state: StateStore, rollout: Rollout) -> None:
    """Opens the alert of a freeze, once; it is done again when a process died before it."""
    if rollout.state != "frozen" or rollout.ended_at is None:
        return
    if any(
        (one.key, one.opened_at) == (FROZEN_ALERT, rollout.ended_at)
        for one in state.alerts(over_since=rollout.ended_at)
    ):
        return
    count = rollbacks(state)
    at = rollout.ended_at
    state.put_alerts(
        [
            Alert(
                FROZEN_ALERT,
                "rollbacks_in_a_row",
                "critical",
                rollout.said,
                at,
                at,
                count,
                count,
                fired_at=at,
            )
        ]
    )
    reached("rollout.alerted")


def thaw(state: StateStore, now: datetime) -> None:
    """Closes the alert of a freeze, because a person released something."""
    state.change_alerts(
        lambda known: [
            replace(alert, recovered_at=now, last_seen_at=now) for alert in known if alert.key == FROZEN_ALERT
        ]
    )
