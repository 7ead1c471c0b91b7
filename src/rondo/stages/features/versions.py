"""The semantic version of the features, told from what changed between two plans. Pure.

MAJOR   a feature is gone, or its type changed: a model of before cannot take the rows
MINOR   a feature is new, or is made differently
PATCH   only how the values are kept changed
"""

from __future__ import annotations

from collections.abc import Iterable

from rondo.bundle.plan import FeaturePlan, StatelessFeature
from rondo.errors import CorruptArtifact


def next_version(previous: tuple[FeaturePlan, str] | None, plan: FeaturePlan) -> tuple[str, str]:
    """The version of `plan` and the reason for it; the previous plan comes with its version."""
    if previous is None:
        return "1.0.0", "the first features"
    before, version = previous
    if before.hash == plan.hash:
        return version, "the features are the same"
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise CorruptArtifact(f"{version!r} is not a version", rule="MAJOR.MINOR.PATCH")
    major, minor, patch = (int(part) for part in parts)
    gone = [name for name in before.features if name not in plan.features]
    turned = [
        name for name in plan.features if name in before.features and _type(before, name) != _type(plan, name)
    ]
    if gone or turned:
        return f"{major + 1}.0.0", _words(("gone", gone), ("of another type", turned))
    new = [name for name in plan.features if name not in before.features]
    changed = [
        name for name in plan.features if name not in new and _recipe(before, name) != _recipe(plan, name)
    ]
    if new or changed:
        return f"{major}.{minor + 1}.0", _words(("new", new), ("made differently", changed))
    return f"{major}.{minor}.{patch + 1}", "the same features are kept or read in another way"


def _type(plan: FeaturePlan, name: str) -> str:
    return "numerical" if name in plan.numerical else "categorical"


def _recipe(plan: FeaturePlan, name: str) -> frozenset[object]:
    """Everything that the feature's value depends on: its definition and those of what it is made from."""
    history = {each.name: each for each in plan.history}
    stateless = {each.name: each for each in plan.stateless}
    types = {each.name: each.type for each in plan.inputs}
    parts: set[object] = set()
    todo, seen = [name], set()
    while todo:
        each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        parts.add((each, history.get(each), types.get(each)))
        if isinstance(made := stateless.get(each), StatelessFeature):
            parts.add((made, plan.python_files.get(made.function.rpartition(":")[0])))
            todo += made.inputs
    return frozenset(parts)


def _words(*changes: tuple[str, Iterable[str]]) -> str:
    return "; ".join(f"{what}: {', '.join(sorted(names))}" for what, names in changes if names)
