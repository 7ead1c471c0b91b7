"""ModelValidator: gates over plain mappings, for a notebook; the project's own gates are in gates.py."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rondo.errors import UsageError


class ModelValidator:
    """Checks metrics against thresholds.

    A threshold is met from above by a metric of which more is better, from below by an error or loss
    (`rmse`, `log_loss`, …). `{"min": …, "max": …}` says the direction itself.
    A metric that is missing or not a number does not pass, and neither does an empty set of gates.
    """

    def __init__(self, quality_gates: Mapping[str, float | Mapping[str, float]]) -> None:
        for name, threshold in quality_gates.items():
            bounds = threshold.values() if isinstance(threshold, Mapping) else (threshold,)
            unknown = set(threshold) - {"min", "max"} if isinstance(threshold, Mapping) else set()
            if unknown or not bounds or not all(_is_number(bound) for bound in bounds):
                raise UsageError(
                    f"the gate on {name!r} has the threshold {threshold!r}",
                    rule="A threshold is a finite number, or a mapping of min and max to finite numbers.",
                )
        self.quality_gates = dict(quality_gates)

    def validate(self, metrics: Mapping[str, float]) -> dict[str, Any]:
        """Whether every gate passed, and per gate its threshold, the actual value and whether it passed.

        A gate that fails for want of a value says so in its `reason`; `actual` is then None.
        """
        details: dict[str, dict[str, Any]] = {}
        for name, threshold in self.quality_gates.items():
            actual, reason = _value(metrics, name)
            details[name] = {
                "threshold": threshold,
                "actual": actual,
                "passed": actual is not None and _meets(name, actual, threshold),
            } | ({"reason": reason} if reason else {})
        results: dict[str, Any] = {
            "passed": bool(details) and all(detail["passed"] for detail in details.values()),
            "details": details,
        }
        if not details:
            results["reason"] = "no gates: nothing was asked, so nothing passed"
        return results

    def compare_with_baseline(
        self,
        new_metrics: Mapping[str, float],
        baseline_metrics: Mapping[str, float],
        min_improvement: float = 0.01,
    ) -> dict[str, Any]:
        """Whether no metric of the baseline got worse by more than `min_improvement` of its size.

        Args:
            min_improvement: how much worse is still accepted, as a fraction of the baseline's absolute value.

        `improvement` is positive when the metric got better, whatever its direction; without a value on
        either side, and against a baseline of 0, it says so in words. A metric that the baseline does not
        have is listed and not judged (`passed` is None).
        """
        if not _is_number(min_improvement) or min_improvement < 0:
            raise UsageError(
                f"min_improvement is {min_improvement!r}", rule="It is a fraction of 0 or more, such as 0.01"
            )
        details: dict[str, dict[str, Any]] = {}
        for name in dict.fromkeys([*new_metrics, *baseline_metrics]):
            new, why_new = _value(new_metrics, name)
            old, why_old = _value(baseline_metrics, name)
            detail: dict[str, Any] = {"new": new, "baseline": old}
            if name not in baseline_metrics:
                details[name] = detail | {
                    "improvement": "unknown",
                    "passed": None,
                    "reason": "baseline missing",
                }
                continue
            if new is None or old is None:
                reason = f"new {why_new}" if why_new else f"baseline {why_old}"
                details[name] = detail | {"improvement": "unknown", "passed": False, "reason": reason}
                continue
            gain = _gain(name, new, old)
            detail["improvement"] = f"{gain / abs(old):.2%}" if old else f"{gain:+.4g} from 0"
            details[name] = detail | {"passed": gain >= -min_improvement * abs(old)}
        judged = [detail["passed"] for detail in details.values() if detail["passed"] is not None]
        results: dict[str, Any] = {
            "improved": bool(judged) and all(judged),
            "details": details,
        }
        if not judged:
            results["reason"] = "the baseline has no metrics: nothing was compared"
        return results


def _gain(name: str, new: float, old: float) -> float:
    from rondo.records.metrics import bigger_is_better

    return new - old if bigger_is_better(name) else old - new


def _meets(name: str, actual: float, threshold: float | Mapping[str, float]) -> bool:
    if isinstance(threshold, Mapping):
        return threshold.get("min", -math.inf) <= actual <= threshold.get("max", math.inf)
    return _gain(name, actual, threshold) >= 0


def _value(metrics: Mapping[str, float], name: str) -> tuple[float | None, str]:
    """The metric's number, or None and why there is none."""
    if name not in metrics:
        return None, "missing"
    value = metrics[name]
    return (float(value), "") if _is_number(value) else (None, "not a number")


def _is_number(value: object) -> bool:
    if isinstance(value, bool | str | bytes) or value is None:
        return False
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except TypeError:
        return False
