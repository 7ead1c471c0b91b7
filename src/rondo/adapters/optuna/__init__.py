"""Optuna: the search over hyperparameters.

tuner.py   OptunaTuner, a Tuner whose studies can be opened with Optuna's own tools
"""

from __future__ import annotations

from rondo.adapters.optuna.tuner import OptunaTuner

__all__ = ["OptunaTuner"]
