"""Rules about targets that are sums of later rows, and about forecasts of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rondo.contract.checks._finding import Finding, Path, error
from rondo.contract.loading import LoadedProject

_NUMBERS = frozenset({"forecasting", "regression"})


def labels_fit_the_problem(loaded: LoadedProject) -> Iterator[Finding]:
    """Classes are read from whether a row follows, numbers from a sum over the rows that follow."""
    problem = loaded.project.ml_problem
    label = problem.label
    if label is None or problem.type == "ranking":
        return
    if label.sum is None and problem.type in _NUMBERS:
        what = f"the label of a {problem.type} is 1 or 0"
        yield error(
            loaded, ("ml_problem", "label"), what, "A number is summed over later rows", "Add sum: COLUMN"
        )
    if label.sum is not None and problem.type not in _NUMBERS:
        what = f"the label of a {problem.type} is a sum"
        mend = "Write type: forecasting, or remove sum"
        yield error(loaded, ("ml_problem", "label", "sum"), what, "A class is not a sum", mend)


def forecasts_know_their_season(loaded: LoadedProject) -> Iterator[Finding]:
    """A season belongs to a forecast of sums, and scaled errors need one."""
    project = loaded.project
    problem = project.ml_problem
    if problem.season is not None:
        where: Path = ("ml_problem", "season")
        if problem.season <= timedelta(0):
            yield error(loaded, where, "a season of no time", "A season lasts", "Write season: 7d")
        elif problem.label is None or problem.label.sum is None or problem.type != "forecasting":
            rule = "The value one season earlier is the sum over a window one season earlier"
            mend = "Write type: forecasting and label: {sum: COLUMN, within: 1d}, or remove season"
            yield error(loaded, where, "a season without a sum to forecast", rule, mend)
        return
    asked: list[tuple[Path, str]] = [(("ml_problem", "success_metric"), problem.success_metric)]
    asked += [
        (("success_criteria", "offline_metrics", name), name)
        for name in project.success_criteria.offline_metrics
    ]
    for path, name in asked:
        if name == "mase" and problem.type == "forecasting":
            rule = "mase divides by the error of repeating the value of one season earlier"
            yield error(loaded, path, "mase without a season", rule, "Add ml_problem.season: 7d")


def forecasts_are_split_by_time(loaded: LoadedProject) -> Iterator[Finding]:
    """A forecast is judged on what comes after what it learned from."""
    project = loaded.project
    if project.ml_problem.type == "forecasting" and project.training.split.by != "time":
        what = f"a forecast that is split by {project.training.split.by}"
        yield error(
            loaded,
            ("training", "split", "by"),
            what,
            "It would learn from the future of its test",
            "Write split: {by: time}",
        )
