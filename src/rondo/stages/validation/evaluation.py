"""What a model's answers on the test rows amount to. Pure, the same for candidate and production."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rondo.records.candidate import Measured
from rondo.records.metrics import canonical, is_known, measure_all, usual_metrics
from rondo.records.weighted_metrics import Task
from rondo.stages.validation.answers import Answers, Resampling
from rondo.stages.validation.curves import Pictures, draw
from rondo.stages.validation.slices import Slice


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that the pages show of one model on one set of rows."""

    task: Task
    success_metric: str
    n: int
    threshold: float
    classes: tuple[str, ...]
    positive: str
    measured: Mapping[str, Measured]
    pictures: Pictures
    slices: tuple[Slice, ...] = ()
    slices_left_out: tuple[str, ...] = ()  # columns that the rows do not have


def metrics_to_measure(
    task: Task, success_metric: str, asked: Iterable[str], *, forecast: bool = False
) -> tuple[str, ...]:
    """The metrics that the project file asks for and the usual ones, each once; unknown names left out."""
    wanted = dict.fromkeys([success_metric, *asked])
    known = [name for name in wanted if is_known(name, task)]
    have = {canonical(name) for name in known}
    return (*known, *(name for name in usual_metrics(task, forecast=forecast) if name not in have))


def evaluate(
    answers: Answers, metrics: Sequence[str], success_metric: str, resampling: Resampling
) -> Evaluation:
    """The evaluation, without slices; no pictures where there are no rows or answers that are not numbers."""
    n = len(answers.y)
    measured = measure_all(
        metrics, answers.y, answers.score, answers.threshold, task=answers.task,
        resamples=resampling.for_rows(n), confidence=resampling.confidence, seed=resampling.seed,
        groups=answers.groups,
    )  # fmt: skip
    usable = n > 0 and bool(np.isfinite(answers.y).all() and np.isfinite(answers.score).all())
    return Evaluation(
        task=answers.task,
        success_metric=success_metric,
        n=n,
        threshold=answers.threshold,
        classes=answers.classes,
        positive=answers.positive,
        measured=measured,
        pictures=draw(answers) if usable else Pictures(),
    )
