"""Validation: from a release bundle to a judgement with every gate's evidence.

In:   a bundle, the feature matrix and its split, the bundle in production   (rondo.bundle, rondo.records)
Out:  a Verdict; reports/evaluation.html and reports/model_card.html         (rondo.records)
Asks: nothing: it reads files

gates.py       what each gate asks, one function per kind, pure
judgement.py   from gates to ship, hold, reject or inconclusive, pure
integrity.py   whether the bundle is what was trained
evidence.py    the test rows, answered by a bundle as the server would answer them
answers.py     a model's answers beside the truth
lists.py       a ranking beside orders that need no model
forecast.py    a forecast beside the seasonal naive one
attribution.py what the answers are made of
evaluation.py  what answers amount to, pure: metrics, curves.py, slices.py
judging.py     the whole stage
report.py      the two pages
validator.py   ModelValidator, for a notebook
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rondo.stages.validation.judging import judge as judge
    from rondo.stages.validation.validator import ModelValidator as ModelValidator

__all__ = ["ModelValidator", "judge"]

_HOMES = {"ModelValidator": "validator", "judge": "judging"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
