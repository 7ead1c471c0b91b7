"""What holds a fired trigger back: a round under way, the cooldown, a gate that was lost. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rondo.contract.retraining import Retraining
from rondo.records.monitoring import Decision
from rondo.stages.retraining.triggers import Fired

MOST_DOUBLINGS = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """Where earlier rounds left off: when the last one began, and how many in a row lost their gates."""

    last_round_at: datetime | None = None
    lost_in_a_row: int = 0
    round_under_way: bool = False


def decide(policy: Retraining, fired: Fired, standing: Standing, *, now: datetime) -> Decision:
    """Whether a new round starts. The cooldown doubles with each round in a row that lost its gates."""
    held_back = _held_back(policy, fired, standing, now)
    return Decision(
        should_retrain=bool(fired.reasons) and not held_back,
        reasons=fired.reasons,
        evidence=fired.evidence,
        decided_at=now,
        held_back=held_back,
    )


def _held_back(policy: Retraining, fired: Fired, standing: Standing, now: datetime) -> str:
    if not fired.reasons:
        return ""
    if standing.round_under_way:
        return "a round is under way"
    if standing.last_round_at is None:
        return ""
    cooldown = policy.cooldown * 2 ** min(standing.lost_in_a_row, MOST_DOUBLINGS)
    if now < standing.last_round_at + cooldown:
        lost = f", longer after {standing.lost_in_a_row} lost rounds" if standing.lost_in_a_row else ""
        return f"the last round began {standing.last_round_at:%Y-%m-%d %H:%M} UTC; the cooldown is {cooldown}{lost}"
    return ""
