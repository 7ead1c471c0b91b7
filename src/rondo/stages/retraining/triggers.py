"""The four triggers, each with its evidence. Pure.

A figure that was not measured fires nothing, and is told as not measured: it does not pass for a good one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rondo.contract.retraining import Retraining
from rondo.records.monitoring import Observation


@dataclass(frozen=True, slots=True)
class Figures:
    """What the triggers look at; None = not measured."""

    accuracy: float | None = None
    psi: float | None = None
    psi_feature: str = ""
    days_since_training: float | None = None
    new_data_count: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Further figures of the outcomes by name; one that is not in it was not measured."""


@dataclass(frozen=True, slots=True)
class Fired:
    """The reasons to retrain, and a sentence of evidence per trigger of the contract."""

    reasons: tuple[str, ...]
    evidence: tuple[str, ...]
    not_measured: tuple[str, ...]


def check(policy: Retraining, figures: Figures) -> Fired:
    """Which triggers fire."""
    looked_at = (
        *_bounds(policy, figures),
        ("accuracy_degradation", "accuracy", figures.accuracy, "<", policy.min_accuracy, ""),
        ("data_drift", "largest PSI", figures.psi, ">", policy.max_psi, figures.psi_feature),
        (
            "scheduled_retrain",
            "days since training",
            figures.days_since_training,
            ">",
            policy.max_days_without_training,
            "",
        ),
        ("new_data_available", "new rows", figures.new_data_count, ">", policy.new_data_threshold, ""),
    )
    reasons: list[str] = []
    evidence: list[str] = []
    not_measured: list[str] = []
    for reason, name, value, sign, limit, detail in looked_at:
        if limit is None:
            continue
        if value is None or math.isnan(value):
            not_measured.append(reason)
            evidence.append(f"{name}: not measured")
            continue
        fires = value < limit if sign == "<" else value > limit
        if fires:
            reasons.append(reason)
        subject = f"{name} ({detail})" if detail else name
        verdict = "fires" if fires else "does not fire"
        evidence.append(
            f"{subject} is {_short(value)}; a retrain is due at {sign} {_short(limit)}: {verdict}"
        )
    return Fired(*(tuple(dict.fromkeys(found)) for found in (reasons, evidence, not_measured)))


def _bounds(
    policy: Retraining, figures: Figures
) -> Iterator[tuple[str, str, float | None, str, float | None, str]]:
    for name, bound in policy.metrics.items():
        for sign, limit in (("<", bound.min), (">", bound.max)):
            if limit is not None:
                yield "accuracy_degradation", name, figures.metrics.get(name), sign, limit, ""


def figures_of(
    observations: Iterable[Observation], *, days_since_training: float | None, new_data_count: int | None
) -> Figures:
    """The triggers' figures from the newest observations; a PSI that chance explains counts as 0."""
    accuracy: float | None = None
    psi: float | None = None
    feature = ""
    metrics: dict[str, float] = {}
    for seen in observations:
        if seen.value is None:
            continue
        if seen.feature is None and seen.state != "estimate":
            metrics[seen.metric] = seen.value
        if seen.metric == "accuracy":
            accuracy = seen.value
        elif seen.metric == "psi":
            value = 0.0 if seen.beyond is not None and seen.value <= seen.beyond else seen.value
            if psi is None or value > psi:
                psi, feature = value, seen.feature or ""
    return Figures(accuracy, psi, feature, days_since_training, new_data_count, metrics)


def _short(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"
