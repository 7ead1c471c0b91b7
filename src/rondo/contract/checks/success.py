"""Rules about what success means: metrics, criteria, gates."""

from __future__ import annotations

from collections.abc import Iterator

from rondo.contract.business import COSTS, is_told_by_outcomes
from rondo.contract.checks._finding import Finding, Path, error, warning
from rondo.contract.loading import LoadedProject
from rondo.contract.metrics import SERVING_METRICS, find_metric, metric_names, system_name
from rondo.contract.problem import Criterion
from rondo.contract.units import Limit, Quantity
from rondo.errors import nearest

_DIMENSIONS = {"throughput": {"rate"}, "availability": {"share", "number"}, "error_rate": {"share", "number"}}


def success_metric_fits(loaded: LoadedProject) -> Iterator[Finding]:
    """The success metric and the one that tuning maximises exist for this type of problem."""
    yield from _metric(loaded, ("ml_problem", "success_metric"), loaded.project.ml_problem.success_metric)
    scoring = loaded.project.training.tuning.scoring
    if scoring is not None:
        yield from _metric(loaded, ("training", "tuning", "scoring"), scoring)


def offline_metrics_fit(loaded: LoadedProject) -> Iterator[Finding]:
    """Each offline metric exists for this type of problem, and its bounds lie within what it can be."""
    for name, criterion in loaded.project.success_criteria.offline_metrics.items():
        path = ("success_criteria", "offline_metrics", name)
        wrong = list(_metric(loaded, path, name))
        yield from wrong
        if not wrong:
            yield from _within_reach(loaded, path, name, criterion)


def criteria_hold_together(loaded: LoadedProject) -> Iterator[Finding]:
    """No criterion asks for what cannot be: min above max, a target outside, units that do not compare."""
    criteria = loaded.project.success_criteria
    for kind in ("offline_metrics", "online_metrics", "system_metrics"):
        for name, criterion in getattr(criteria, kind).items():
            yield from _contradictions(loaded, ("success_criteria", kind, name), criterion)


def some_gate_exists(loaded: LoadedProject) -> Iterator[Finding]:
    """Something is asked of the model's quality."""
    project = loaded.project
    offline = project.success_criteria.offline_metrics.values()
    if project.ml_problem.type == "forecasting" and project.ml_problem.season is not None:
        return  # the seasonal naive forecast has to be beaten
    if project.ml_problem.baseline is None and all(c.min is None and c.max is None for c in offline):
        path = ("success_criteria",) if loaded.says("success_criteria") else ("ml_problem",)
        yield error(
            loaded,
            path,
            "nothing is asked of the model",
            "An empty gate set is not a pass",
            "Give ml_problem.baseline, or a min or max in success_criteria.offline_metrics",
        )


def gaps_are_named(loaded: LoadedProject) -> Iterator[Finding]:
    """Criteria that nothing enforces are gaps, not passes."""
    project = loaded.project
    criteria, monitoring = project.success_criteria, project.monitoring
    watched = {system_name(name) for name in (*monitoring.model_metrics, *monitoring.system_metrics)}
    if project.constraints.throughput is not None and not project.deployment.preflight.duration:
        mend = "Give deployment.preflight.duration, e.g. 2s"
        yield _gap(loaded, ("constraints", "throughput"), "no load test measures this", mend)
    for name in criteria.online_metrics:
        path = ("success_criteria", "online_metrics", name)
        if not is_told_by_outcomes(name):
            yield _gap(loaded, path, "nothing enforces this yet", "Judge it by your own figures")
        elif name in COSTS and getattr(project.ml_problem.costs, COSTS[name]) is None:
            mend = f"Give ml_problem.costs.{COSTS[name]}, e.g. $20"
            yield _gap(loaded, path, "the price of a wrong decision is not given", mend)
    for name, criterion in criteria.system_metrics.items():
        path = ("success_criteria", "system_metrics", name)
        if system_name(name) not in SERVING_METRICS:
            yield _gap(loaded, path, "nothing measures this", nearest(name, SERVING_METRICS))
        elif system_name(name) not in watched and not _is_a_service_level(name, criterion):
            yield _gap(
                loaded, path, "nothing enforces this yet", f"Watch it: add monitoring.model_metrics.{name}"
            )
    for name, criterion in criteria.offline_metrics.items():
        if criterion.min is None and criterion.max is None:
            path = ("success_criteria", "offline_metrics", name)
            yield _gap(loaded, path, "a target alone asks nothing", "Add min or max to make it a gate")


def _is_a_service_level(name: str, criterion: Criterion) -> bool:
    """Whether production is held to it: more of it is better and it has a min, or less is and it has a max."""
    bound = criterion.min if system_name(name) in {"availability", "throughput"} else criterion.max
    return bound is not None


def _gap(loaded: LoadedProject, path: Path, what: str, mend: str) -> Finding:
    return warning(loaded, path, what, "A criterion that nothing enforces is a gap, never a pass", mend)


def system_metrics_have_their_units(loaded: LoadedProject) -> Iterator[Finding]:
    """A latency is a time, a throughput a rate, an availability a share."""
    for name, criterion in loaded.project.success_criteria.system_metrics.items():
        expected = {"time"} if system_name(name).endswith("_latency") else _DIMENSIONS.get(name, set())
        for key in ("min", "max", "target"):
            bound: Quantity | None = getattr(criterion, key)
            if bound is not None and expected and bound.dimension not in expected:
                path = ("success_criteria", "system_metrics", name, key)
                said = f"{bound.text} is a {bound.dimension}"
                yield error(loaded, path, said, f"{name} is a {sorted(expected)[-1]}", "Write its unit")


def constraints_point_the_right_way(loaded: LoadedProject) -> Iterator[Finding]:
    """Latency and size are bounded from above, throughput from below."""
    constraints = loaded.project.constraints
    for key, upwards in (("latency", False), ("model_size", False), ("throughput", True)):
        limit: Limit | None = getattr(constraints, key)
        if limit is None:
            continue
        if limit.op.startswith(">") != upwards:
            right = ">=" if upwards else "<"
            yield error(
                loaded,
                ("constraints", key),
                f"'{limit}' asks for {'less' if upwards else 'more'} {key}",
                f"{key} has a {'lower' if upwards else 'upper'} limit",
                f'Write "{right} {limit.quantity}"',
            )
        if limit.quantity.value <= 0:
            yield error(
                loaded,
                ("constraints", key),
                f"{limit.quantity} can never be met",
                "Above 0",
                "Write a limit above 0",
            )


def _metric(loaded: LoadedProject, path: Path, name: str) -> Iterator[Finding]:
    kind = loaded.project.ml_problem.type
    names = metric_names(kind)
    metric = find_metric(name)
    if metric is None:
        yield error(
            loaded,
            path,
            f"no metric is named {name!r}",
            f"For {kind}: {', '.join(names)}",
            _near(name, names),
        )
    elif kind not in metric.problem_types:
        types = " and ".join(sorted(metric.problem_types))
        rule = f"It is for {types}. For {kind}: {', '.join(names)}"
        yield error(loaded, path, f"{name} does not measure a {kind}", rule, "Choose one of these")


def _near(name: str, names: tuple[str, ...]) -> str:
    near = nearest(name, names)
    return near if near.startswith("Did") else "Choose one of these"


def _within_reach(loaded: LoadedProject, path: Path, name: str, criterion: Criterion) -> Iterator[Finding]:
    metric = find_metric(name)
    assert metric is not None
    for key in ("min", "max", "target"):
        bound: Quantity | None = getattr(criterion, key)
        if bound is None:
            continue
        low = "-inf" if metric.low is None else f"{metric.low:g}"
        high = "inf" if metric.high is None else f"{metric.high:g}"
        allowed = f"{name} lies between {low} and {high}"
        if bound.dimension not in {"number", "share"}:
            yield error(
                loaded,
                (*path, key),
                f"{bound.text} is a {bound.dimension}",
                f"{name} is a number",
                "Write a number",
            )
        elif (metric.low is not None and bound.value < metric.low) or (
            metric.high is not None and bound.value > metric.high
        ):
            yield error(
                loaded, (*path, key), f"{bound.text} is out of reach", allowed, "Write a value within"
            )
    if metric.bigger_is_better and criterion.min is None and criterion.max is not None:
        yield warning(
            loaded, path, f"{name} has a max and no min", f"More {name} is better", "Did you mean min?"
        )
    if not metric.bigger_is_better and criterion.max is None and criterion.min is not None:
        yield warning(
            loaded, path, f"{name} has a min and no max", f"Less {name} is better", "Did you mean max?"
        )


def _contradictions(loaded: LoadedProject, path: Path, criterion: Criterion) -> Iterator[Finding]:
    given = {k: v for k in ("min", "max", "target") if (v := getattr(criterion, k)) is not None}
    if not given:
        yield error(
            loaded, path, "neither min, max nor target", "A criterion asks for something", "Add min or max"
        )
        return
    units = {(_dimension(q), q.currency, q.per_s) for q in given.values()}
    if len(units) > 1:
        said = ", ".join(f"{key} {quantity}" for key, quantity in given.items())
        yield error(
            loaded,
            path,
            f"these do not compare: {said}",
            "One unit for all of them",
            "Write them in one unit",
        )
        return
    for lower, upper in (("min", "max"), ("min", "target"), ("target", "max")):
        if lower in given and upper in given and given[lower].value > given[upper].value:
            what = f"{lower} {given[lower]} is above {upper} {given[upper]}"
            rule = (
                "Nothing can pass"
                if upper == "max" and lower == "min"
                else "A target lies within min and max"
            )
            yield error(loaded, path, what, rule, "Swap them, or correct one")


def _dimension(quantity: Quantity) -> str:
    return "number" if quantity.dimension == "share" else quantity.dimension
