"""Service levels: what the success criteria ask of the running system, with an error budget. Pure.

The budget of a window is the share of requests that may fail under the objective; what failed uses it up. The burn
rate is how many times faster than allowed it is used. Alarms follow The Site Reliability Workbook (Beyer and others,
2018), chapter 5, "Multiwindow, multi-burn-rate alerts": 14.4 over an hour and over its last 5 minutes, or 6 over 6
hours and over their last 30 minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rondo.contract.metrics import system_name
from rondo.contract.monitoring import Watch
from rondo.contract.problem import Criterion
from rondo.records.monitoring import ObservationState
from rondo.records.prediction import RequestFigures
from rondo.stages.monitoring.judging import Figure
from rondo.stages.monitoring.system import PERCENTILES, system_figure

SERVICE_LEVEL = "service_level"
"""The metric under which service levels are observed; their names stand where a feature's would."""
_NO_BUDGET = 1e-9  # an objective of 100 % leaves none, and any failure burns it at once
SUSTAINED = timedelta(minutes=1)
BURNS = (
    ("1h", timedelta(hours=1), timedelta(minutes=5), 14.4),
    ("6h", timedelta(hours=6), timedelta(minutes=30), 6.0),
)


@dataclass(frozen=True, slots=True)
class Level:
    """A service level: its name, what is asked of it, what was found, and how much evidence it needs."""

    name: str
    watch: Watch | None
    figure: Figure
    needed: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may fail, and how much of that is used; 1 = all of it."""

    allowed: float  # requests of the window that may fail
    failed: int

    @property
    def used(self) -> float:
        """The part that is used; above 1 when more failed than may."""
        if self.allowed > 0:
            return self.failed / self.allowed
        return 0.0 if not self.failed else float("inf")

    def __str__(self) -> str:
        left = max(0.0, 1.0 - self.used)
        used = "all" if self.used == float("inf") else f"{self.used:.0%}"
        return f"error budget: {used} used, {left:.0%} left ({self.failed:,} failed, {self.allowed:,.1f} may)"


def levels(
    criteria: Mapping[str, Criterion], figures: Sequence[RequestFigures], *, needed: int
) -> Iterator[Level]:
    """Every service level that the figures can tell.

    Args:
        criteria: `success_criteria.system_metrics`.
        figures: of the window, in order of time.
        needed: requests below which a burn rate says nothing.
    """
    for name, criterion in criteria.items():
        known = system_name(name)
        if known == "availability" and criterion.min is not None:
            yield from _availability(criterion.min.value, figures, needed)
        elif known == "throughput" and criterion.min is not None:
            yield _throughput(criterion.min.value, figures)
        elif known in PERCENTILES and criterion.max is not None:
            value, n = system_figure(known, figures, "s")
            yield Level(
                known, Watch(threshold=criterion.max.value, alert_on="above", unit="s"), Figure(value, n)
            )
        elif known == "error_rate" and criterion.max is not None:
            value, n = system_figure(known, figures, None)
            yield Level(known, Watch(threshold=criterion.max.value, alert_on="above"), Figure(value, n))


def burn_rate(figures: Sequence[RequestFigures], objective: float, *, since: datetime) -> tuple[float, int]:
    """How many times faster than allowed the budget was used since then, and over how many requests."""
    within = [figure for figure in figures if figure.at > since]
    requests = sum(figure.requests for figure in within)
    if not requests:
        return 0.0, 0
    failed = sum(figure.errors for figure in within) / requests
    return failed / max(1.0 - objective, _NO_BUDGET), requests


def greatest_sustained_rate(figures: Sequence[RequestFigures]) -> float | None:
    """The most requests per second over any whole minute of the clock, over all servers; None without figures."""
    per_minute: dict[datetime, float] = {}
    for figure in figures:
        minute = figure.at.replace(second=0, microsecond=0)
        per_minute[minute] = per_minute.get(minute, 0.0) + figure.requests
    return max(per_minute.values()) / SUSTAINED.total_seconds() if per_minute else None


def _availability(objective: float, figures: Sequence[RequestFigures], needed: int) -> Iterator[Level]:
    value, requests = system_figure("availability", figures, None)
    budget = Budget((1.0 - objective) * requests, sum(figure.errors for figure in figures))
    note = str(budget) if requests else ""
    asked = Watch(threshold=objective, alert_on="below", severity="critical")
    yield Level("availability", asked, Figure(value, requests, note))
    newest = max((figure.at for figure in figures), default=None)
    for told, long, short, limit in BURNS:
        yield Level(
            f"availability_burn_{told}",
            Watch(threshold=limit, alert_on="above", severity="critical"),
            _burning(objective, figures, newest, long=long, short=short, limit=limit, needed=needed),
            needed,
        )


def _burning(
    objective: float,
    figures: Sequence[RequestFigures],
    newest: datetime | None,
    *,
    long: timedelta,
    short: timedelta,
    limit: float,
    needed: int,
) -> Figure:
    """How fast the budget burns over the long window; it is over as soon as the short one says so."""
    if newest is None:
        return Figure(None, 0)
    rate, requests = burn_rate(figures, objective, since=newest - long)
    recent, _ = burn_rate(figures, objective, since=newest - short)
    judged: ObservationState = "breached" if rate > limit and recent > limit else "fine"
    note = f"{recent:.3g} over the last {short.seconds // 60} minutes"
    return Figure(rate, requests, note, state=judged if requests >= needed else None)


def _throughput(asked: float, figures: Sequence[RequestFigures]) -> Level:
    """Nobody may have asked for so much: what was sustained shows that it can, less shows nothing."""
    rate = greatest_sustained_rate(figures)
    requests = sum(figure.requests for figure in figures)
    note = "the greatest rate sustained over a minute"
    if rate is not None and rate >= asked:
        return Level("throughput", Watch(threshold=asked, alert_on="below"), Figure(rate, requests, note))
    return Level("throughput", None, Figure(rate, requests, f"{note}; no more was asked for"))
