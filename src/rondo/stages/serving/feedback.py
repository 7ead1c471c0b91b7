"""Outcomes that come back: early or late, once or often, never two truths for one prediction unasked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rondo.bundle.request_values import Refused, moment
from rondo.records.prediction import Outcome
from rondo.stages.serving.problems import Fault, Refusal

MAX_ID = 200
CLOCK_SLACK = timedelta(minutes=5)
_NAMES = frozenset({"prediction_id", "outcome", "happened_at", "corrects"})


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request's items; `outcomes` are the ones to be stored."""

    outcomes: tuple[Outcome, ...]
    accepted: int
    repeated: int
    corrected: int


class Outcomes:
    """The newest outcome of each prediction, bounded: beyond it the oldest are forgotten and may come again."""

    def __init__(self, *, most: int = 1_000_000) -> None:
        self._values: dict[str, str] = {}
        self._most = most

    def remember(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Takes (prediction id, value) pairs, newest last."""
        for prediction_id, value in outcomes:
            self._values.pop(prediction_id, None)
            self._values[prediction_id] = value
        while len(self._values) > self._most:
            del self._values[next(iter(self._values))]

    @property
    def known(self) -> Mapping[str, str]:
        """Prediction id -> value."""
        return self._values


def take(body: Any, known: Mapping[str, str], classes: tuple[str, ...], *, now: datetime) -> Taken:
    """What is to be stored of a feedback request: all of it, or nothing.

    Args:
        body: `{"prediction_id", "outcome", …}` or `{"items": [{…}, …]}`.
        known: the outcomes so far.
        classes: the classes that an outcome may name; empty for a number.
        now: the moment of receipt.

    Raises:
        Refusal: 422, items cannot be used; 409, an item says otherwise than before and does not say `corrects`.
    """
    items, where = _items(body)
    faults: list[Fault] = []
    conflicts: list[Fault] = []
    fresh: dict[str, Outcome] = {}
    repeated = corrected = 0
    for place, item in enumerate(items):
        loc: tuple[str | int, ...] = (*where, place) if where else ()
        outcome = _outcome(item, classes, now, loc, faults)
        if outcome is None:
            continue
        before = fresh[outcome.prediction_id].value if outcome.prediction_id in fresh else None
        before = before if before is not None else known.get(outcome.prediction_id)
        if before == outcome.value:
            repeated += 1
        elif before is None or item.get("corrects") is True:
            corrected += before is not None
            fresh[outcome.prediction_id] = outcome
        else:
            what = f"The outcome {before!r} is known for this prediction, not {outcome.value!r}"
            hint = 'Send "corrects": true to correct it.'
            conflicts.append(Fault((*loc, "outcome"), "conflict", what, hint))
    if faults:
        raise Refusal(422, f"{len(faults)} values cannot be used; nothing was stored", faults)
    if conflicts:
        raise Refusal(409, f"{len(conflicts)} outcomes contradict known ones; nothing was stored", conflicts)
    return Taken(tuple(fresh.values()), len(items) - repeated - corrected, repeated, corrected)


def _items(body: Any) -> tuple[list[Any], tuple[str, ...]]:
    if type(body) is not dict:
        raise Refusal(422, "The body is not a JSON object", (Fault((), "object_expected", "Send {...}"),))
    if "items" not in body:
        return [body], ()
    if set(body) != {"items"} or type(body["items"]) is not list or not body["items"]:
        fault = Fault(("items",), "no_items", "`items` is a list of at least one item, and stands alone")
        raise Refusal(422, fault.msg, (fault,))
    return body["items"], ("items",)


def _outcome(
    item: Any, classes: tuple[str, ...], now: datetime, loc: tuple[str | int, ...], faults: list[Fault]
) -> Outcome | None:
    if type(item) is not dict:
        faults.append(Fault(loc, "object_expected", "An item is an object"))
        return None
    before = len(faults)
    faults += [
        Fault((*loc, name), "unknown_name", "Nothing has this name", f"Known: {', '.join(sorted(_NAMES))}.")
        for name in sorted(set(item) - _NAMES)
    ]
    prediction_id = item.get("prediction_id")
    if type(prediction_id) is not str or not 0 < len(prediction_id) <= MAX_ID:
        what = f"A prediction id is a text of 1 to {MAX_ID} characters"
        faults.append(Fault((*loc, "prediction_id"), "invalid_value", what))
    if type(item.get("corrects", False)) is not bool:
        faults.append(Fault((*loc, "corrects"), "invalid_value", "`corrects` is true or false"))
    value = _value(item.get("outcome"), classes)
    if value is None:
        what = f"An outcome is one of {', '.join(classes)}" if classes else "An outcome is a number"
        faults.append(Fault((*loc, "outcome"), "invalid_value", what))
    happened_at = _happened(item, now, loc, faults)
    if len(faults) > before or value is None or type(prediction_id) is not str:
        return None
    return Outcome(prediction_id, value, now, happened_at)


def _happened(
    item: dict[str, Any], now: datetime, loc: tuple[str | int, ...], faults: list[Fault]
) -> datetime | None:
    try:
        happened_at = moment(item.get("happened_at"))
    except Refused as refused:
        faults.append(Fault((*loc, "happened_at"), "invalid_value", str(refused)))
        return None
    if happened_at is not None and happened_at > now + CLOCK_SLACK:
        faults.append(Fault((*loc, "happened_at"), "in_the_future", "It lies in the future"))
    return happened_at


def _value(outcome: Any, classes: tuple[str, ...]) -> str | None:
    """The outcome as text: the class as training named it, or the number; None when it is neither."""
    if not classes:
        return repr(float(outcome)) if type(outcome) in (int, float) and abs(outcome) < 1e308 else None
    spellings: tuple[str, ...]
    match outcome:
        case bool():
            spellings = (str(outcome), str(outcome).lower(), str(int(outcome)))
        case int() | float():
            whole = float(outcome).is_integer() if abs(outcome) < 2**53 else False
            spellings = (str(outcome), str(int(outcome)), f"{int(outcome)}.0") if whole else (str(outcome),)
        case str():
            spellings = (outcome,)
        case _:
            return None
    return next((spelling for spelling in spellings if spelling in classes), None)
