"""The feature plan: how the features of a model are made, as data that travels with the model.

A feature is either *history* (it needs earlier rows of the entity: computed in batch, served from the online
store) or *stateless* (a function of the row alone: computed from the same expression in batch and online).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec

InputType = Literal["float", "int", "bool", "string", "datetime"]
Per = Literal["entity", "item", "pair"]


@dataclass(frozen=True, slots=True)
class PlanInput:
    """A raw column that stateless features read: from the request, else from the online store."""

    name: str
    type: InputType


@dataclass(frozen=True, slots=True)
class HistoryFeature:
    """An aggregate over the entity's rows in [t - lag - window, t - lag); the row at t is never among them.

    In a ranking the rows may also be the item's, or those that entity and item have together.
    """

    name: str
    aggregate: str
    of: str | None
    window_s: float
    where: str | None = None
    default: float | None = None
    lag_s: float = 0.0
    per: Per = "entity"


@dataclass(frozen=True, slots=True)
class StatelessFeature:
    """A function of the row. `kind` says which of the other fields are used."""

    name: str
    kind: Literal["time", "ratio", "expr", "python", "column"]
    inputs: tuple[str, ...]  # columns, history features or earlier stateless features
    part: str = ""  # time
    zero: float = 0.0  # ratio
    expression: str = ""  # expr
    function: str = ""  # python: `file.py:function`, the file lies in the plan's python folder


@dataclass(frozen=True, slots=True)
class ListPlan:
    """From which lists the candidates of a ranking come, and how long each is; see bundle/candidates.py."""

    popular: int
    own: int
    together: int
    window_s: float
    pairs_window_s: float
    shown: int  # items in a reply that does not ask for a number
    event: str  # SQL condition on the rows that count


EVERYBODY = "everybody"
"""Key column of the view that holds one row for all, and that row's key."""


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """Everything needed to make the features of one row; `stateless` is in an order that can be followed."""

    entity: str | None
    event_time: str | None
    inputs: tuple[PlanInput, ...]
    history: tuple[HistoryFeature, ...]
    stateless: tuple[StatelessFeature, ...]
    numerical: tuple[str, ...]
    categorical: tuple[str, ...]
    views: dict[
        str, tuple[str, ...]
    ]  # view of the feature store -> the fields it keeps (features and inputs)
    ttl_s: float | None = None
    python_files: dict[str, str] = field(default_factory=dict)  # file -> sha256
    format: int = 1
    entity_type: Literal["string", "int"] | None = None  # as requests and the store write it
    item: str | None = None  # ranking: the column of what is ranked
    item_type: Literal["string", "int"] | None = None
    lists: ListPlan | None = None
    keys: dict[str, str] = field(default_factory=dict)  # view -> its key column, where it is not the entity

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature in the order in which the model takes them: numerical first."""
        return self.numerical + self.categorical

    @property
    def pair(self) -> str:
        """The key column of what entity and item have together."""
        return f"{self.entity}__{self.item}"

    @property
    def view_keys(self) -> tuple[str, ...]:
        """The key columns of the views, each once, in their order."""
        return tuple(dict.fromkeys(self.keys.get(view, self.entity or "") for view in self.views))

    def of_key(self, key: str) -> FeaturePlan:
        """The plan as the views with that key column see it: the key is the entity, other views are not there."""
        if key == self.entity and not self.keys:
            return self
        views = {
            view: fields for view, fields in self.views.items() if self.keys.get(view, self.entity) == key
        }
        kind: Literal["string", "int"] | None = "string"
        if key == self.entity:
            kind = self.entity_type
        elif key == self.item:
            kind = self.item_type
        return replace(self, entity=key, entity_type=kind, views=views, keys={})

    @property
    def kept_views(self) -> tuple[str, ...]:
        """The views as the online store names them: `view@revision`, so that every model reads its own definition."""
        return tuple(f"{view}@{self.revision(view)}" for view in self.views)

    def revision(self, view: str) -> str:
        """Twelve letters that change with anything that the view's values depend on."""
        return _digest(self.recipes(view))[:12]

    def recipes(self, view: str) -> dict[str, str]:
        """Field -> digest of everything that its value depends on; the entry "" is about the view's key."""
        history = {each.name: each for each in self.history}
        stateless = {each.name: each for each in self.stateless}
        types = {each.name: each.type for each in self.inputs}
        key = self.keys.get(view, self.entity)
        found = {"": _digest([key, None if key is None else self.of_key(key).entity_type])}
        for field_ in self.views[view]:
            parts: dict[str, Any] = {}
            todo = [field_]
            while todo:
                name = todo.pop()
                if name in parts:
                    continue
                made = stateless.get(name)
                file = made.function.rpartition(":")[0] if made else ""
                known = [types.get(name), history.get(name), made, self.python_files.get(file)]
                parts[name] = known if any(known) else self.lists
                todo += made.inputs if made else ()
            found[field_] = _digest(parts)
        return found

    @property
    def calendar(self) -> frozenset[str]:
        """Features that follow from the event time alone: they move with every window, whoever is asked about."""
        return self._made_of(() if self.event_time is None else (self.event_time,))

    @property
    def of_the_past(self) -> frozenset[str]:
        """Features that follow from earlier rows and the event time alone."""
        earlier = tuple(feature.name for feature in self.history)
        return self._made_of(earlier if self.event_time is None else (*earlier, self.event_time))

    def _made_of(self, names: tuple[str, ...]) -> frozenset[str]:
        found = set(names)
        for feature in self.stateless:
            if feature.inputs and found.issuperset(feature.inputs):
                found.add(feature.name)
        return frozenset(found - {self.event_time})

    @property
    def hash(self) -> str:
        """SHA-256 of the plan's canonical JSON: equal plans hash equally."""
        return _digest(self)


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def entity_text(value: Any) -> str | None:
    """The one spelling of an entity's key: `17850` for 17850, 17850.0 and "17850"; None if it is no key."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None
