"""What was observed: the newest figures, their order, and their series for pictures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rondo.dashboard.view import Tone
from rondo.records.monitoring import WITH_VALUE, Observation


def series_of(
    observations: Sequence[Observation], metric: str
) -> dict[str, list[tuple[datetime, float | None]]]:
    """Per feature (or version) the values of that metric in time; a figure without a value leaves a gap."""
    found: dict[str, dict[datetime, float | None]] = {}
    for seen in observations:
        if seen.metric != metric or seen.window_to is None:
            continue
        name = seen.feature or seen.version or metric
        value = seen.value if seen.state in WITH_VALUE else None
        found.setdefault(name, {})[seen.window_to] = value
    return {name: sorted(points.items()) for name, points in found.items()}


def newest_of(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """The newest observation of every figure, in the order in which the figures were first seen."""
    found: dict[tuple[str, str | None], Observation] = {}
    for seen in observations:
        key = (seen.metric, seen.feature)
        if key not in found or found[key].observed_at <= seen.observed_at:
            found[key] = seen
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class FeatureFigures:
    """The newest figures of one feature, by metric."""

    feature: str
    figures: Mapping[str, Observation]

    @property
    def tone(self) -> Tone:
        """bad where one is beyond its limit, warn where one says nothing."""
        states = {one.state for one in self.figures.values()}
        return "bad" if "breached" in states else "ok" if states <= WITH_VALUE else "warn"

    @property
    def n(self) -> int:
        """The size of the sample; of several the smallest."""
        return min(one.n for one in self.figures.values())

    @property
    def window_to(self) -> datetime | None:
        """The end of the newest window."""
        return max((one.window_to for one in self.figures.values() if one.window_to), default=None)


def by_feature(newest: Iterable[Observation]) -> tuple[FeatureFigures, ...]:
    """A row per feature: those beyond a limit first, then those that could not be judged."""
    found: dict[str, dict[str, Observation]] = {}
    for seen in newest:
        found.setdefault(seen.feature or "", {})[seen.metric] = seen
    rows = [FeatureFigures(name, figures) for name, figures in found.items()]
    return tuple(sorted(rows, key=lambda row: ("bad", "warn", "ok").index(row.tone)))


def beyond_first(seen: Iterable[Observation]) -> tuple[Observation, ...]:
    """What is beyond its limit, then what could not be judged, then the rest; each as it was."""
    order = {"breached": 0, "fine": 2, "told": 2, "estimate": 2}
    return tuple(sorted(seen, key=lambda one: order.get(one.state, 1)))


def metrics_in(observations: Iterable[Observation]) -> tuple[str, ...]:
    """Names of the metrics in the order of appearance."""
    return tuple(dict.fromkeys(seen.metric for seen in observations))


def worst_first(
    series: Mapping[str, Sequence[tuple[datetime, float | None]]], most: int
) -> dict[str, Sequence[tuple[datetime, float | None]]]:
    """The series with the greatest newest values, at most so many."""

    def newest(points: Sequence[tuple[datetime, float | None]]) -> float:
        return next((value for _, value in reversed(points) if value is not None), -1.0)

    ranked = sorted(series, key=lambda name: newest(series[name]), reverse=True)
    return {name: series[name] for name in ranked[:most]}
