"""The feature plan evaluated for requests.

A value is, in this order: the feature as given in the request; computed from what the request gives; computed
or taken from what the store keeps. Where all features are plain values they are copied straight into arrays;
everything else goes through `batch.stateless_values`, the function that made the training matrix.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rondo.bundle.batch import INPUT_TYPES, MOMENT, StatelessSteps
from rondo.bundle.plan import FeaturePlan, entity_text
from rondo.bundle.request_values import CHECKS, Check, Refused, category, moment, number
from rondo.bundle.user_functions import UserFunctions
from rondo.errors import DataError, Problem, nearest

Stored = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """What the model takes, row by row: float32 [n, k], missing = NaN; strings [n, c], missing = ""."""

    numerical: NDArray[np.float32]
    categorical: NDArray[np.object_]
    event_times: list[datetime]
    entities: list[str | None]


@dataclass(frozen=True, slots=True)
class _Row:
    """A checked request: inputs and history features, and what is given in place of computed features."""

    values: dict[str, Any]
    given: dict[str, Any]
    event_time: datetime
    entity: str | None


class OnlineFeatures:
    """Makes the features of requests; safe to call from several threads at once."""

    def __init__(self, plan: FeaturePlan, python_folder: Path | None = None) -> None:
        """
        Raises:
            CorruptArtifact: the files of Python features are not those of the plan.
            UserCodeError: such a file cannot be loaded.
        """
        self.plan = plan
        self._functions = UserFunctions(plan, python_folder)
        self._inputs = {each.name: each.type for each in plan.inputs}
        self._history = {feature.name: feature.default for feature in plan.history}
        self._computed = {each.name: each for each in plan.stateless if each.name not in self._inputs}
        self._checks: dict[str, Check] = {
            **dict.fromkeys(self._history, number),
            **{name: category if name in plan.categorical else number for name in self._computed},
            **{name: CHECKS[kind] for name, kind in self._inputs.items()},
        }
        self._known = {*self._checks, *(name for name in (plan.entity, plan.event_time) if name)}
        self._asked = (*self._inputs, *self._history)
        self._schema: dict[str, pl.DataType] = {
            name: INPUT_TYPES[kind] for name, kind in self._inputs.items()
        }
        self._schema |= dict.fromkeys(self._history, pl.Float64())
        self._schema[plan.event_time or ""] = MOMENT  # always there, so that a row is never empty
        self._steps = StatelessSteps(plan)
        self._direct = _Direct.of(plan, self._inputs)

    def _needed(self, given: Mapping[str, Any]) -> Iterable[str]:
        """The inputs that the model's features read when these features are given."""
        if not given:
            return self._inputs
        seen: set[str] = set(given)
        todo = list(self.plan.features)
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self._computed[name].inputs if name in self._computed else ()
        return [name for name in self._inputs if name in seen]

    def rows(
        self, requests: Sequence[Mapping[str, Any]], stored: Sequence[Stored], now: datetime
    ) -> FeatureRows:
        """The features of each request, in order.

        Args:
            requests: features, inputs, entity and event time (`now` where not given) by their names.
            stored: what the store keeps for the entity of each request; None where it knows nothing.
            now: the moment of the call, with its zone.

        Raises:
            DataError: a problem per value that is missing, unknown or of a wrong type; nothing was computed.
            UserCodeError: a Python feature failed.
        """
        if self._direct is not None:
            fast = self._direct.rows(requests, stored, now)
            if fast is not None:
                return fast
        problems: list[Problem] = []
        checked = [
            self._checked(f"rows[{place}]", request, kept, now, problems)
            for place, (request, kept) in enumerate(zip(requests, stored, strict=True))
        ]
        if problems:
            raise DataError(f"{len(problems)} values cannot be used", problems=problems)
        return self._evaluated(checked)

    def _checked(
        self, where: str, request: Mapping[str, Any], stored: Stored, now: datetime, problems: list[Problem]
    ) -> _Row:
        row = _Row({}, {}, now, None)
        for name, value in request.items():
            try:
                row = self._with(row, name, value)
            except Refused as refused:
                row.values[name] = None  # one problem is enough: it is not also missing
                problems.append(Problem(f"{where}.{str(name)[:80]}", str(refused), *refused.args[1:]))
        for name, default in self._history.items():
            row.values.setdefault(name, default if stored is None else stored.get(name, default))
        for name in self._needed(row.given):
            if name in row.values:
                continue
            if stored is None or name not in stored:
                known = "The store does not keep it" if stored else "The store keeps nothing for this entity"
                mend = "Send it with the request; null says that it is missing"
                problems.append(Problem(f"{where}.{name}", "is needed and not given", known, mend))
                continue
            try:
                row.values[name] = self._checks[name](stored[name])
            except Refused as refused:
                problems.append(Problem(f"{where}.{name}", f"in the feature store: {refused}"))
        return row

    def _with(self, row: _Row, name: str, value: Any) -> _Row:
        """The row with one more entry of the request."""
        if name not in self._known:
            raise Refused("nothing has this name", nearest(str(name), self._known))
        if name == self.plan.event_time:
            row = replace(row, event_time=moment(value) or row.event_time)
        if name == self.plan.entity:
            row = replace(row, entity=self._entity(value))
        if name in self._computed:
            row.given[name] = self._checks[name](value)
        elif name in self._checks:
            row.values[name] = self._checks[name](value)
        return row

    def _entity(self, value: Any) -> str | None:
        kind = self.plan.entity_type
        fits = type(value) is {"string": str, "int": int}[kind] if kind else True
        if value is not None and not (fits and entity_text(value)):
            asked = {"string": "a text", "int": "a whole number", None: "a text or a whole number"}[kind]
            raise Refused(f"{asked} is expected for the entity, found {repr(value)[:60]}")
        return entity_text(value)

    def _evaluated(self, rows: Sequence[_Row]) -> FeatureRows:
        moments, entities = [row.event_time for row in rows], [row.entity for row in rows]
        # One frame from whole rows: a series per column would take most of the time of a small request.
        data = [(*(row.values.get(name) for name in self._asked), row.event_time) for row in rows]
        frame = pl.DataFrame(data, schema=self._schema, orient="row")
        names = {name for row in rows for name in row.given}
        given = {
            name: ([name in row.given for row in rows], [row.given.get(name) for row in rows])
            for name in names
        }
        made = self._steps.values(frame, self._functions, given=given)
        return FeatureRows(*self._arrays(made), moments, entities)

    def _arrays(self, made: pl.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.object_]]:
        """What `as_arrays(model_values(...))` gives, without their cost for a few rows; tests hold the two equal."""
        texts = [name for name in self.plan.categorical if made.schema[name] != pl.String]
        if texts:
            made = made.with_columns_seq(pl.col(texts).cast(pl.String))
        place = {name: number for number, name in enumerate(made.columns)}
        numbers = [place[name] for name in self.plan.numerical]
        words = [place[name] for name in self.plan.categorical]
        values = made.rows()
        wide = np.array([[row[n] for n in numbers] for row in values], dtype=np.float64)
        categorical = np.empty((len(values), len(words)), dtype=object)
        for line, row in enumerate(values):
            categorical[line] = [row[n] or "" for n in words]
        return _narrow(wide.reshape(len(values), len(numbers))), categorical


def _narrow(wide: NDArray[np.float64]) -> NDArray[np.float32]:
    """The numbers as the model takes them: what is not finite is missing."""
    with np.errstate(over="ignore"):
        numbers = wide.astype(np.float32)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def as_arrays(plan: FeaturePlan, made: pl.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.object_]]:
    """The model's values as arrays: NaN and "" for missing."""
    numerical = np.empty((made.height, len(plan.numerical)), dtype=np.float32)
    for place, name in enumerate(plan.numerical):
        numerical[:, place] = made[name].fill_null(np.nan).to_numpy()
    categorical = np.empty((made.height, len(plan.categorical)), dtype=object)
    for place, name in enumerate(plan.categorical):
        categorical[:, place] = made[name].fill_null("").to_list()
    return numerical, categorical


_PLAIN_NUMBERS: dict[str | None, set[type]] = {
    "float": {float, int, type(None)},
    "int": {int, type(None)},
    "bool": {bool, type(None)},
}


class _Direct:
    """The short way: every feature is a value of the request or of the store, so nothing is evaluated.

    It answers only when every row is complete and every value of a type that needs no thought; the rest,
    errors included, is left to the long way.
    """

    def __init__(self, plan: FeaturePlan, kinds: Sequence[set[type]]) -> None:
        self._plan = plan
        self._get = itemgetter(*plan.features)
        self._own = {*plan.features, *(name for name in (plan.entity, plan.event_time) if name)}
        self._entity_type = int if plan.entity_type == "int" else str
        self._spans: list[tuple[int, int, set[type]]] = []
        for place, kind in enumerate(kinds):
            if self._spans and self._spans[-1][2] == kind:
                self._spans[-1] = (self._spans[-1][0], place + 1, kind)
            else:
                self._spans.append((place, place + 1, kind))

    @classmethod
    def of(cls, plan: FeaturePlan, inputs: Mapping[str, str]) -> _Direct | None:
        """The short way of the plan, None when it has none."""
        plain = {each.name for each in plan.stateless if each.kind == "column" and each.name in inputs}
        kinds = {each.name: "float" for each in plan.history} | {name: inputs[name] for name in plain}
        usable = all(kinds.get(name) in _PLAIN_NUMBERS for name in plan.numerical)
        usable &= all(kinds.get(name) == "string" for name in plan.categorical)
        if not usable or len(plan.features) < 2:  # itemgetter gives a bare value for one name
            return None
        return cls(plan, [_PLAIN_NUMBERS[kinds[name]] for name in plan.numerical])

    def rows(
        self, requests: Sequence[Mapping[str, Any]], stored: Sequence[Stored], now: datetime
    ) -> FeatureRows | None:
        """The features, None when a row needs the long way."""
        entity, event_time = self._plan.entity, self._plan.event_time
        taken: list[tuple[Any, ...]] = []
        event_times: list[datetime] = []
        entities: list[str | None] = []
        try:
            for request, kept in zip(requests, stored, strict=True):
                values = self._get({**kept, **request} if kept else request)
                for start, end, kind in self._spans:
                    if not kind.issuperset(map(type, values[start:end])):
                        return None
                if not self._own.issuperset(request):
                    return None
                taken.append(values)
                at = None if event_time is None else request.get(event_time)
                event_times.append(now if at is None else moment(at) or now)
                key = None if entity is None else request.get(entity)
                if key is not None and type(key) is not self._entity_type:
                    return None
                entities.append(None if key is None else str(key))
        except (KeyError, Refused):
            return None
        return self._arrays(taken, event_times, entities)

    def _arrays(
        self, taken: list[tuple[Any, ...]], event_times: list[datetime], entities: list[str | None]
    ) -> FeatureRows | None:
        k = len(self._plan.numerical)
        texts = np.empty((len(taken), len(self._plan.categorical)), dtype=object)
        for place, values in enumerate(taken):
            for column, text in enumerate(values[k:]):
                if text is not None and type(text) is not str:
                    return None
                texts[place, column] = text or ""
        try:
            wide = np.array([values[:k] for values in taken], dtype=np.float64).reshape(len(taken), k)
        except OverflowError:
            return None
        # None became NaN, which is what missing is. NaN or infinity in the request itself is refused.
        if not np.isfinite(wide).all() and any(not _finite(each) for values in taken for each in values[:k]):
            return None
        return FeatureRows(_narrow(wide), texts, event_times, entities)


def _finite(value: float | None) -> bool:
    return value is None or math.isfinite(value)
