"""Rules about an experiment: what it compares, by how much, between how many."""

from __future__ import annotations

from collections.abc import Iterator

from rondo.contract.ab_test import compared_name, experiment_metrics, scale_of
from rondo.contract.checks._finding import Finding, Path, error, warning
from rondo.contract.loading import LoadedProject
from rondo.errors import nearest

_UNITS = {"time": {"time"}, "share": {"share", "number"}, "number": {"number", "share"}}


def experiment_metrics_are_compared(loaded: LoadedProject) -> Iterator[Finding]:
    """The metrics of an experiment are some that can be compared between its groups."""
    test = loaded.project.ab_test
    if test is None:
        return
    known = experiment_metrics(loaded.project.ml_problem.type)
    at: list[tuple[Path, str]] = [(("ab_test", "metrics", "primary"), test.metrics.primary)]
    at += [
        (("ab_test", "metrics", "secondary", place), name)
        for place, name in enumerate(test.metrics.secondary)
    ]
    for path, name in at:
        if compared_name(name) not in known:
            rule = f"Compared are {', '.join(known)}"
            yield error(loaded, path, f"an experiment cannot compare {name!r}", rule, nearest(name, known))


def margins_fit_their_metrics(loaded: LoadedProject) -> Iterator[Finding]:
    """A margin is of a secondary metric, in its unit, and not negative."""
    test = loaded.project.ab_test
    if test is None:
        return
    for name, margin in test.metrics.margins.items():
        path = ("ab_test", "metrics", "margins", name)
        if name not in test.metrics.secondary:
            rule = "A margin says how much worse a secondary metric may be"
            yield error(
                loaded, path, f"{name!r} is no secondary metric", rule, nearest(name, test.metrics.secondary)
            )
        elif margin.dimension not in _UNITS[scale_of(name)]:
            what = f"{margin.text} is a {margin.dimension}"
            mend = "Write its unit, e.g. 10ms" if scale_of(name) == "time" else "Write it like 0.5%"
            yield error(loaded, path, what, f"{name} is a {scale_of(name)}", mend)
        elif margin.value <= 0:
            yield error(
                loaded, path, f"the margin is {margin.text}", "No data can show that nothing is worse by 0",
                "Write the change that would still be accepted",
            )  # fmt: skip


def experiment_has_one_treatment(loaded: LoadedProject) -> Iterator[Finding]:
    """A rollout has one candidate, so an experiment that is to be started has one treatment."""
    test = loaded.project.ab_test
    if test is not None and len(test.variants) > 2:
        what = f"{len(test.variants)} variants cannot be tested at once"
        rule = "A rollout has one candidate beside the version in production"
        yield warning(loaded, ("ab_test", "variants"), what, rule, "Test the treatments one after the other")


RULES = (experiment_metrics_are_compared, margins_fit_their_metrics, experiment_has_one_treatment)
