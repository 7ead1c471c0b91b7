"""Search over hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from rondo.contract.training import SearchRange


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found; `trials` are those that gave a finite score."""

    params: Mapping[str, Any]
    score: float
    trials: int
    failed: tuple[str, ...]  # why trials gave nothing


class Tuner(Protocol):
    """Searches; equal seeds and equal objectives give equal results (unless a time-out ends the search)."""

    def search(
        self,
        study: str,
        space: Mapping[str, SearchRange],
        objective: Callable[[Mapping[str, Any], int], float],
        *,
        trials: int,
        maximize: bool,
        seed: int,
        timeout: timedelta | None,
        on_trial: Callable[[int, float], None],
    ) -> SearchResult:
        """The best parameters; `objective(params, trial_number)`.

        Raises:
            DataError: no trial gave a finite score; its problems say why.
        """
