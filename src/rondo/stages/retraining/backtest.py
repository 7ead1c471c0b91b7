"""Policies of retraining, replayed on history that is over. Pure: what a model would have been is asked, not made.

Time goes forward in periods. In each the model of now answers, its figures become known as far as the outcomes have
come, and every policy decides by the functions that decide in production. A retrain takes effect with the next
period. A retrained model is taken as accepted: the replay compares when to train, the gates stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rondo.contract.retraining import Retraining
from rondo.records.candidate import Measured
from rondo.stages.retraining.deciding import Standing, decide
from rondo.stages.retraining.triggers import Figures, check

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of history; `rows` lie in [start, end)."""

    start: datetime
    end: datetime
    rows: int
    new_rows: int  # of the data, in the same time: what the trigger for new data counts


@dataclass(frozen=True, slots=True)
class Seen:
    """What one model came to in one period."""

    performance: Measured  # by the metric of the backtest, over all rows of the period
    metrics: Mapping[str, float] = field(default_factory=dict)  # by the rows whose outcome is known in time
    psi: float | None = None
    psi_feature: str = ""


Observe = Callable[[int, int, int], Seen]
"""(trained before period, answers in period, outcomes known by the end of period) -> what was seen."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy by name; `told` says what it does."""

    name: str
    told: str
    rules: Retraining


@dataclass(frozen=True, slots=True)
class Step:
    """One period under a policy: which model answered, how well, and what was decided at its end."""

    period: int
    trained_before: int
    performance: Measured
    retrain: bool
    reasons: tuple[str, ...] = ()
    held_back: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """A policy over the whole history."""

    policy: Policy
    steps: tuple[Step, ...]
    retrains: int
    mean: float | None
    worst: float | None
    cost: float | None  # retrains times what one costs; None where the contract does not say
    seconds: float  # that its trainings took


def replay(policy: Policy, periods: Sequence[Period], observe: Observe) -> tuple[Step, ...]:
    """Every period under the policy, oldest first; the first model was trained before the first period."""
    trained, started, steps = 0, list[datetime](), list[Step]()
    answered: list[int] = []
    for number, period in enumerate(periods):
        answered.append(trained)
        seen = observe(trained, number, number)
        known = _newest_known(answered, trained, number, observe)
        figures = Figures(
            accuracy=known.get("accuracy"),
            psi=seen.psi,
            psi_feature=seen.psi_feature,
            days_since_training=(period.end - periods[trained].start).total_seconds() / DAY_S,
            new_data_count=sum(one.new_rows for one in periods[trained : number + 1]),
            metrics=known,
        )
        standing = Standing(started[-1] if started else None, rounds_at=tuple(started))
        decision = decide(policy.rules, check(policy.rules, figures), standing, now=period.end)
        # The last period ends with what is known today: there is nothing left to answer for a newer model.
        retrain = decision.should_retrain and number + 1 < len(periods)
        steps.append(
            Step(
                number,
                trained,
                seen.performance,
                retrain,
                decision.reasons,
                decision.held_back,
                decision.evidence,
            )
        )
        if retrain:
            trained = number + 1
            started.append(period.end)
    return tuple(steps)


def _newest_known(answered: Sequence[int], trained: int, now: int, observe: Observe) -> Mapping[str, float]:
    """The figures of the newest period of this model whose outcomes have come by now; empty when none have."""
    for period in range(now, -1, -1):
        if answered[period] != trained:
            break
        if metrics := observe(trained, period, now).metrics:
            return metrics
    return {}


def summed(
    policy: Policy,
    steps: Sequence[Step],
    *,
    bigger_is_better: bool,
    cost: float | None,
    seconds: Mapping[int, float],
) -> Replayed:
    """The policy in figures; `seconds` says how long the training before each period took."""
    values = [step.performance.value for step in steps if step.performance.value is not None]
    retrains = sum(step.retrain for step in steps)
    return Replayed(
        policy,
        tuple(steps),
        retrains,
        sum(values) / len(values) if values else None,
        (min(values) if bigger_is_better else max(values)) if values else None,
        None if cost is None else cost * retrains,
        sum(seconds.get(step.period + 1, 0.0) for step in steps if step.retrain),
    )


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Which policy, and why; no policy where the history cannot tell."""

    policy: str | None
    reason: str


def recommend(
    replayed: Sequence[Replayed], *, metric: str, bigger_is_better: bool, tolerance: float
) -> Recommendation:
    """The policy with the fewest retrains among those that are as good as the best.

    As good: on average worse by at most `tolerance` of the best average, and at worst by at most twice that of the
    best worst period. Equal numbers of retrains are decided by the average.
    """
    known = [(one, one.mean, one.worst) for one in replayed if one.mean is not None and one.worst is not None]
    if not known:
        return Recommendation(None, f"{metric} has no value in any period")
    sign = 1.0 if bigger_is_better else -1.0
    best_mean = max(sign * mean for _, mean, _ in known)
    best_worst = max(sign * worst for _, _, worst in known)

    def loss(value: float, best: float) -> float:
        return (best - sign * value) / abs(best) if best else 0.0

    close = [
        (one.retrains, -sign * mean, one)
        for one, mean, worst in known
        if loss(mean, best_mean) <= tolerance and loss(worst, best_worst) <= 2 * tolerance
    ]
    best = next(one for one, mean, _ in known if sign * mean == best_mean)
    if not close:  # the best average comes with a bad worst period
        told = f"{best.policy.name} has the best average {metric}; no policy has both that and the best worst period"
        return Recommendation(best.policy.name, told)
    _, _, chosen = min(close, key=lambda entry: entry[:2])
    assert chosen.mean is not None
    times = "1 retrain" if chosen.retrains == 1 else f"{chosen.retrains} retrains"
    if chosen is best:
        told = f"{chosen.policy.name} has the best average {metric} ({chosen.mean:.4g}) with {times}"
        more = [one for one, _, _ in known if one.retrains < chosen.retrains]
        end = f"; what retrains less is worse by more than {tolerance:.0%}" if more else ""
        return Recommendation(chosen.policy.name, told + end)
    gap = loss(chosen.mean, best_mean)
    return Recommendation(
        chosen.policy.name,
        f"{chosen.policy.name} comes to {metric} {chosen.mean:.4g} on average with {times}, {gap:.1%} from the best "
        f"({best.policy.name}, {best.retrains} retrains): within the tolerance of {tolerance:.0%}",
    )
