"""Which columns a required group of features is made of, as far as the project file says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rondo.contract.features import Definition, Features
from rondo.contract.project import Project

_DEEPEST = 20  # definitions that name each other; the checks of the project file refuse circles


def required_columns(project: Project) -> Mapping[str, tuple[str, ...]]:
    """Per group of `data_requirements.features` the columns that it reads.

    A group is a view, a feature or a column. What the file does not tell by name (a source, an expression) has none
    here: the report on the features tells whether it is there.
    """
    features = project.features
    return {
        name: tuple(dict.fromkeys(_of_group(name, features))) for name in project.data_requirements.features
    }


def _of_group(name: str, features: Features) -> Iterator[str]:
    for member in features.store.views.get(name, (name,)):
        if member in features.definitions:
            yield from _of_definition(features.definitions[member], features, _DEEPEST)
        elif name in features.store.views or member in _listed(features):
            yield member


def _listed(features: Features) -> frozenset[str]:
    numerical = features.numerical.columns
    return frozenset((*features.categorical.columns, *(() if numerical == "auto" else numerical)))


def _of_definition(definition: Definition, features: Features, left: int) -> Iterator[str]:
    named = (definition.column, definition.of, *definition.inputs, *(definition.ratio or ()))
    for name in named:
        if name is None:
            continue
        if name in features.definitions and left and features.definitions[name] is not definition:
            yield from _of_definition(features.definitions[name], features, left - 1)
        else:
            yield name
