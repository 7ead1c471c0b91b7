"""The feature plan: how the features of a model are made, as data that travels with the model.

A feature is either *history* (it needs earlier rows of the entity: computed in batch, served from the online
store) or *stateless* (a function of the row alone: computed from the same expression in batch and online).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

InputType = Literal["float", "int", "bool", "string", "datetime"]


@dataclass(frozen=True, slots=True)
class PlanInput:
    """A raw column that stateless features read: from the request, else from the online store."""

    name: str
    type: InputType


@dataclass(frozen=True, slots=True)
class HistoryFeature:
    """An aggregate over the entity's rows in [t - lag - window, t - lag); the row at t is never among them."""

    name: str
    aggregate: str
    of: str | None
    window_s: float
    where: str | None = None
    default: float | None = None
    lag_s: float = 0.0


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

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature in the order in which the model takes them: numerical first."""
        return self.numerical + self.categorical

    @property
    def hash(self) -> str:
        """SHA-256 of the plan's canonical JSON: equal plans hash equally."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


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
