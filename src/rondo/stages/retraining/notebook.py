"""RetrainingTrigger, for use on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rondo.contract.retraining import Retraining
from rondo.stages.retraining.triggers import Figures, check


class RetrainingTrigger:
    """Checks the four triggers against figures that somebody measured.

    >>> trigger = RetrainingTrigger({"min_accuracy": 0.85, "max_psi": 0.1})
    >>> trigger.check_triggers({"accuracy": 0.80, "psi": 0.02})
    {'should_retrain': True, 'reasons': ['accuracy_degradation'], 'not_measured': []}
    """

    def __init__(self, config: Mapping[str, Any] | Retraining) -> None:
        self._policy = config if isinstance(config, Retraining) else Retraining.model_validate(dict(config))

    def check_triggers(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """`should_retrain`, the `reasons`, and the triggers whose figure is `not_measured` (missing or NaN).

        Args:
            metrics: any of accuracy, psi, days_since_training, new_data_count.
        """
        fired = check(
            self._policy,
            Figures(
                accuracy=metrics.get("accuracy"),
                psi=metrics.get("psi"),
                days_since_training=metrics.get("days_since_training"),
                new_data_count=metrics.get("new_data_count"),
            ),
        )
        return {
            "should_retrain": bool(fired.reasons),
            "reasons": list(fired.reasons),
            "not_measured": list(fired.not_measured),
        }
