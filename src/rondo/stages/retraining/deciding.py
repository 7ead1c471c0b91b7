"""What holds a fired trigger back. Pure.

In this order: a round under way, frozen days, too many losses in a row, the cooldown (which doubles with every
loss in a row), the budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rondo.contract.retraining import Retraining
from rondo.pages import duration
from rondo.records.monitoring import Decision
from rondo.stages.retraining.triggers import Fired

MOST_DOUBLINGS = 5
BUDGET_OVER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where earlier rounds left off: when the last one began, and how many in a row failed or lost their gates."""

    last_round_at: datetime | None = None
    lost_in_a_row: int = 0
    round_under_way: bool = False
    rounds_at: tuple[datetime, ...] = ()
    """When the rounds of the last 30 days began, oldest first."""


def decide(
    policy: Retraining, fired: Fired, standing: Standing, *, now: datetime, today: date | None = None
) -> Decision:
    """Whether a new round starts.

    Args:
        policy: the contract.
        fired: its triggers.
        standing: the rounds so far.
        now: the moment.
        today: the day where the business is, for frozen days; by default that of `now`.
    """
    held_back = _held_back(policy, fired, standing, now, today or now.date())
    return Decision(
        should_retrain=bool(fired.reasons) and not held_back,
        reasons=fired.reasons,
        evidence=fired.evidence,
        decided_at=now,
        held_back=held_back,
    )


def frozen(policy: Retraining, today: date) -> str:
    """Why nothing changes by itself on that day; empty where it may."""
    days = next((days for days in policy.freeze if days.cover(today)), None)
    return f"{today} is frozen: {days}" if days else ""


def _held_back(policy: Retraining, fired: Fired, standing: Standing, now: datetime, today: date) -> str:
    if not fired.reasons:
        return ""
    if standing.round_under_way:
        return "a round is under way"
    if told := frozen(policy, today):
        return told
    lost_rounds = standing.lost_in_a_row
    if lost_rounds >= policy.max_losses:
        return (
            f"{lost_rounds} rounds in a row failed or lost their gates: frozen until a person starts one, "
            "`rondo retrain --approve --reason ...`"
        )
    return _too_early(policy, standing, now)


def _too_early(policy: Retraining, standing: Standing, now: datetime) -> str:
    if standing.last_round_at is None:
        return ""
    cooldown = policy.cooldown * 2 ** min(standing.lost_in_a_row, MOST_DOUBLINGS)
    if now < standing.last_round_at + cooldown:
        lost = f", longer after {standing.lost_in_a_row} lost rounds" if standing.lost_in_a_row else ""
        began = f"the last round began {standing.last_round_at:%Y-%m-%d %H:%M} UTC"
        return f"{began}; the cooldown is {duration(cooldown.total_seconds())}{lost}"
    recent = [at for at in standing.rounds_at if at > now - BUDGET_OVER]
    if policy.budget is not None and len(recent) >= policy.budget:
        free = recent[-policy.budget] + BUDGET_OVER
        return f"the budget of {policy.budget} rounds in 30 days is spent until {free:%Y-%m-%d %H:%M} UTC"
    return ""
