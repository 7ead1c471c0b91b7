"""Rules about data and features: who is the target, what looks back, what refers to what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from rondo.contract.checks._finding import Finding, Path, error, warning
from rondo.contract.data import Base, JoinStep
from rondo.contract.features import Definition
from rondo.contract.loading import LoadedProject
from rondo.errors import nearest

_TEXTS = re.compile(r"'(?:[^']|'')*'")
_WORD = re.compile(r'"([^"]+)"|([^\W\d]\w*)(?!\w|\s*\()')
_SQL_WORDS = frozenset(
    {
        *("and", "or", "not", "in", "is", "null", "true", "false", "case", "when", "then", "else", "end"),
        *("between", "like", "ilike", "cast", "as", "interval", "distinct", "from"),
        *("int", "integer", "bigint", "float", "double", "real", "decimal", "varchar", "text"),
        *("date", "timestamp", "boolean"),
    }
)


def words_of(sql: str) -> frozenset[str]:
    """The names that an SQL expression refers to: neither texts, nor functions, nor words of SQL."""
    found = (quoted or plain for quoted, plain in _WORD.findall(_TEXTS.sub("''", sql)))
    return frozenset(word for word in found if word.lower() not in _SQL_WORDS)


def uses(definition: Definition) -> Mapping[str, frozenset[str]]:
    """The names that a feature refers to, by key; those of `expr` and `ratio` may be features."""
    used = {
        "of": {definition.of} - {None},
        "where": words_of(definition.where or ""),
        "ratio": set(definition.ratio or ()),
        "expr": words_of(definition.expr or ""),
        "inputs": set(definition.inputs),
        "column": {definition.column} - {None},
    }
    return {key: frozenset(str(name) for name in names) for key, names in used.items() if names}


def known_columns(loaded: LoadedProject) -> frozenset[str]:
    """The columns that the file names somewhere; the data may have more."""
    project = loaded.project
    problem, data = project.ml_problem, project.data
    named: set[str | None] = {problem.target, problem.entity, problem.event_time, problem.item}
    for source in data.sources.values():
        named |= source.keys.keys() | {source.loaded_at}
    named |= (
        data.validate_.keys.keys()
        | data.validate_.value_ranges.keys()
        | data.validate_.max_null_ratios.keys()
    )
    if data.clean.duplicates is not None:
        named |= {*data.clean.duplicates.key, data.clean.duplicates.latest}
    named |= data.clean.missing.keys() | data.clean.outliers.keys() | data.clean.types.keys()
    for step in data.join:
        if isinstance(step, JoinStep):
            named |= {step.on} if isinstance(step.on, str) else set(step.on)
    return frozenset(name for name in named if name)


def target_stays_out(loaded: LoadedProject) -> Iterator[Finding]:
    """The target is no feature and no feature reads it."""
    features, target = loaded.project.features, loaded.project.ml_problem.target
    rule = "A model that reads its target learns nothing (leakage)"
    mend = "Remove it, or choose another target"
    if target in features.definitions:
        yield error(
            loaded,
            ("features", "definitions", target),
            f"the target {target!r} is also a feature",
            rule,
            mend,
        )
    for name, definition in features.definitions.items():
        for key, names in uses(definition).items():
            if target in names:
                path = ("features", "definitions", name, key)
                yield error(loaded, path, f"the feature {name!r} reads the target {target!r}", rule, mend)
    for at, listed in _feature_lists(loaded):
        if target in listed:
            yield error(loaded, at, f"the target {target!r} is also a feature", rule, mend)


def entity_and_time_differ(loaded: LoadedProject) -> Iterator[Finding]:
    """Target, entity and event time are three columns."""
    problem = loaded.project.ml_problem
    for one, other in (("entity", "event_time"), ("target", "entity"), ("target", "event_time")):
        if (name := getattr(problem, one)) is not None and name == getattr(problem, other):
            rule = f"{one} and {other} are two columns"
            yield error(
                loaded, ("ml_problem", other), f"{name!r} is {one} and {other}", rule, "Name another column"
            )


def what_looks_back_has_time(loaded: LoadedProject) -> Iterator[Finding]:
    """Rolling features, snapshots and labels know whose rows they look at, and when these were true."""
    project = loaded.project
    needing: list[tuple[Path, str, tuple[str, ...]]] = [
        (("features", "definitions", name), f"the rolling feature {name!r}", ("entity", "event_time"))
        for name, definition in project.features.definitions.items()
        if definition.rolling is not None
    ]
    needing += [
        (("features", "definitions", name), f"the time feature {name!r}", ("event_time",))
        for name, definition in project.features.definitions.items()
        if definition.time is not None and definition.of is None
    ]
    if project.data.snapshots is not None:
        needing.append((("data", "snapshots"), "a snapshot", ("entity", "event_time")))
    if project.ml_problem.label is not None:
        needing.append((("ml_problem", "label"), "a label from later rows", ("entity", "event_time")))
    if project.training.split.by == "entity":
        needing.append((("training", "split", "by"), "a split by entity", ("entity",)))
    for path, who, keys in needing:
        if missing := [f"ml_problem.{key}" for key in keys if getattr(project.ml_problem, key) is None]:
            what = f"{who} needs {' and '.join(missing)}"
            yield error(
                loaded, path, what, "Nothing says whose rows, or when", f"Add {' and '.join(missing)}"
            )


def split_by_time_has_a_time(loaded: LoadedProject) -> Iterator[Finding]:
    """A split by time needs the event time: an error where it is asked for, a warning by default."""
    project = loaded.project
    if project.training.split.by != "time" or project.ml_problem.event_time is not None:
        return
    asked = loaded.says("training", "split", "by")
    tell = error if asked else warning
    yield tell(
        loaded,
        ("training", "split", "by") if asked else ("ml_problem",),
        "rows cannot be split by time: no column says when they were true",
        "A split at random may learn from the future",
        "Name ml_problem.event_time, or say training.split.by: random",
    )


def freshness_has_a_clock(loaded: LoadedProject) -> Iterator[Finding]:
    """Where the age of a source is limited, a column tells it; a column that tells it is there for a limit."""
    project = loaded.project
    for name, source in project.data.sources.items():
        path: Path = ("data", "sources", name)
        if (
            source.freshness is not None
            and source.loaded_at is None
            and project.ml_problem.event_time is None
        ):
            what, rule = (
                "freshness, and no column says when a row came",
                "The newest row tells how old a source is",
            )
            yield error(loaded, (*path, "freshness"), what, rule, "Add loaded_at, or ml_problem.event_time")
        if source.loaded_at is not None and source.freshness is None:
            what = f"loaded_at {source.loaded_at!r} without a limit"
            yield warning(loaded, (*path, "loaded_at"), what, "Nothing reads it", "Add freshness, e.g. 2d")


def labels_and_snapshots_meet(loaded: LoadedProject) -> Iterator[Finding]:
    """A label is read at snapshots, and snapshots are there for a label."""
    label, snapshots = loaded.project.ml_problem.label, loaded.project.data.snapshots
    if label is not None and snapshots is None:
        rule = "A label is read at each snapshot"
        yield error(
            loaded,
            ("ml_problem", "label"),
            "label without data.snapshots",
            rule,
            "Add data.snapshots: {every: month}",
        )
    if snapshots is not None and label is None:
        rule = "At a snapshot the target is read from later rows"
        yield error(
            loaded, ("data", "snapshots"), "snapshots without ml_problem.label", rule, "Add ml_problem.label"
        )


def target_is_in_the_schema(loaded: LoadedProject) -> Iterator[Finding]:
    """Where the data's columns are declared, the target is among them."""
    project = loaded.project
    problem, declared = project.ml_problem, project.data.validate_.keys
    if not declared:
        return
    rule = "The declared columns are those that must be there"
    if problem.label is None and problem.target not in declared:
        what = f"the target {problem.target!r} is not in the schema"
        mend = f"Add {problem.target} to data.validate.schema. {nearest(problem.target, declared)}"
        yield error(loaded, ("data", "validate", "schema"), what, rule, mend)
    for key in ("entity", "event_time"):
        name = getattr(problem, key)
        if name is not None and name not in declared:
            what = f"the {key} {name!r} is not in the schema"
            yield warning(
                loaded, ("data", "validate", "schema"), what, rule, f"Add {name} to data.validate.schema"
            )


def features_form_no_circle(loaded: LoadedProject) -> Iterator[Finding]:
    """No feature depends on itself, not even through others."""
    definitions = loaded.project.features.definitions
    graph = {
        name: sorted(
            (uses(d).get("expr", frozenset()) | uses(d).get("ratio", frozenset())) & definitions.keys()
        )
        for name, d in definitions.items()
    }
    for cycle in cycles(graph):
        yield error(
            loaded,
            ("features", "definitions", cycle[0]),
            f"features depend on each other: {' -> '.join([*cycle, cycle[0]])}",
            "A feature is computed from columns and from features before it",
            "Give a feature another name than its column, or write one of them from columns",
        )


def cycles(graph: Mapping[str, Collection[str]]) -> Iterator[tuple[str, ...]]:
    """One cycle of each group of nodes that wait for each other, beginning at its first name."""
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        stack = [(start, iter(graph[start]))] if start not in done else []
        if stack:
            trail.append(start)
        while stack:
            node, others = stack[-1]
            other = next(others, None)
            if other is None:
                stack.pop()
                trail.pop()
                done.add(node)
            elif other in trail:
                cycle = trail[trail.index(other) :]
                first = cycle.index(min(cycle))
                yield (*cycle[first:], *cycle[:first])
                done.update(cycle)
            elif other not in done:
                trail.append(other)
                stack.append((other, iter(graph[other])))


def names_are_near_known_ones(loaded: LoadedProject) -> Iterator[Finding]:
    """A name that nothing declares and that is almost a declared one is probably misspelt."""
    definitions = loaded.project.features.definitions
    known = known_columns(loaded) | definitions.keys()
    used_often: dict[str, int] = {}
    for definition in definitions.values():
        for name in frozenset().union(*uses(definition).values()):
            used_often[name] = used_often.get(name, 0) + 1
    for feature, definition in definitions.items():
        for key, names in uses(definition).items():
            for name in sorted(names - known):
                near = get_close_matches(name, sorted(known), n=1, cutoff=0.85)
                if near and used_often[name] == 1:
                    path = ("features", "definitions", feature, key)
                    rule = "Nothing in the file declares it; the data may have it"
                    yield warning(loaded, path, f"{name!r} is not known", rule, f"Did you mean {near[0]!r}?")


def listed_names_are_near_known_ones(loaded: LoadedProject) -> Iterator[Finding]:
    """A name in a list of features that is almost a definition's is probably misspelt; else it is a column."""
    definitions = loaded.project.features.definitions
    known = known_columns(loaded) | definitions.keys()
    for path, names in _feature_lists(loaded):
        for index, name in enumerate(names):
            near = get_close_matches(name, sorted(definitions), n=1, cutoff=0.85)
            if near and name not in known:
                rule = "No definition is named so; the data may have such a column"
                yield warning(
                    loaded, (*path, index), f"{name!r} is not known", rule, f"Did you mean {near[0]!r}?"
                )


def joins_name_sources(loaded: LoadedProject) -> Iterator[Finding]:
    """A join begins with one base, and names declared sources, each once."""
    data = loaded.project.data
    if not data.join:
        if len(data.sources) > 1:
            what = f"{len(data.sources)} sources and no join"
            mend = f"Add join: [{{base: {next(iter(data.sources))}}}, {{with: …, on: …}}]"
            yield error(loaded, ("data", "sources"), what, "Several sources are joined to one table", mend)
        return
    bases = [index for index, step in enumerate(data.join) if isinstance(step, Base)]
    if bases != [0]:
        what = "the join has no base" if not bases else "the base is not the first step, or not the only one"
        mend = f"Begin with {{base: {next(iter(data.sources))}}}"
        yield error(loaded, ("data", "join"), what, "A join keeps the rows of its base", mend)
    seen: set[str] = set()
    for index, step in enumerate(data.join):
        key, name = ("base", step.base) if isinstance(step, Base) else ("with", step.with_)
        if name not in data.sources:
            what = f"no source is named {name!r}"
            yield error(
                loaded,
                ("data", "join", index, key),
                what,
                "A join names sources",
                nearest(name, data.sources),
            )
        elif name in seen:
            what = f"the source {name!r} is joined twice"
            yield error(
                loaded, ("data", "join", index, key), what, "Each source is joined once", "Remove one step"
            )
        seen.add(name)
    for name in data.sources:
        if name not in seen:
            what = f"the source {name!r} is read and not joined"
            yield warning(
                loaded, ("data", "sources", name), what, "Its rows reach no feature", "Join it, or remove it"
            )


def names_differ_beyond_case(loaded: LoadedProject) -> Iterator[Finding]:
    """Names that become files or columns differ by more than case and composition."""
    project = loaded.project
    groups: list[tuple[Path, Collection[str]]] = [
        (("data", "sources"), project.data.sources),
        (("features", "definitions"), project.features.definitions),
        (("features", "store", "views"), project.features.store.views),
    ]
    for path, names in groups:
        seen: dict[str, str] = {}
        for name in names:
            folded = unicodedata.normalize("NFKC", name).casefold()
            if (other := seen.setdefault(folded, name)) != name:
                what = f"{other!r} and {name!r} differ only in case"
                yield error(
                    loaded, (*path, name), what, "Some systems take them for one name", "Rename one of them"
                )


def some_feature_exists(loaded: LoadedProject) -> Iterator[Finding]:
    """There is something to learn from."""
    features = loaded.project.features
    named = any(names for _, names in _feature_lists(loaded))
    if not features.definitions and not named and features.numerical.columns == ():
        yield error(
            loaded, ("features",), "no feature at all", "A model needs features", "Add features.definitions"
        )


def required_groups_exist(loaded: LoadedProject) -> Iterator[Finding]:
    """The groups of features that the problem requires are views, features or sources of the project."""
    project = loaded.project
    known = {
        *project.features.store.views,
        *project.features.definitions,
        *project.features.categorical.columns,
        *_listed(project.features.numerical.columns),
        *project.data.sources,
    }
    for index, name in enumerate(project.data_requirements.features):
        if name not in known:
            yield warning(
                loaded,
                ("data_requirements", "features", index),
                f"nothing in the file is named {name!r}",
                "A requirement that nothing checks is a gap",
                "Name a view of features.store.views like it",
            )


def _feature_lists(loaded: LoadedProject) -> Iterator[tuple[Path, Collection[str]]]:
    features = loaded.project.features
    yield ("features", "categorical", "columns"), features.categorical.columns
    yield ("features", "numerical", "columns"), _listed(features.numerical.columns)
    for view, names in features.store.views.items():
        yield ("features", "store", "views", view), names


def _listed(columns: str | tuple[str, ...]) -> tuple[str, ...]:
    return () if isinstance(columns, str) else columns
