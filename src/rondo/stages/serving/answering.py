"""From rows to answers, and to the records that the prediction log keeps of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from time import perf_counter
from typing import Any

import numpy as np

from rondo.bundle.online import FeatureRows
from rondo.bundle.plan import FeaturePlan, entity_text
from rondo.bundle.request_values import Refused, moment
from rondo.errors import DataError, RondoError, UserCodeError
from rondo.ports.feature_store import OnlineValues
from rondo.ports.prediction_log import PredictionWriter
from rondo.records.prediction import Prediction
from rondo.stages.serving.asking import Asked, Row
from rondo.stages.serving.problems import (
    Fault,
    Refusal,
    from_data_error,
    internal,
    one_fault,
    values_refused,
)
from rondo.stages.serving.routing import RouteTable
from rondo.stages.serving.versions import ServedVersion

log = logging.getLogger("rondo.serving")

SHADOW_MARK = "-shadow"
"""Ends the id of a shadow's prediction; what stands before it is the id of the prediction that it mirrors."""
EVENT_TIME = "event_time"
"""A request may say what moment it is about by this name, whatever the project calls it."""


@dataclass(slots=True)
class Answered:
    """What is sent, and what is kept of it. Rows of several versions each say theirs."""

    versions: tuple[str, ...]
    predictions: list[dict[str, Any]]
    at: datetime
    fetch_s: float = 0.0  # time spent on the feature store


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of a request that one version answers, and their places in the body (None: it is the row)."""

    version: ServedVersion
    rows: Sequence[Row]
    places: Sequence[int] | None


@dataclass(slots=True)
class _Scored:
    """Rows with what the model says of them, not told to anybody yet."""

    group: Group
    made: FeatureRows
    scores: np.ndarray
    moments: dict[int, datetime]
    unknown: list[bool]  # per row: the store was asked for its entity, and has nothing
    fetch_s: float


@dataclass(slots=True)
class Answerer:
    """Answers rows. Safe to call from several threads: its parts are."""

    boot: str  # makes the prediction ids of this process unique
    online: OnlineValues | None
    writer: PredictionWriter
    numbers: Iterator[int] = field(default_factory=count)

    def answer(self, group: Group, *, now: datetime, started: Sequence[float]) -> Answered:
        """The answers in the order of the rows; each of them is given to the prediction log.

        Args:
            group: who answers which rows; the rows' dicts are not changed.
            now: the moment of the call, UTC.
            started: `perf_counter()` when the request of each row came.

        Raises:
            Refusal: values cannot be used, the store does not answer, or the model gives no number.
        """
        scored = self._scored(group, now)
        return Answered(
            (group.version.version,), self._told(scored, now, started), now, fetch_s=scored.fetch_s
        )

    def answer_all(self, groups: Sequence[Group], *, now: datetime, started: float) -> Answered:
        """The answers to a request's rows, in their order in the body, each with the version that gave it.

        Raises:
            Refusal: as `answer`, with the faults of all groups; nothing was logged.
        """
        ready: list[_Scored] = []
        faults: list[Fault] = []
        for group in groups:
            try:
                ready.append(self._scored(group, now))
            except Refusal as refusal:
                if refusal.status != 422:
                    raise
                faults += refusal.faults
            except Exception as error:
                log.exception("version %s failed", group.version.version)
                raise internal(group.version.version) from error
        if faults:
            raise values_refused(sorted(faults, key=_place))
        places: dict[int, dict[str, Any]] = {}
        for scored in ready:
            version, rows = scored.group.version.version, scored.group.places or ()
            for place, answer in zip(rows, self._told(scored, now, [started] * len(rows)), strict=True):
                places[place] = {**answer, "version": version}
        return Answered(
            tuple(sorted(group.version.version for group in groups)),
            [places[place] for place in range(len(places))],
            now,
            sum(scored.fetch_s for scored in ready),
        )

    def mirror(
        self, version: ServedVersion, rows: Sequence[Row], originals: Sequence[str], now: datetime
    ) -> None:
        """Lets a shadow answer rows that were answered before; its answers go to the prediction log alone.

        Args:
            version: the shadow.
            rows: values by name.
            originals: the id of the prediction that the client got, per row.
            now: the moment of the originals' answer.

        Raises:
            Refusal: as `answer`; nothing was logged.
        """
        began = perf_counter()
        scored = self._scored(Group(version, rows, range(len(rows))), now)
        self._told(scored, now, [began] * len(rows), originals)

    def _scored(self, group: Group, now: datetime) -> _Scored:
        version, plan = group.version, group.version.bundle.plan
        rows, moments = _own_event_times(group.rows, plan, group.places)
        stored, fetch_s = self._stored(version, rows, now)
        try:
            made = version.features.rows(rows, stored, now)
        except UserCodeError as error:
            log.exception("a feature function failed")
            what = "a feature function of the project failed"
            raise Refusal(
                500,
                what,
                (Fault((), "feature_function_failed", what),),
                kind="feature-function",
                version=version.version,
            ) from error
        except DataError as error:
            raise from_data_error(error, places=group.places) from error
        scores = version.bundle.scores(made.numerical, made.categorical)
        if len(scores) != len(rows) or not np.isfinite(scores).all():
            raise Refusal(
                503,
                f"version {version.version} gave an answer that is not a number",
                (Fault((), "model_output_invalid", "The model's answer is not a finite number"),),
                kind="model-output",
                version=version.version,
            )
        unknown = [
            kept is None and bool(version.views) and plan.entity in row and not version.stored.issubset(row)
            for row, kept in zip(rows, stored, strict=True)
        ]
        return _Scored(group, made, scores, moments, unknown, fetch_s)

    def _stored(
        self, version: ServedVersion, rows: Sequence[Row], now: datetime
    ) -> tuple[Sequence[dict[str, Any] | None], float]:
        """What the store keeps for each row's entity, and the seconds it took.

        None where the store was not asked, does not know the entity, or knows only values that are too old.
        """
        entity, result = version.bundle.plan.entity, list[dict[str, Any] | None]([None] * len(rows))
        if self.online is None or entity is None or not version.views:
            return result, 0.0
        asked = [
            place
            for place, row in enumerate(rows)
            if entity_text(row.get(entity)) is not None and not version.stored.issubset(row)
        ]
        if not asked:
            return result, 0.0
        began = perf_counter()
        try:
            read = self.online.read(version.views, [rows[place][entity] for place in asked])
        except (RondoError, OSError) as error:
            raise Refusal(
                503,
                "the feature store does not answer",
                (Fault((), "feature_store_unavailable", "The values of the entity cannot be read now"),),
                kind="feature-store",
                headers={"retry-after": "1"},
                version=version.version,
            ) from error
        ttl = version.bundle.plan.ttl_s
        oldest = now - timedelta(seconds=ttl) if ttl is not None else None
        for place, values in zip(asked, read, strict=True):
            fresh = values is not None and (oldest is None or values["_event_timestamp"] >= oldest)
            result[place] = values if fresh else None
        return result, perf_counter() - began

    def _told(
        self,
        scored: _Scored,
        now: datetime,
        started: Sequence[float],
        originals: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """The answers, written to the log; with `originals` as a shadow's."""
        version, made, scores = scored.group.version, scored.made, scored.scores
        bundle, answers = version.bundle, list[dict[str, Any]]()
        values, labels = bundle.decide(scores)
        classes = bundle.manifest.classes
        numbers, words = made.numerical.tolist(), made.categorical.tolist()
        ended = perf_counter()
        for place, value in enumerate(values):
            if originals is None:
                original, prediction_id = None, f"{self.boot}{next(self.numbers):08x}"
            else:
                original = originals[place]
                prediction_id = f"{original}{SHADOW_MARK}"
            answer: dict[str, Any] = {"prediction_id": prediction_id, "score": value}
            if classes:
                answer["label"] = labels[place]
                if bundle.several_classes:
                    answer["probabilities"] = dict(zip(classes, scores[place].tolist(), strict=True))
            unseen = 0
            for word, known in zip(words[place], version.known, strict=True):
                if word and word not in known:
                    unseen += 1
            if unseen:
                answer["unseen"] = unseen
            if scored.unknown[place]:
                answer["entity_known"] = False
            answers.append(answer)
            self.writer.prediction(
                Prediction(
                    prediction_id,
                    now,
                    scored.moments.get(place) or made.event_times[place],
                    version.version,
                    made.entities[place],
                    value,
                    labels[place],
                    tuple([number if number == number else None for number in numbers[place]]),
                    tuple([word or None for word in words[place]]),
                    (ended - started[place]) * 1e3,
                    originals is not None,
                    unseen,
                    original,
                )
            )
        return answers


def _place(fault: Fault) -> int:
    """Which row of the body a fault is about."""
    place = fault.loc[1] if len(fault.loc) > 1 else 0
    return place if isinstance(place, int) else 0


def share_out(table: RouteTable, asked: Asked, request_id: str) -> tuple[Group, ...]:
    """Who answers which rows: each row goes to the version of its own entity, and where it names none to the
    version of the request.

    Raises:
        NotAvailable: no version serves.
    """
    rows = asked.rows
    places = None if asked.single else range(len(rows))
    if table.only is not None:
        return (Group(table.only, rows, places),)
    entity = table.leading.bundle.plan.entity if table.leading else None
    chosen: dict[str, tuple[ServedVersion, list[int]]] = {}
    for place, row in enumerate(rows):
        key = entity_text(row.get(entity)) if entity else None
        version = table.version_for(key or request_id)
        chosen.setdefault(version.version, (version, []))[1].append(place)
    if len(chosen) == 1:
        ((version, _),) = chosen.values()
        return (Group(version, rows, places),)
    return tuple(Group(version, [rows[place] for place in own], own) for version, own in chosen.values())


def _own_event_times(
    rows: Sequence[Row], plan: FeaturePlan, places: Sequence[int] | None
) -> tuple[Sequence[Row], dict[int, datetime]]:
    """The rows with `event_time` under the plan's name, and the times of those where the plan has none."""
    if plan.event_time == EVENT_TIME or not any(EVENT_TIME in row for row in rows):
        return rows, {}
    if any(each.name == EVENT_TIME for each in plan.inputs):
        return rows, {}
    own: list[Row] = []
    moments: dict[int, datetime] = {}
    for place, row in enumerate(rows):
        if EVENT_TIME in row:
            row = dict(row)
            given = row.pop(EVENT_TIME)
            if plan.event_time is not None:
                row.setdefault(plan.event_time, given)
            else:
                moments[place] = _moment(given, () if places is None else ("rows", places[place]))
        own.append(row)
    return own, moments


def _moment(given: Any, where: tuple[str | int, ...]) -> datetime:
    try:
        found = moment(given)
    except Refused as refused:
        raise one_fault(422, "invalid_value", str(refused), loc=(*where, EVENT_TIME)) from refused
    return found or datetime.now(UTC)
