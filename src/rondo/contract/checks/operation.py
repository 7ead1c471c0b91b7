"""Rules about what comes around the model: rollout, experiment, monitoring, retraining, stages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from rondo.contract.checks._finding import Finding, Path, error, warning
from rondo.contract.checks.columns import cycles
from rondo.contract.cron import parse_cron
from rondo.contract.loading import LoadedProject
from rondo.contract.metrics import (
    DRIFT_METRICS,
    LATENCIES,
    MACHINE_METRICS,
    SERVING_METRICS,
    find_metric,
    metric_names,
    system_name,
)
from rondo.contract.monitoring import Watch
from rondo.errors import nearest

_RISING_IS_BAD = frozenset({*LATENCIES, "error_rate", *MACHINE_METRICS})


def canary_climbs_to_all(loaded: LoadedProject) -> Iterator[Finding]:
    """The steps of a canary rise from above 0 % to 100 %."""
    steps = loaded.project.deployment.canary.steps
    path = ("deployment", "canary", "steps")
    if not steps:
        yield error(
            loaded, path, "a canary without steps", "Steps rise to 100 %", "Write steps: [5%, 25%, 50%, 100%]"
        )
        return
    for index, step in enumerate(steps):
        if step <= 0:
            yield error(loaded, (*path, index), "a step of 0 %", "A step is above 0 %", "Remove it")
    for index, (lower, upper) in enumerate(pairwise(steps), 1):
        if upper <= lower:
            what = f"{upper:.4g} follows {lower:.4g}"
            yield error(
                loaded,
                (*path, index),
                what,
                "Each step is above the one before",
                "Write them in rising order",
            )
    if steps[-1] < 1:
        what = f"the last step is {steps[-1] * 100:g} %"
        yield error(loaded, path, what, "A canary ends at 100 %", "Add 100% as the last step")


def rollback_watches_known_figures(loaded: LoadedProject) -> Iterator[Finding]:
    """A rollback is triggered by figures that are measured, on their bad side."""
    for name, limit in loaded.project.deployment.rollback_on.items():
        path = ("deployment", "rollback_on", name)
        if system_name(name) not in SERVING_METRICS:
            rule = f"Measured are {', '.join(sorted(SERVING_METRICS))}"
            yield error(
                loaded,
                path,
                f"nothing measures {name!r} during a rollout",
                rule,
                nearest(name, SERVING_METRICS),
            )
            continue
        rising = system_name(name) in _RISING_IS_BAD
        if limit.op.startswith(">") != rising:
            what = f"'{limit}' rolls back while {name} is {'low' if rising else 'high'}"
            right = f'"{">" if rising else "<"} {limit.quantity}"'
            yield error(loaded, path, what, "The limit is the bad side", f"Write {right}")
        expected = "time" if name in {*LATENCIES} or system_name(name) in LATENCIES else None
        if expected and limit.quantity.dimension != expected:
            what = f"{limit.quantity} is a {limit.quantity.dimension}"
            yield error(loaded, path, what, f"{name} is a time", "Write its unit, e.g. 100ms")


def what_is_watched_after_a_promotion_has_limits(loaded: LoadedProject) -> Iterator[Finding]:
    """A rollback window watches the limits of `rollback_on`."""
    section = loaded.project.deployment
    if section.rollback_window and not section.rollback_on:
        path = ("deployment", "rollback_window")
        yield error(
            loaded,
            path,
            "nothing is watched in this time",
            "After a promotion `rollback_on` is watched",
            'Add rollback_on, e.g. {error_rate: "> 1%"}',
        )


def experiment_compares_two_things(loaded: LoadedProject) -> Iterator[Finding]:
    """Variants differ, each gets traffic, and what decides is not also a guardrail."""
    test = loaded.project.ab_test
    if test is None:
        return
    versions: dict[str, str] = {}
    for name, variant in test.variants.items():
        path = ("ab_test", "variants", name)
        if variant.traffic_percentage == 0:
            rule = "A variant without traffic is never measured"
            yield error(
                loaded,
                (*path, "traffic_percentage"),
                f"{name} gets no traffic",
                rule,
                "Give it some, or remove it",
            )
        other = versions.setdefault(variant.model_version, name)
        if other != name:
            what = f"{other} and {name} are the same version {variant.model_version}"
            yield warning(
                loaded,
                (*path, "model_version"),
                what,
                "This is an A/A test",
                "Correct it unless that is meant",
            )
    if test.metrics.primary in test.metrics.secondary:
        what = f"{test.metrics.primary!r} is primary and secondary"
        rule = "The primary metric decides, the secondary ones guard"
        yield warning(loaded, ("ab_test", "metrics", "secondary"), what, rule, "Remove it from secondary")


def monitoring_watches_known_figures(loaded: LoadedProject) -> Iterator[Finding]:
    """Each watched figure is one that is measured, and alarms on its bad side within what it can be."""
    project = loaded.project
    kind = project.ml_problem.type
    names = {
        "model_metrics": {*metric_names(kind), *SERVING_METRICS},
        "drift_metrics": {*DRIFT_METRICS},
        "system_metrics": {*MACHINE_METRICS, *SERVING_METRICS},
    }
    for section, known in names.items():
        watched: dict[str, Watch] = getattr(project.monitoring, section)
        for name, watch in watched.items():
            path = ("monitoring", section, name)
            metric = find_metric(name) if section == "model_metrics" else None
            if system_name(name) not in known and (metric is None or kind not in metric.problem_types):
                rule = f"Watched can be {', '.join(sorted(known))}"
                yield error(loaded, path, f"nothing measures {name!r} here", rule, nearest(name, known))
            else:
                yield from _threshold(loaded, path, name, watch)
    yield from _season(loaded)


def _season(loaded: LoadedProject) -> Iterator[Finding]:
    """A season to compare with is named, and longer than the window that it is compared by."""
    watched = loaded.project.monitoring
    if watched.reference != "season":
        return
    path = ("monitoring", "reference")
    if watched.season is None:
        yield error(
            loaded,
            path,
            "reference: season, and no season",
            "It is the time after which the world looks alike again",
            "Add monitoring.season, such as 7d or 1 year",
        )
    elif watched.season < watched.window:
        yield error(
            loaded,
            ("monitoring", "season"),
            f"the season is shorter than the window of {watched.window}",
            "A window would be compared with itself",
            "Shorten monitoring.window, or write a longer season",
        )


def _threshold(loaded: LoadedProject, path: Path, name: str, watch: Watch) -> Iterator[Finding]:
    metric, at = find_metric(name), (*path, "threshold")
    system = system_name(name)
    if system in LATENCIES:
        if watch.unit is None:
            yield warning(loaded, path, f"{name} has no unit", "Without one it is in seconds", "Add unit: ms")
        elif watch.unit == "%":
            yield error(loaded, path, f"{name} in %", "A latency is in ms or s", "Write unit: ms")
        if watch.threshold <= 0:
            yield error(
                loaded, at, f"{watch.threshold:g} is not a time", "Allowed: above 0", "Write a time above 0"
            )
    elif name in DRIFT_METRICS or name in MACHINE_METRICS or system in {"error_rate", "availability"}:
        top = 100.0 if watch.unit == "%" else None if name == "psi" else 1.0
        if watch.threshold <= 0 or (top is not None and watch.threshold > top):
            allowed = "above 0" if top is None else f"above 0, up to {top:g}"
            mend = "Add unit: '%'" if watch.unit is None and watch.threshold > 1 else "Write a value within"
            yield error(loaded, at, f"{watch.threshold:g} is out of range", f"Allowed: {allowed}", mend)
    elif metric is not None:
        value = watch.threshold / 100 if watch.unit == "%" else watch.threshold
        if (metric.low is not None and value < metric.low) or (
            metric.high is not None and value > metric.high
        ):
            high = "inf" if metric.high is None else f"{metric.high:g}"
            low = "-inf" if metric.low is None else f"{metric.low:g}"
            yield error(
                loaded,
                at,
                f"{watch.threshold:g} is out of range",
                f"Allowed: {low} to {high}",
                "Write a value within",
            )
    falling_is_bad = (
        metric.bigger_is_better if metric is not None else system in {"availability", "throughput"}
    )
    if (watch.alert_on == "below") != falling_is_bad:
        side = "below" if falling_is_bad else "above"
        what = f"{name} alarms {watch.alert_on} its threshold"
        yield warning(
            loaded, (*path, "alert_on"), what, f"It gets worse {side} it", f"Did you mean alert_on: {side}?"
        )


def retraining_can_start(loaded: LoadedProject) -> Iterator[Finding]:
    """Something triggers a new round, by figures that this problem has."""
    project = loaded.project
    policy = project.retraining
    triggers = ("min_accuracy", "max_psi", "max_days_without_training", "new_data_threshold", "metrics")
    if not any(getattr(policy, key) for key in triggers):
        path: Path = ("retraining",) if loaded.says("retraining") else ()
        what = "no retraining trigger: nothing starts a new round by itself"
        yield warning(
            loaded, path, what, "A model goes stale", f"Add one of {', '.join(triggers)} to retraining"
        )
    if policy.min_accuracy is not None and "accuracy" not in metric_names(project.ml_problem.type):
        what = f"min_accuracy on a {project.ml_problem.type}"
        yield error(
            loaded,
            ("retraining", "min_accuracy"),
            what,
            "It has no accuracy",
            "Remove it, and use another trigger",
        )
    for name in policy.metrics:
        at: Path = ("retraining", "metrics", name)
        if name not in metric_names(project.ml_problem.type):
            known = metric_names(project.ml_problem.type)
            yield error(
                loaded, at, f"{name} is not measured of outcomes", "A trigger is", nearest(name, known)
            )
        elif name not in project.monitoring.model_metrics:
            rule = "A trigger that nothing measures never fires"
            mend = f"Watch it: add monitoring.model_metrics.{name}"
            yield warning(loaded, at, f"nothing watches {name} in production", rule, mend)
    asked = _least_accuracy(loaded)
    if policy.min_accuracy is not None and asked is not None and policy.min_accuracy > asked:
        what = f"retraining starts below {policy.min_accuracy:g}, and the gate accepts {asked:g}"
        rule = "A model that passes its gate would be retrained at once"
        mend = "Set it to the gate's min or lower"
        yield warning(loaded, ("retraining", "min_accuracy"), what, rule, mend)


def _least_accuracy(loaded: LoadedProject) -> float | None:
    criterion = loaded.project.success_criteria.offline_metrics.get("accuracy")
    return criterion.min.value if criterion is not None and criterion.min is not None else None


def schedule_fires(loaded: LoadedProject) -> Iterator[Finding]:
    """The schedule is one, fires sometimes, in a time zone that exists."""
    pipeline = loaded.project.pipeline
    if pipeline.schedule is not None:
        path = ("pipeline", "schedule")
        rule = "Five fields: minute hour day month weekday"
        try:
            cron = parse_cron(pipeline.schedule)
        except ValueError as problem:
            what, _, more = str(problem).partition("; ")
            yield error(
                loaded, path, what, more.capitalize() or rule, 'Such as "0 2 * * *" for every day at two'
            )
        else:
            if not cron.ever_fires():
                what = f"{pipeline.schedule!r} never fires"
                yield error(
                    loaded, path, what, "No such day is in any year", "Choose a day that its months have"
                )
    yield from _time_zone(loaded, pipeline.timezone)


def _time_zone(loaded: LoadedProject, name: str) -> Iterator[Finding]:
    if name == "UTC":
        return  # known even where the system has no time zones at all
    import zoneinfo

    path = ("pipeline", "timezone")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        if known := zoneinfo.available_timezones():
            near = nearest(name, known)
            mend = near if near.startswith("Did") else "Such as UTC, Asia/Seoul, Europe/Berlin"
            yield error(loaded, path, f"no time zone is named {name!r}", "A name of the IANA data base", mend)
        else:
            what = f"{name!r} cannot be looked up: this system has no time zones"
            yield warning(
                loaded, path, what, "The schedule needs its zone", "Install the tzdata of the system"
            )


def stages_follow_each_other(loaded: LoadedProject) -> Iterator[Finding]:
    """Script stages have names and outputs of their own, and none waits for itself."""
    stages = loaded.project.pipeline.stages
    makers: dict[str, str] = {}
    seen: dict[str, str] = {}
    for index, stage in enumerate(stages):
        path = ("pipeline", "stages", index)
        if stage.name.casefold() in seen:
            what = f"two stages are named {stage.name!r}"
            yield error(loaded, (*path, "name"), what, "Each stage has its own name", "Rename one of them")
        seen[stage.name.casefold()] = stage.name
        for number, output in enumerate(stage.outputs):
            for other, maker in makers.items():
                if _overlap(output, other):
                    what = f"{output!r} is also written by the stage {maker!r}"
                    yield error(
                        loaded,
                        (*path, "outputs", number),
                        what,
                        "One stage writes a path",
                        "Give each its own",
                    )
            makers[output] = stage.name
    graph = {
        stage.name: sorted(
            {
                other.name
                for other in stages
                for made in other.outputs
                for read in stage.inputs
                if _overlap(read, made)
            }
        )
        for stage in stages
    }
    for cycle in cycles(graph):
        index = next(number for number, stage in enumerate(stages) if stage.name == cycle[0])
        what = f"stages wait for each other: {' -> '.join([*cycle, cycle[0]])}"
        rule = "A stage reads what stages before it have written"
        yield error(loaded, ("pipeline", "stages", index), what, rule, "Remove one input of the circle")


def _overlap(one: str, other: str) -> bool:
    """Whether the paths are the same, or one lies in the other."""
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a == b or a.is_relative_to(b) or b.is_relative_to(a)


def candidates_have_names_of_their_own(loaded: LoadedProject) -> Iterator[Finding]:
    """Two candidates with one name could not be told apart."""
    seen: set[str] = set()
    for index, candidate in enumerate(loaded.project.training.candidates):
        name = candidate.name or candidate.estimator
        path: Path = ("training", "candidates", index)
        if name in seen:
            where = (*path, "name") if candidate.name else (*path, "estimator")
            yield error(
                loaded, where, f"two candidates are named {name!r}", "Each has its own name", "Add name: …"
            )
        seen.add(name)
        if "." not in candidate.estimator.strip("."):
            what = f"{candidate.estimator!r} is not an import path"
            mend = "Write its module too, e.g. sklearn.ensemble.RandomForestClassifier"
            yield error(loaded, (*path, "estimator"), what, "An estimator is imported", mend)
        for key in candidate.params.keys() & candidate.search.keys():
            what = f"{key!r} is fixed and searched"
            yield error(
                loaded, (*path, "search", key), what, "A hyperparameter is one or the other", "Remove one"
            )
