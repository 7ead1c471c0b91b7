"""From rows to answers, and to the records that the prediction log keeps of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from time import perf_counter
from typing import Any

from rondo.bundle.plan import entity_text
from rondo.ports.prediction_log import PredictionWriter
from rondo.records.prediction import Prediction
from rondo.stages.serving.asking import Asked, Row
from rondo.stages.serving.feedback import Issued
from rondo.stages.serving.ranking import RankedLists, item_id, rank
from rondo.stages.serving.routing import RouteTable
from rondo.stages.serving.scoring import Group, Scored, Scorer, of_all
from rondo.stages.serving.versions import ServedVersion

log = logging.getLogger("rondo.serving")

SHADOW_MARK = "-shadow"
"""Ends the id of a shadow's prediction; what stands before it is the id of the prediction that it mirrors."""


@dataclass(slots=True)
class Answered:
    """What is sent, and what is kept of it. Rows of several versions each say theirs."""

    versions: tuple[str, ...]
    predictions: list[dict[str, Any]]
    at: datetime
    fetch_s: float = 0.0  # time spent on the feature store


@dataclass(slots=True)
class Answerer:
    """Answers rows. Safe to call from several threads: its parts are."""

    boot: str  # makes the prediction ids of this process unique
    scorer: Scorer
    writer: PredictionWriter
    issued: Issued
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

    def _scored(self, group: Group, now: datetime) -> Scored | RankedLists:
        if group.version.candidates is not None:
            return rank(self.scorer.online, group, now)
        return self.scorer.score(group, now)

    def answer_all(self, groups: Sequence[Group], *, now: datetime, started: float) -> Answered:
        """The answers to a request's rows, in their order in the body, each with the version that gave it.

        Raises:
            Refusal: as `answer`, with the faults of all groups; nothing was logged.
        """
        ready = of_all(groups, lambda group: self._scored(group, now))
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

    def _told(
        self,
        scored: Scored | RankedLists,
        now: datetime,
        started: Sequence[float],
        originals: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """The answers, written to the log; with `originals` as a shadow's."""
        if isinstance(scored, RankedLists):
            return self._told_lists(scored, now, started, originals)
        made, version = scored.made, scored.group.version.version
        answers = list[dict[str, Any]]()
        numbers, words = made.numerical.tolist(), made.categorical.tolist()
        told = scored.answers()
        ended = perf_counter()
        for place, answer in enumerate(told):
            event_time = scored.moments.get(place) or made.event_times[place]
            if originals is None:
                number = next(self.numbers)
                original, prediction_id = None, f"{self.boot}{number:08x}"
                self.issued.add(number, event_time)
            else:
                original = originals[place]
                prediction_id = f"{original}{SHADOW_MARK}"
            answers.append({"prediction_id": prediction_id, **answer})
            self.writer.prediction(
                Prediction(
                    prediction_id,
                    now,
                    event_time,
                    version,
                    made.entities[place],
                    answer["score"],
                    answer.get("label", ""),
                    tuple([number if number == number else None for number in numbers[place]]),
                    tuple([word or None for word in words[place]]),
                    (ended - started[place]) * 1e3,
                    originals is not None,
                    answer.get("unseen", 0),
                    original,
                )
            )
        return answers

    def _told_lists(
        self, ranked: RankedLists, now: datetime, started: Sequence[float], originals: Sequence[str] | None
    ) -> list[dict[str, Any]]:
        """The lists, written to the log item by item: an item's prediction id is that of its list and its name."""
        version, ended = ranked.group.version.version, perf_counter()
        answers = []
        for place, shown in enumerate(ranked.lists):
            if originals is None:
                number = next(self.numbers)
                original, list_id = None, f"{self.boot}{number:08x}"
                self.issued.add(number, shown.event_time)
            else:
                original = originals[place]
                list_id = f"{original}{SHADOW_MARK}"
            answers.append({"prediction_id": list_id, **shown.answer()})
            for one in shown.items:
                self.writer.prediction(
                    Prediction(
                        item_id(list_id, one.item),
                        now,
                        shown.event_time,
                        version,
                        shown.entity,
                        one.score,
                        str(one.item),
                        tuple([number if number == number else None for number in one.numerical]),
                        tuple([word or None for word in one.categorical]),
                        (ended - started[place]) * 1e3,
                        originals is not None,
                        0,
                        None if original is None else item_id(original, one.item),
                    )
                )
        return answers


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
