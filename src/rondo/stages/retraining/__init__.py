"""Retraining: whether to start a new round, and why.

In:   Observations, what the model in production was made from, earlier decisions
Out:  a Decision (rondo.records.monitoring)

triggers.py   the four triggers, each with its evidence
deciding.py   what holds a fired trigger back
notebook.py   RetrainingTrigger, for use on its own
"""

from __future__ import annotations

from rondo.stages.retraining.deciding import Standing, decide
from rondo.stages.retraining.notebook import RetrainingTrigger
from rondo.stages.retraining.triggers import Figures, Fired, check, figures_of

__all__ = ["Figures", "Fired", "RetrainingTrigger", "Standing", "check", "decide", "figures_of"]
