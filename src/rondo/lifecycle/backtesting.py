"""`rondo policy backtest`: the project's own history, replayed under several policies of retraining.

It reads the feature matrix and the version in production, and writes one page; nothing of the project's state,
registry or tracking is touched. A model is trained once per moment, however many policies come by it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from rondo.bundle.plan import FeaturePlan
from rondo.errors import DataError, NotAvailable
from rondo.lifecycle.rooms import reports_folder
from rondo.lifecycle.watching import production_candidate
from rondo.lifecycle.workshop import Workshop
from rondo.records.candidate import Candidate, TrainingResult
from rondo.records.files import read_record, write_bytes
from rondo.records.metrics import bigger_is_better, is_known
from rondo.stages.monitoring.comparing import WEEK, Compared, Features, described
from rondo.stages.monitoring.drifting import drift_of
from rondo.stages.retraining import (
    Observe,
    Period,
    Recommendation,
    Replayed,
    Seen,
    policies,
    recommend,
    replay,
    summed,
)
from rondo.stages.retraining.report import backtest_page
from rondo.stages.training.refit import Floats, History, Refitted, read_history, refit
from rondo.stages.training.split import Rows

DEFAULT_PERIODS = 12
FIRST_SHARE = 0.4  # of the history before the first period: the first model learns from it
LEAST_PERIODS = 3


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the replay came to."""

    project: str
    metric: str
    bigger_is_better: bool
    candidate: str
    periods: tuple[Period, ...]
    replayed: tuple[Replayed, ...]
    recommendation: Recommendation
    tolerance: float
    trained: int  # models, each shared by the policies that came by it
    made_at: datetime


def backtest(workshop: Workshop, *, periods: int | None = None) -> Backtest:
    """Replays the history and writes reports/policy_backtest.html.

    Args:
        workshop: the project.
        periods: into how many the newer part of the history is divided; by default 12, or fewer where moments are few.

    Raises:
        NotAvailable: there are no features yet, or no trained model.
        DataError: the history is too short, or has no order in time.
    """
    project = workshop.project
    history = read_history(project, workshop.layout.features)
    candidate = _candidate(workshop)
    stretches = _periods(history, periods)
    metric = project.ml_problem.success_metric
    models = _Models(workshop, history, candidate, stretches, metric)
    first = models.observe(0, 0, 0).performance.value
    up = bigger_is_better(metric)
    rules = project.retraining
    cost = None if rules.cost is None else rules.cost.value
    replayed = []
    asked = policies(rules, metric=metric, at_first=first)
    for number, policy in enumerate(asked):
        workshop.progress.step("policy backtest", number, len(asked), policy.name)
        steps = replay(policy, stretches, models.observe)
        replayed.append(summed(policy, steps, bigger_is_better=up, cost=cost, seconds=models.seconds))
    workshop.progress.step("policy backtest", len(asked), len(asked))
    tolerance = project.validation.tolerance
    found = Backtest(
        project=project.project,
        metric=metric,
        bigger_is_better=up,
        candidate=candidate.name,
        periods=tuple(stretches),
        replayed=tuple(replayed),
        recommendation=recommend(replayed, metric=metric, bigger_is_better=up, tolerance=tolerance),
        tolerance=tolerance,
        trained=len(models.seconds),
        made_at=workshop.clock(),
    )
    page = reports_folder(workshop, "reports/policy_backtest.html") / "policy_backtest.html"
    text = backtest_page(
        found.project, found.metric, found.periods, found.replayed, found.recommendation,
        candidate=found.candidate, trained=found.trained, made_at=found.made_at, cost=str(rules.cost or ""),
    )  # fmt: skip
    write_bytes(page, text.encode())
    return found


class _Models:
    """The models of earlier moments and what they come to, each made once."""

    def __init__(
        self, workshop: Workshop, history: History, candidate: Candidate, periods: list[Period], metric: str
    ) -> None:
        self._workshop, self._history, self._candidate = workshop, history, candidate
        self._periods = periods
        rules = workshop.project.retraining
        asked = ["accuracy", *rules.metrics, metric]
        task = history.material.labels.task
        self._metrics = tuple(dict.fromkeys(name for name in asked if is_known(name, task)))
        self._metric = metric
        table = history.material.table
        self._features = Features(table.numerical, table.categorical)
        self._log = _log_of(history)
        plan = read_record(workshop.layout.features / "plan.json", FeaturePlan)
        self._calendar = plan.calendar
        self._models: dict[int, Refitted] = {}
        self._scores: dict[tuple[int, int], Floats] = {}
        self._seen: dict[tuple[int, int, int], Seen] = {}
        self.seconds: dict[int, float] = {}

    @property
    def observe(self) -> Observe:
        """What a model trained before a period came to in another; see `Observe`."""
        return self._observe

    def _observe(self, trained: int, period: int, now: int) -> Seen:
        asked = (trained, period, now)
        if asked not in self._seen:
            self._seen[asked] = self._look(*asked)
        return self._seen[asked]

    def _look(self, trained: int, period: int, now: int) -> Seen:
        history, watched = self._history, self._workshop.project.monitoring
        rows = self._rows(period)
        scores = self._answers(trained, period)
        threshold = self._candidate.threshold
        performance = history.measure((self._metric,), rows, scores, threshold)[self._metric]
        known = np.isin(rows, history.known_by(rows, self._periods[now].end))
        metrics: dict[str, float] = {}
        if known.sum() >= min(watched.min_samples, len(rows)):
            found = history.measure(self._metrics, rows[known], scores[known], threshold)
            metrics = {name: one.value for name, one in found.items() if one.value is not None}
        psi, feature = self._largest_psi(trained, period)
        return Seen(performance, metrics, psi, feature)

    def _largest_psi(self, trained: int, period: int) -> tuple[float | None, str]:
        """As monitoring would have found it in the newest window of the period; what chance explains counts as 0."""
        window = self._window(period)
        rows = self._logged(trained, window)
        compared = self._compared(trained, period)
        if compared.reference is None:
            return None, ""
        largest: tuple[float | None, str] = (None, "")
        for drift in drift_of(rows, self._features, compared, {}, skip=self._calendar):
            if drift.metric != "psi" or drift.moved is None:
                continue
            value = drift.moved.value if drift.moved.value > drift.moved.beyond else 0.0
            if largest[0] is None or value > largest[0]:
                largest = (value, drift.feature)
        return largest

    def _window(self, period: int) -> Rows:
        """The newest window of the period, or all of it where that has too few rows."""
        watched, stretch = self._workshop.project.monitoring, self._periods[period]
        newest = self._history.between(max(stretch.end - watched.window, stretch.start), stretch.end)
        return newest if len(newest) >= watched.min_samples else self._rows(period)

    def _compared(self, trained: int, period: int) -> Compared:
        watched, history = self._workshop.project.monitoring, self._history
        if watched.reference == "judged":
            model = self._model(trained)
            judged = self._log[model.judged].with_columns(pl.Series("score", model.judged_scores))
            reference = described(judged, self._features, watched.bins)
            return Compared("judged", "", reference, reference.score, judged.height)
        back = watched.window if watched.reference == "previous_window" else watched.season or WEEK
        times = history.times.gather(self._window(period))
        first, last = times.min(), times.max()
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        for shift in dict.fromkeys((back, WEEK if watched.reference == "season" else back)):
            rows = history.between(first - shift, last - shift + timedelta(microseconds=1))
            if len(rows) >= watched.min_samples:
                earlier = self._log[rows].with_columns(pl.lit(None, dtype=pl.Float64).alias("score"))
                reference = described(earlier, self._features, watched.bins)
                return Compared("earlier", "", reference, None, earlier.height)
        return Compared("earlier", "", None, None, 0)

    def _logged(self, trained: int, rows: Rows) -> pl.DataFrame:
        """The rows as the prediction log would hold them."""
        scores = self._model(trained).scores(self._history, rows)
        flat = scores if scores.ndim == 1 else scores.max(axis=1)
        return self._log[rows].with_columns(pl.Series("score", flat))

    def _rows(self, period: int) -> Rows:
        return self._history.between(self._periods[period].start, self._periods[period].end)

    def _answers(self, trained: int, period: int) -> Floats:
        if (trained, period) not in self._scores:
            self._scores[trained, period] = self._model(trained).scores(self._history, self._rows(period))
        return self._scores[trained, period]

    def _model(self, trained: int) -> Refitted:
        """The model that a training just before the period would have made."""
        if trained not in self._models:
            began = time.perf_counter()
            start = self._periods[trained].start
            self._workshop.progress.say(f"training as of {start:%Y-%m-%d}")
            self._models[trained] = refit(self._history, self._candidate, start)
            self.seconds[trained] = time.perf_counter() - began
        return self._models[trained]


def _log_of(history: History) -> pl.DataFrame:
    """Every row's features as the prediction log holds them: a list of numbers and a list of words."""
    table, matrix = history.material.table, history.material.matrix
    lists = [
        (pl.concat_list(names) if names else pl.lit([], dtype=pl.List(kind))).alias(column)
        for column, names, kind in (
            ("numerical", table.numerical, pl.Float32),
            ("categorical", table.categorical, pl.String),
        )
    ]
    return matrix.select(lists) if table.numerical or table.categorical else matrix.select([])


def _candidate(workshop: Workshop) -> Candidate:
    """The candidate in production; before the first release the best one of the last training."""
    if workshop.state.production() is not None:
        return production_candidate(workshop)
    try:
        return read_record(workshop.layout.training / "result.json", TrainingResult).best
    except NotAvailable as error:
        raise NotAvailable(
            "no model was trained yet", mend="`rondo run` makes a first one; its parameters are replayed."
        ) from error


def _periods(history: History, asked: int | None) -> list[Period]:
    """The newer part of the history in equal stretches of time; those without rows join the one before.

    Raises:
        DataError: there are too few.
    """
    first, last = history.times.min(), history.times.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    moments = history.times.unique()
    begin = _first(moments, first + (last - first) * FIRST_SHARE)
    end = last + timedelta(microseconds=1)
    count = min(asked or DEFAULT_PERIODS, int((moments >= begin).sum()))
    # A border on a moment of the data: what is asked for at midnight belongs to one side of it.
    stretch = (end - begin) / count
    borders = sorted({_first(moments, begin + stretch * number) for number in range(count)})
    ends = [*borders[1:], end]
    found = [
        Period(start, stop, rows := len(history.between(start, stop)), rows)
        for start, stop in zip(borders, ends, strict=True)
    ]
    if len(found) < LEAST_PERIODS:
        raise DataError(
            f"the history gives {len(found)} periods",
            where="policy backtest",
            rule=f"A replay needs {LEAST_PERIODS} at least",
            mend="Take more history, or snapshots more often.",
        )
    return found


def _first(moments: pl.Series, at: datetime) -> datetime:
    """The first of the moments that is not before that one."""
    found = moments.filter(moments >= at).min()
    assert isinstance(found, datetime)
    return found
