"""The page of a backtest: which policy, why, and how each of them went. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from rondo.pages import number, render, seconds
from rondo.records.metrics import bigger_is_better
from rondo.stages.retraining.backtest import Period, Recommendation, Replayed


def backtest_page(
    project: str,
    metric: str,
    periods: Sequence[Period],
    replayed: Sequence[Replayed],
    recommendation: Recommendation,
    *,
    candidate: str,
    trained: int,
    made_at: datetime,
    cost: str,
) -> str:
    """reports/policy_backtest.html"""
    rows = [
        (
            one.policy.name,
            one.policy.told,
            number(one.retrains),
            number(one.mean, 4),
            number(one.worst, 4),
            *(() if not cost else (number(one.cost),)),
            seconds(one.seconds),
        )
        for one in replayed
    ]
    head = ["policy", "retrains", ("retrains", "num"), (f"mean {metric}", "num"), (f"worst {metric}", "num")]
    head[1] = "when"
    head += [*([] if not cost else [("cost", "num")]), ("training", "num")]
    return render(
        "rondo.stages.retraining/backtest.html",
        title=f"{project}: retraining policies",
        above="Rondo · policy backtest",
        subtitle=f"What each policy would have come to from {periods[0].start:%Y-%m-%d} to {periods[-1].end:%Y-%m-%d}",
        verdict="ok" if recommendation.policy else "inconclusive",
        verdict_text=f"Recommended: {recommendation.policy or 'nothing'}",
        verdict_reason=recommendation.reason,
        facts=[
            ("metric", f"{metric} ({'more' if bigger_is_better(metric) else 'less'} is better)"),
            ("periods", number(len(periods))),
            ("rows", number(sum(one.rows for one in periods))),
            ("model", candidate),
            ("trainings", number(trained)),
            ("one retrain costs", cost or "not said (retraining.cost)"),
        ],
        footer=f"Written by Rondo · replayed {made_at:%Y-%m-%d %H:%M} UTC",
        head=head,
        rows=rows,
        lines={one.policy.name: _line(one, periods) for one in replayed},
        marks={one.policy.name: _marks(one, periods) for one in replayed},
        metric=metric,
        decisions=_decisions(replayed, periods),
    )


def _line(one: Replayed, periods: Sequence[Period]) -> list[tuple[datetime, float | None]]:
    return [(periods[step.period].start, step.performance.value) for step in one.steps]


def _marks(one: Replayed, periods: Sequence[Period]) -> list[datetime]:
    """The first period that a retrained model answered."""
    return [periods[after.period].start for before, after in pairwise(one.steps) if before.retrain]


def _decisions(replayed: Sequence[Replayed], periods: Sequence[Period]) -> list[tuple[str, str, str, str]]:
    """Every decision of the contract's policy for which a trigger fired."""
    own = next((one for one in replayed if one.policy.name == "contract"), None)
    return [
        (
            f"{periods[step.period].end:%Y-%m-%d}",
            "retrain" if step.retrain else step.held_back or "nothing left to answer",
            ", ".join(step.reasons),
            "; ".join(line for line in step.evidence if line.endswith(": fires"))[:300],
        )
        for step in (own.steps if own else ())
        if step.reasons
    ]
