"""A version on its way into production: the phases before it, where it stands, and what each judge said.

Blue/green, canary, shadow and A/B test are the same thing with other phases; `stages/deployment/step.py` moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rondo.records.verdict import Judgement

PhaseKind = Literal["preflight", "shadow", "canary", "experiment", "promote", "watch"]
RolloutState = Literal["waiting", "running", "paused", "promoted", "rolled_back", "aborted", "held", "frozen"]
"""waiting: for a person's approval; held: ended without a change, the candidate stays available."""
FROZEN_ALERT = "rollout.frozen"  # the key of the alert of a freeze; it ends when a person releases something
ENDED: frozenset[RolloutState] = frozenset({"promoted", "rolled_back", "aborted", "held", "frozen"})


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: who gets which share meanwhile, and what has to be seen before the next one.

    preflight   no traffic: the bundle, its golden rows and a load test are looked at
    shadow      the candidate answers mirrored requests, its answers go nowhere
    canary      a share of the keys; compared with the control over the same time
    experiment  fixed shares until the test decides or its time is over
    promote     the candidate becomes the version in production
    watch       it is in production; what the contract names still brings the one before back
    """

    kind: PhaseKind
    weights: Mapping[str, float]  # shares by version while the phase lasts; empty: as they are
    shadow: str | None = None
    hold_s: float = 0.0
    min_requests: int = 0
    max_wait_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the judge of a phase says, with the figures that it says it from.

    ship: nothing speaks against going on. reject: it must go back. hold: ends without a change (experiments).
    inconclusive: no data, too little, stale, not a number, or the provider failed; `reasons` say which.
    """

    judgement: Judgement
    reasons: tuple[str, ...]
    at: datetime  # when it was gathered
    window_from: datetime | None = None
    window_to: datetime | None = None
    requests: int = 0  # that the candidate answered (or mirrored) in this phase
    needed: int | None = None  # how many the judge would need, where it knows
    figures: Mapping[str, Any] = field(default_factory=dict)  # for people: by side and name


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout. `revision` grows with every change, so that nobody writes over what he has not seen."""

    number: int
    strategy: str  # blue_green, canary, shadow, ab_test
    candidate: str
    stable: str | None  # in production when it began; None for a first release
    phases: tuple[Phase, ...]
    state: RolloutState
    started_at: datetime
    by: str
    reason: str
    place: int = 0  # index of the present phase
    phase_since: datetime | None = None  # when the present phase began; None: not begun
    said: str = ""  # why it stands where it stands, for people
    evidence: Evidence | None = None  # the last one
    history: tuple[Evidence, ...] = ()  # the one that ended each phase
    approved_by: str = ""
    approval_reason: str = ""
    ended_at: datetime | None = None
    revision: int = 0
    experiment: Mapping[str, Any] = field(default_factory=dict)  # the A/B test's own settings

    @property
    def phase(self) -> Phase:
        """The present phase."""
        return self.phases[min(self.place, len(self.phases) - 1)]

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ENDED
