"""What differs between two bundles: how they were made, and what they say of the same rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.manifest import Manifest
from rondo.bundle.plan import FeaturePlan
from rondo.bundle.versions import fingerprint

About = Literal["data", "code", "estimator", "parameter", "feature", "preparation", "threshold", "metric"]
ABSENT = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same; an empty side does not have it."""

    about: About
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Flip:
    """A row on which two versions say something else; `place` counts the rows from 0."""

    place: int
    before: float
    after: float
    label_before: str
    label_after: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How two versions' answers to the same rows differ; `largest` are the rows with the greatest change."""

    rows: int
    flipped: int  # rows whose decision differs
    mean_change: float  # of the score, absolute
    largest: tuple[Flip, ...]

    @property
    def agreement(self) -> float:
        """Share of the rows with the same decision."""
        return 1.0 - self.flipped / self.rows


def made_differently(
    before: tuple[Manifest, FeaturePlan], after: tuple[Manifest, FeaturePlan]
) -> tuple[Difference, ...]:
    """Everything about the making of `after` that is not as it was for `before`, and every metric of both."""
    return (
        *_lineage(before[0].lineage, after[0].lineage),
        *_estimator(before[0], after[0]),
        *_features(before, after),
        *_metrics(before[0].metrics, after[0].metrics),
    )


def said_differently(
    before: tuple[list[float], list[str]], after: tuple[list[float], list[str]], *, shown: int = 10
) -> Disagreement | None:
    """How the answers differ, row by row; None without rows.

    Args:
        before: scores and decisions of the one version.
        after: those of the other, of the same rows in the same order.
        shown: how many of the rows with the greatest change are told.
    """
    old: NDArray[np.float64] = np.asarray(before[0], dtype=np.float64)
    new: NDArray[np.float64] = np.asarray(after[0], dtype=np.float64)
    if not old.size:
        return None
    change = np.abs(new - old)
    flipped = np.array([a != b for a, b in zip(before[1], after[1], strict=True)])
    # Another decision first, then the greatest change.
    order = np.lexsort((-change, ~flipped))[:shown]
    largest = tuple(
        Flip(int(at), float(old[at]), float(new[at]), before[1][at], after[1][at])
        for at in order
        if change[at] > 0
    )
    return Disagreement(len(old), int(flipped.sum()), float(change.mean()), largest)


def same_features(one: FeaturePlan, other: FeaturePlan) -> bool:
    """Whether a row of features made by the one plan is also one of the other's."""
    return one.hash == other.hash or _definitions(one) == _definitions(other)


def _definitions(plan: FeaturePlan) -> tuple[Any, ...]:
    return plan.numerical, plan.categorical, plan.history, plan.stateless


def _lineage(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in ("data_version", "data_rows", "data_from", "data_to"):
        yield from _one("data", name.removeprefix("data_"), before.get(name), after.get(name))
    for name in ("commit", "diff"):
        yield from _one("code", name, _code(before).get(name), _code(after).get(name))
    yield from _one("code", "seed", before.get("seed"), after.get("seed"))
    yield from _one("preparation", "encoders", before.get("preparation"), after.get("preparation"))


def _code(lineage: Mapping[str, Any]) -> Mapping[str, Any]:
    found = lineage.get("code")
    return found if isinstance(found, Mapping) else {}


def _estimator(before: Manifest, after: Manifest) -> Iterator[Difference]:
    yield from _one("estimator", "class", before.estimator, after.estimator)
    for name in sorted({*before.params, *after.params}):
        yield from _one("parameter", name, before.params.get(name), after.params.get(name))
    yield from _one("threshold", "decision", before.threshold, after.threshold)


def _features(
    before: tuple[Manifest, FeaturePlan], after: tuple[Manifest, FeaturePlan]
) -> Iterator[Difference]:
    old, new = fingerprint(*before), fingerprint(*after)
    for name in sorted({*old.features, *new.features}):
        was, is_now = old.features.get(name), new.features.get(name)
        if was != is_now:
            yield Difference("feature", name, was or ABSENT, is_now or ABSENT)
        elif old.definitions.get(name) != new.definitions.get(name):
            yield Difference("feature", name, "as it was", "another definition")


def _metrics(before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        yield Difference("metric", name, _text(before.get(name)), _text(after.get(name)))


def _one(about: About, name: str, before: Any, after: Any) -> Iterator[Difference]:
    if before != after:
        yield Difference(about, name, _text(before), _text(after))


def _text(value: Any) -> str:
    if value is None:
        return ABSENT
    return f"{value:.6g}" if isinstance(value, float) else str(value)
