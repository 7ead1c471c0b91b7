"""Retraining: whether to start a new round, and why.

In:   Observations, what the model in production was made from, earlier decisions
Out:  a Decision (rondo.records.monitoring)

triggers.py   the four triggers, each with its evidence
deciding.py   what holds a fired trigger back
backtest.py   policies replayed on history that is over, and which of them to take
policies.py   the policies that are compared
report.py     the page of a backtest
notebook.py   RetrainingTrigger, for use on its own
"""

from __future__ import annotations

from rondo.stages.retraining.backtest import (
    Observe,
    Period,
    Policy,
    Recommendation,
    Replayed,
    Seen,
    Step,
    recommend,
    replay,
    summed,
)
from rondo.stages.retraining.deciding import BUDGET_OVER, Standing, decide, frozen
from rondo.stages.retraining.notebook import RetrainingTrigger
from rondo.stages.retraining.policies import policies
from rondo.stages.retraining.triggers import Figures, Fired, check, figures_of

__all__ = [
    "BUDGET_OVER",
    "Figures",
    "Fired",
    "Observe",
    "Period",
    "Policy",
    "Recommendation",
    "Replayed",
    "RetrainingTrigger",
    "Seen",
    "Standing",
    "Step",
    "check",
    "decide",
    "figures_of",
    "frozen",
    "policies",
    "recommend",
    "replay",
    "summed",
]
