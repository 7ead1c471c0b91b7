"""Rules about a ranking: what is ranked, for whom, from which candidates."""

from __future__ import annotations

from collections.abc import Iterator

from rondo.contract.checks._finding import Finding, error
from rondo.contract.loading import LoadedProject
from rondo.contract.project import Project


def a_ranking_says_what_is_ranked(loaded: LoadedProject) -> Iterator[Finding]:
    """An item, an entity, moments to look from and what counts as wanted; none of them is another's column."""
    project = loaded.project
    problem = project.ml_problem
    if problem.type != "ranking":
        return
    for key, value, mend in (
        ("item", problem.item, "Name the column of the item, e.g. item: stock_code"),
        ("entity", problem.entity, "Name whom it is ranked for, e.g. entity: customer_id"),
        ("event_time", problem.event_time, "Name the moment of a row, e.g. event_time: date"),
        ("label", problem.label, "Say what was wanted, e.g. label: {event: 'quantity > 0', within: 14d}"),
    ):
        if value is None:
            rule = "A ranking orders items for an entity at a moment, by what happened after it"
            yield error(loaded, ("ml_problem",), f"a ranking without ml_problem.{key}", rule, mend)
    columns = {"entity": problem.entity, "event_time": problem.event_time, "target": problem.target}
    for key, name in columns.items():
        if name is not None and name == problem.item:
            what = f"the item {name!r} is also the {key}"
            yield error(
                loaded, ("ml_problem", "item"), what, "They are different columns", "Name another one"
            )
    if problem.label is not None and problem.label.expect == "absent":
        rule = "An item is wanted when the event happens"
        mend = "Remove expect: absent"
        yield error(loaded, ("ml_problem", "label", "expect"), "a ranking by what did not happen", rule, mend)


def a_ranking_is_learned_from_whole_lists(loaded: LoadedProject) -> Iterator[Finding]:
    """A split at random would tear the lists of one moment apart, and its features hang on keys, not on rows."""
    project = loaded.project
    if project.ml_problem.type != "ranking":
        return
    if project.training.split.by == "random":
        yield error(
            loaded,
            ("training", "split", "by"),
            "the rows of a ranking are split at random",
            "A list is judged whole, by what comes later",
            "Write by: time, or by: entity",
        )
    for name, definition in project.features.definitions.items():
        if definition.column is not None:
            yield error(
                loaded,
                ("features", "definitions", name),
                f"the feature {name!r} is a column of a row, and a candidate is no row",
                "Features of a ranking look back on rows of the entity, the item or the pair",
                "Use rolling:, e.g. {rolling: mean, of: COLUMN, per: item, window: 90d}",
            )
    if project.features.store.views:
        yield error(
            loaded,
            ("features", "store", "views"),
            "views of a ranking",
            "They follow from whom a feature is of: the entity, the item, or the pair",
            "Remove them",
        )
    candidates = project.ml_problem.candidates
    for what, k in _asked_lengths(project):
        if k > candidates.popular:
            yield error(
                loaded,
                ("ml_problem", "candidates", "popular")
                if loaded.says("ml_problem", "candidates", "popular")
                else ("ml_problem",),
                f"{what} looks at {k} items, and only {candidates.popular} popular ones are candidates",
                "An unknown entity gets popular items alone",
                f"Write candidates: {{popular: {k}}} or more",
            )


def only_a_ranking_has_items(loaded: LoadedProject) -> Iterator[Finding]:
    """What speaks of items needs a problem of type ranking."""
    project = loaded.project
    if project.ml_problem.type == "ranking":
        return
    paths: list[tuple[str | int, ...]] = [
        ("ml_problem", key) for key in ("item", "candidates") if loaded.says("ml_problem", key)
    ]
    if project.validation.min_uplift is not None:
        paths.append(("validation", "min_uplift"))
    for name, definition in project.features.definitions.items():
        if definition.per != "entity":
            paths.append(("features", "definitions", name, "per"))
        if definition.candidate is not None:
            paths.append(("features", "definitions", name, "candidate"))
    for path in paths:
        what = f"{path[-1]} in a problem of type {project.ml_problem.type}"
        yield error(loaded, path, what, "Only a ranking has items", "Write type: ranking, or remove it")


def _asked_lengths(project: Project) -> Iterator[tuple[str, int]]:
    yield "a reply", project.ml_problem.candidates.shown
    for name in (project.ml_problem.success_metric, *project.success_criteria.offline_metrics):
        _, at, k = name.partition("@")
        if at and k.isdecimal():
            yield name, int(k)
