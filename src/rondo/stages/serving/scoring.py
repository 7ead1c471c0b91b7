"""From rows to what the model says of them: the one way for the server, its explanations and whole files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.online import FeatureRows
from rondo.bundle.plan import FeaturePlan, entity_text
from rondo.bundle.request_values import Refused, moment
from rondo.errors import DataError, RondoError, UserCodeError
from rondo.ports.feature_store import OnlineValues
from rondo.stages.serving.asking import Row
from rondo.stages.serving.problems import Fault, Refusal, from_data_error, internal, one_fault, values_refused
from rondo.stages.serving.versions import ServedVersion

log = logging.getLogger("rondo.serving")
T = TypeVar("T")

EVENT_TIME = "event_time"
"""A request may say what moment it is about by this name, whatever the project calls it."""


@dataclass(slots=True)  # not frozen: one is made for every request, and freezing costs twice as much
class Group:
    """The rows of a request that one version answers, and their places in the body (None: it is the row)."""

    version: ServedVersion
    rows: Sequence[Row]
    places: Sequence[int] | None


@dataclass(slots=True)
class Scored:
    """Rows with what the model says of them, not told to anybody yet."""

    group: Group
    made: FeatureRows
    scores: NDArray[np.float64]
    moments: dict[int, datetime]
    unknown: list[bool]  # per row: the store was asked for its entity, and has nothing
    fetch_s: float

    def answers(self) -> list[dict[str, Any]]:
        """What is told of each row, in order."""
        version, bundle, scores = self.group.version, self.group.version.bundle, self.scores
        values, labels = bundle.decide(scores)
        classes, several = bundle.manifest.classes, bundle.several_classes
        words = self.made.categorical.tolist()
        answers: list[dict[str, Any]] = []
        for place, value in enumerate(values):
            answer: dict[str, Any] = {"score": value}
            if classes:
                answer["label"] = labels[place]
                if several:
                    answer["probabilities"] = dict(zip(classes, scores[place].tolist(), strict=True))
            unseen = 0
            for word, known in zip(words[place], version.known, strict=True):
                if word and word not in known:
                    unseen += 1
            if unseen:
                answer["unseen"] = unseen
            if self.unknown[place]:
                answer["entity_known"] = False
            answers.append(answer)
        return answers


@dataclass(slots=True)
class Scorer:
    """Scores rows. Safe to call from several threads: its parts are."""

    online: OnlineValues | None

    def score(self, group: Group, now: datetime) -> Scored:
        """What the version says of the rows; the rows' dicts are not changed, and nothing is logged.

        Raises:
            Refusal: values cannot be used, the store does not answer, or the model gives no number.
        """
        version, plan = group.version, group.version.bundle.plan
        if version.candidates is not None:
            raise one_fault(
                422,
                "ranking",
                f"version {version.version} orders items for an entity; it has no answer to a single row",
                hint=f'Ask POST /predict with {{"{plan.entity}": …}}.',
            )
        rows, moments = own_event_times(group.rows, plan, group.places)
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
        return Scored(group, made, scores, moments, unknown, fetch_s)

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


def of_all(groups: Sequence[Group], score: Callable[[Group], T]) -> list[T]:
    """What scoring gives for each group.

    Raises:
        Refusal: with the faults of all groups.
    """
    ready: list[T] = []
    faults: list[Fault] = []
    for group in groups:
        try:
            ready.append(score(group))
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            faults += refusal.faults
        except Exception as error:
            log.exception("version %s failed", group.version.version)
            raise internal(group.version.version) from error
    if faults:
        raise values_refused(sorted(faults, key=_place))
    return ready


def _place(fault: Fault) -> int:
    """Which row of the body a fault is about."""
    place = fault.loc[1] if len(fault.loc) > 1 else 0
    return place if isinstance(place, int) else 0


def own_event_times(
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
