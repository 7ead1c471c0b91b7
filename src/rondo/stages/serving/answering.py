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
from rondo.stages.serving.asking import Row
from rondo.stages.serving.problems import Fault, Refusal, from_data_error, one_fault
from rondo.stages.serving.routing import RouteTable
from rondo.stages.serving.versions import ServedVersion

log = logging.getLogger("rondo.serving")

EVENT_TIME = "event_time"
"""A request may say what moment it is about by this name, whatever the project calls it."""


@dataclass(slots=True)
class Answered:
    """What is sent, and what is kept of it."""

    version: str
    predictions: list[dict[str, Any]]
    fetch_s: float = 0.0  # time spent on the feature store


@dataclass(slots=True)
class Answerer:
    """Answers rows. Safe to call from several threads: its parts are."""

    boot: str  # makes the prediction ids of this process unique
    online: OnlineValues | None
    writer: PredictionWriter
    numbers: Iterator[int] = field(default_factory=count)

    def answer(
        self,
        version: ServedVersion,
        rows: Sequence[Row],
        *,
        single: bool,
        now: datetime,
        started: Sequence[float],
    ) -> Answered:
        """The answers in the order of the rows; each of them is given to the prediction log.

        Args:
            version: who answers.
            rows: values by name; the list's dicts are not changed.
            single: whether the body itself was the row (errors then name no row).
            now: the moment of the call, UTC.
            started: `perf_counter()` when the request of each row came.

        Raises:
            Refusal: values cannot be used, the store does not answer, or the model gives no number.
        """
        plan = version.bundle.plan
        rows, moments = _own_event_times(rows, plan, single=single)
        stored, fetch_s = self._stored(version, rows, now)
        try:
            made = version.features.rows(rows, stored, now)
        except UserCodeError as error:
            log.exception("a feature function failed")
            raise Refusal(500, "a feature function of the project failed", kind="feature-function") from error
        except DataError as error:
            raise from_data_error(error, single=single) from error
        scores = version.bundle.scores(made.numerical, made.categorical)
        if not np.isfinite(scores).all():
            raise Refusal(
                503,
                f"version {version.version} gave an answer that is not a number",
                (Fault((), "model_output_invalid", "The model's answer is not a finite number"),),
                kind="model-output",
            )
        answered = Answered(version.version, [], fetch_s=fetch_s)
        self._tell(version, made, scores, moments, now, started, answered)
        for answer, row, kept in zip(answered.predictions, rows, stored, strict=True):
            if kept is None and plan.entity in row and version.views and not version.stored.issubset(row):
                answer["entity_known"] = False
        return answered

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
            ) from error
        ttl = version.bundle.plan.ttl_s
        oldest = now - timedelta(seconds=ttl) if ttl is not None else None
        for place, values in zip(asked, read, strict=True):
            fresh = values is not None and (oldest is None or values["_event_timestamp"] >= oldest)
            result[place] = values if fresh else None
        return result, perf_counter() - began

    def _tell(
        self,
        version: ServedVersion,
        made: FeatureRows,
        scores: np.ndarray,
        moments: dict[int, datetime],
        now: datetime,
        started: Sequence[float],
        answered: Answered,
    ) -> None:
        """Fills in the answers and writes the log."""
        bundle = version.bundle
        values, labels = bundle.decide(scores)
        classes = bundle.manifest.classes
        numbers, words = made.numerical.tolist(), made.categorical.tolist()
        ended = perf_counter()
        for place, value in enumerate(values):
            prediction_id = f"{self.boot}{next(self.numbers):08x}"
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
            answered.predictions.append(answer)
            self.writer.prediction(
                Prediction(
                    prediction_id,
                    now,
                    moments.get(place) or made.event_times[place],
                    version.version,
                    made.entities[place],
                    value,
                    labels[place],
                    tuple([number if number == number else None for number in numbers[place]]),
                    tuple([word or None for word in words[place]]),
                    (ended - started[place]) * 1e3,
                    unseen=unseen,
                )
            )


def pick(table: RouteTable, rows: Sequence[Row], request_id: str) -> ServedVersion:
    """Who answers: by the entity when the request is about one, else by the request.

    Raises:
        NotAvailable: no version serves.
    """
    if table.only is not None:
        return table.only
    entity = table.leading.bundle.plan.entity if table.leading else None
    keys = {entity_text(row.get(entity)) for row in rows} if entity else set()
    key = keys.pop() if len(keys) == 1 else None
    return table.version_for(key or request_id)


def _own_event_times(
    rows: Sequence[Row], plan: FeaturePlan, *, single: bool
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
                moments[place] = _moment(given, () if single else ("rows", place))
        own.append(row)
    return own, moments


def _moment(given: Any, where: tuple[str | int, ...]) -> datetime:
    try:
        found = moment(given)
    except Refused as refused:
        raise one_fault(422, "invalid_value", str(refused), loc=(*where, EVENT_TIME)) from refused
    return found or datetime.now(UTC)
