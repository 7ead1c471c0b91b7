"""Lists of items: candidates and their values from the online store, ordered by the model.

Every item that is shown is a prediction of its own; its id is the list's id and the item's name, so that an
outcome can name both. A list starts with the highest score; equal scores keep the order of the candidates.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

import numpy as np

from rondo.bundle.candidates import Asked
from rondo.bundle.plan import FeaturePlan, ListPlan, entity_text
from rondo.errors import DataError, RondoError, UserCodeError
from rondo.ports.feature_store import OnlineValues
from rondo.stages.serving.asking import Row
from rondo.stages.serving.problems import Fault, Refusal, from_data_error, values_refused
from rondo.stages.serving.scoring import Group, own_event_times
from rondo.stages.serving.versions import ServedVersion

log = logging.getLogger("rondo.serving")

K = "k"
"""How a request says how many items it wants."""
MOST_ITEMS = 1000
NOTHING_WANTED = ""
"""Stands for the item in the outcome of a list of which nothing was wanted."""


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item with its score (how likely it is wanted), and the values that the model took."""

    item: Any
    score: float
    numerical: Sequence[float]
    categorical: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownList:
    """The best items for an entity."""

    entity: str | None
    event_time: datetime
    items: tuple[ShownItem, ...]
    entity_known: bool

    def answer(self) -> dict[str, Any]:
        """What is told of it; that nothing is known of the entity, so that all items are popular ones, is said."""
        answer: dict[str, Any] = {"items": [{"item": one.item, "score": one.score} for one in self.items]}
        return answer if self.entity_known else answer | {"entity_known": False, "fallback": "popular"}


@dataclass(frozen=True, slots=True)
class RankedLists:
    """A list per row of the group, not told to anybody yet."""

    group: Group
    lists: tuple[ShownList, ...]
    fetch_s: float


def item_id(list_id: str, item: Any) -> str:
    """The prediction id of an item of a list."""
    return f"{list_id}:{entity_text(item) or NOTHING_WANTED}"


def rank(online: OnlineValues | None, group: Group, now: datetime) -> RankedLists:
    """The items for each row's entity, best first; the rows' dicts are not changed, and nothing is logged.

    Raises:
        Refusal: values cannot be used, the store does not answer or holds no candidates, or the model gives no number.
    """
    version = group.version
    plan, lists = version.bundle.plan, version.bundle.plan.lists
    assert lists is not None
    rows, _ = own_event_times(group.rows, plan, group.places)
    wanted = _wanted(plan, lists, rows, group.places)
    began = perf_counter()
    found = _found(online, version, rows)
    fetch_s = perf_counter() - began
    asked = [
        {name: value for name, value in row.items() if name != K}
        for row, one in zip(rows, found, strict=True)
        for _ in one.candidates
    ]
    stored = [values for one in found for values in one.stored]
    try:
        made = version.features.rows(asked, stored, now)
    except UserCodeError as error:
        log.exception("a feature function failed")
        what = "a feature function of the project failed"
        fault = Fault((), "feature_function_failed", what)
        raise Refusal(500, what, (fault,), kind="feature-function", version=version.version) from error
    except DataError as error:
        raise from_data_error(error, places=None) from error
    scores = version.bundle.scores(made.numerical, made.categorical)
    if len(scores) != len(asked) or not np.isfinite(scores).all():
        fault = Fault((), "model_output_invalid", "The model's answer is not a finite number")
        what = f"version {version.version} gave an answer that is not a number"
        raise Refusal(503, what, (fault,), kind="model-output", version=version.version)
    numbers, words = made.numerical.tolist(), made.categorical.tolist()
    shown, first = [], 0
    for row, one, k in zip(rows, found, wanted, strict=True):
        own = scores[first : first + len(one.candidates)]
        best = np.argsort(-own, kind="stable")[:k]
        items = tuple(
            ShownItem(one.candidates[at].item, float(own[at]), numbers[first + at], words[first + at])
            for at in best.tolist()
        )
        shown.append(
            ShownList(entity_text(row[str(plan.entity)]), made.event_times[first], items, one.entity_known)
        )
        first += len(one.candidates)
    return RankedLists(group, tuple(shown), fetch_s)


def _wanted(
    plan: FeaturePlan, lists: ListPlan, rows: Sequence[Row], places: Sequence[int] | None
) -> list[int]:
    """How many items each row asks for.

    Raises:
        Refusal: a row lacks its entity, or has something else in it than entity, moment and `k`.
    """
    faults: list[Fault] = []
    counts = []
    entity = str(plan.entity)
    for number, row in enumerate(rows):
        loc: tuple[str | int, ...] = () if places is None else ("rows", places[number])
        known = {entity, plan.event_time, K}
        faults += [
            Fault((*loc, name), "unknown_name", "Nothing has this name", f"Known: {entity}, {K}.")
            for name in row
            if name not in known
        ]
        kind = int if plan.entity_type == "int" else str
        if type(row.get(entity)) is not kind or not entity_text(row[entity]):
            asked = "a whole number" if kind is int else "a text"
            faults.append(Fault((*loc, entity), "invalid_value", f"{asked} is expected for the entity"))
        k = row.get(K, lists.shown)
        if type(k) is not int or not 1 <= k <= MOST_ITEMS:
            faults.append(Fault((*loc, K), "invalid_value", f"k is a whole number from 1 to {MOST_ITEMS}"))
        counts.append(k)
    if faults:
        raise values_refused(faults)
    return counts


def _found(online: OnlineValues | None, version: ServedVersion, rows: Sequence[Row]) -> list[Asked]:
    reader, entity = version.candidates, str(version.bundle.plan.entity)
    assert reader is not None
    what = "the feature store does not answer"
    try:
        if online is not None:
            found = [reader.candidates(row[entity], online.read) for row in rows]
            if all(one.candidates for one in found):
                return found
            what = "the feature store holds no candidates"
    except (RondoError, OSError) as error:
        raise _no_store(what, version) from error
    raise _no_store(what, version)


def _no_store(what: str, version: ServedVersion) -> Refusal:
    return Refusal(
        503,
        what,
        (Fault((), "feature_store_unavailable", "There are no items to order now"),),
        kind="feature-store",
        headers={"retry-after": "1"},
        version=version.version,
    )


def by_item(body: Any) -> Any:
    """Feedback about lists as feedback about their items.

    `{"prediction_id": LIST, "item": X}` says that X was wanted, `"item": null` that nothing was; an outcome of 0
    takes the item as not wanted. Anything else stays as it is, for whoever takes feedback to refuse.
    """
    if type(body) is not dict:
        return body
    if type(body.get("items")) is list:
        return {**body, "items": [_by_item(one) for one in body["items"]]}
    return _by_item(body)


def _by_item(one: Any) -> Any:
    if type(one) is not dict or "item" not in one or type(one.get("prediction_id")) is not str:
        return one
    item = one["item"]
    if item is not None and (type(item) not in (str, int) or not entity_text(item)):
        return one
    told: Mapping[str, Any] = {name: value for name, value in one.items() if name != "item"}
    return {
        "outcome": 1 if item is not None else 0,
        **told,
        "prediction_id": item_id(one["prediction_id"], item),
    }
