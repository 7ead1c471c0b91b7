"""Outcomes that come back: early or late, once or often, never two truths for one prediction unasked."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Any

from rondo.bundle.request_values import Refused, moment
from rondo.records.prediction import WITHDRAWN, Outcome
from rondo.stages.serving.problems import Fault, Refusal

MAX_ID = 200
CLOCK_SLACK = timedelta(minutes=5)
WINDOW = timedelta(days=90)
"""An outcome that happened later than this after its prediction is kept, and changes no figure any more."""
_NAMES = frozenset({"prediction_id", "outcome", "happened_at", "corrects"})


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request's items; `outcomes` are the ones to be stored."""

    outcomes: tuple[Outcome, ...]
    accepted: int
    repeated: int
    corrected: int
    withdrawn: int = 0
    parked: int = 0  # of the stored ones: this server does not know their predictions, or not yet
    late: int = 0  # of the stored ones: the window of their predictions was closed


class Outcomes:
    """The newest outcome of each prediction, bounded: beyond it the oldest are forgotten and may come again."""

    def __init__(self, *, most: int = 500_000) -> None:
        self._newest: dict[str, tuple[float, str]] = {}
        self._most = most

    def remember(self, outcomes: Iterable[Outcome]) -> None:
        """Takes outcomes in any order and however often; of each prediction the newest one stays."""
        for outcome in outcomes:
            fresh = (outcome.at.timestamp(), intern(outcome.value))
            before = self._newest.pop(outcome.prediction_id, fresh)
            self._newest[outcome.prediction_id] = max(before, fresh)
        while len(self._newest) > self._most:
            del self._newest[next(iter(self._newest))]

    def __len__(self) -> int:
        return len(self._newest)

    def get(self, prediction_id: str) -> str | None:
        """The value that is known (WITHDRAWN when it was taken back); None when none is."""
        found = self._newest.get(prediction_id)
        return None if found is None else found[1]


class Issued:
    """When the predictions of this process were about, by their number; the newest ones, bounded."""

    def __init__(self, boot: str, *, most: int = 2**18) -> None:
        self._boot, self._most = boot, most
        self._times = array("d", bytes(8 * most))
        self._next = 0

    def add(self, number: int, event_time: datetime) -> None:
        """Prediction `number` was made. Numbers come in about their order, from several threads."""
        self._times[number % self._most] = event_time.timestamp()
        if number >= self._next:
            self._next = number + 1

    def about(self, prediction_id: str) -> datetime | None:
        """What moment it was about; None when this process did not make it, or long ago."""
        prediction_id = prediction_id.partition(":")[0]  # of an item of a list: the list
        rest = prediction_id.removeprefix(self._boot)
        if len(rest) == len(prediction_id) or not rest.isalnum():
            return None
        try:
            number = int(rest, 16)
        except ValueError:
            return None
        if not max(0, self._next - self._most) <= number < self._next:
            return None
        return datetime.fromtimestamp(self._times[number % self._most], UTC)


About = Callable[[str], datetime | None]


def _nothing_known(prediction_id: str) -> None:
    return None


def take(
    body: Any,
    known: Callable[[str], str | None],
    classes: tuple[str, ...],
    *,
    now: datetime,
    about: About = _nothing_known,
) -> Taken:
    """What is to be stored of a feedback request: all of it, or nothing.

    Args:
        body: `{"prediction_id", "outcome", …}` or `{"items": [{…}, …]}`.
        known: gives the outcome so far of a prediction id.
        classes: the classes that an outcome may name; empty for a number.
        now: the moment of receipt.
        about: gives the moment that a prediction was about, where it is known.

    Raises:
        Refusal: 422, items cannot be used; 409, an item says otherwise than before and does not say `corrects`.
    """
    items, where = _items(body)
    faults: list[Fault] = []
    conflicts: list[Fault] = []
    fresh: dict[str, Outcome] = {}
    repeated = corrected = withdrawn = 0
    for place, item in enumerate(items):
        loc: tuple[str | int, ...] = (*where, place) if where else ()
        outcome = _outcome(item, classes, now, loc, faults)
        if outcome is None:
            continue
        made = about(outcome.prediction_id)
        if made is not None and outcome.happened_at is not None and outcome.happened_at < made - CLOCK_SLACK:
            what = f"It lies before the prediction, which is about {made.isoformat()}"
            faults.append(Fault((*loc, "happened_at"), "before_prediction", what))
            continue
        before = fresh[outcome.prediction_id].value if outcome.prediction_id in fresh else None
        before = before if before is not None else known(outcome.prediction_id)
        if before == outcome.value:
            repeated += 1
        elif outcome.value == WITHDRAWN:
            withdrawn += 1
            fresh[outcome.prediction_id] = outcome
        elif not before or item.get("corrects") is True:
            corrected += bool(before)
            fresh[outcome.prediction_id] = outcome
        else:
            what = f"The outcome {before!r} is known for this prediction, not {outcome.value!r}"
            hint = 'Send "corrects": true to correct it.'
            conflicts.append(Fault((*loc, "outcome"), "conflict", what, hint))
    if faults:
        raise Refusal(422, f"{len(faults)} values cannot be used; nothing was stored", faults)
    if conflicts:
        raise Refusal(409, f"{len(conflicts)} outcomes contradict known ones; nothing was stored", conflicts)
    stored = tuple(fresh.values())
    moments = [about(outcome.prediction_id) for outcome in stored]
    return Taken(
        stored,
        len(items) - repeated - corrected - withdrawn,
        repeated,
        corrected,
        withdrawn,
        parked=sum(made is None for made in moments),
        late=sum(
            made is not None and outcome.happened_at is not None and outcome.happened_at > made + WINDOW
            for outcome, made in zip(stored, moments, strict=True)
        ),
    )


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
        Fault(
            (*loc, name[:80]), "unknown_name", "Nothing has this name", f"Known: {', '.join(sorted(_NAMES))}."
        )
        for name in sorted(set(item) - _NAMES)
    ]
    prediction_id = item.get("prediction_id")
    if type(prediction_id) is not str or not 0 < len(prediction_id) <= MAX_ID:
        what = f"A prediction id is a text of 1 to {MAX_ID} characters"
        faults.append(Fault((*loc, "prediction_id"), "invalid_value", what))
    if type(item.get("corrects", False)) is not bool:
        faults.append(Fault((*loc, "corrects"), "invalid_value", "`corrects` is true or false"))
    value = _value(item.get("outcome"), classes)
    if "outcome" in item and item["outcome"] is None and item.get("corrects") is True:
        value = WITHDRAWN
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
