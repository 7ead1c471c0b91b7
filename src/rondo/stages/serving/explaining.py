"""Why rows are answered as they are: contributions of the features, by the version that would answer them.

An explanation takes milliseconds where an answer takes microseconds, so one is made after the other, in a thread
of its own, and predictions do not wait for them. Nothing of it goes to the prediction log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.bundle import Bundle
from rondo.bundle.explanation import Contributions
from rondo.bundle.golden import TOLERANCE
from rondo.errors import NotAvailable
from rondo.stages.serving.answering import share_out
from rondo.stages.serving.asking import read_predict
from rondo.stages.serving.problems import Fault, Refusal, one_fault
from rondo.stages.serving.ranking import RankedLists, rank
from rondo.stages.serving.routing import RouteTable
from rondo.stages.serving.scoring import Group, Scored, Scorer, of_all
from rondo.stages.serving.versions import ServedVersion

MOST_ROWS = 100
MOST_ITEMS = 1000
MOST_WAITING = 16


@dataclass(slots=True)
class Explanations:
    """Answers `POST /explain`. For the event loop's thread."""

    scorer: Scorer
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0

    async def answer(self, table: RouteTable, body: Any, request_id: str) -> dict[str, Any]:
        """What is sent: an explanation per row of the body, in order.

        Raises:
            Refusal: 413, 422, 429, 501 or 503.
        """
        if not table.ready or table.leading is None:
            again = {"retry-after": "1"}
            raise one_fault(503, "not_ready", "No version is ready to answer", headers=again)
        asked = read_predict(body, table.leading.bundle.plan)
        if len(asked.rows) > MOST_ROWS:
            what = f"{len(asked.rows)} rows; at most {MOST_ROWS} are explained at once"
            raise one_fault(413, "too_many_rows", what, loc=("rows",))
        try:
            groups = share_out(table, asked, request_id)
        except NotAvailable as error:
            raise Refusal(503, str(error), headers={"retry-after": "1"}) from error
        if self._waiting >= MOST_WAITING:
            what = f"{MOST_WAITING} requests wait for their explanations already"
            raise one_fault(429, "overloaded", what, headers={"retry-after": "1"})
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(explain, self.scorer, groups, datetime.now(UTC))
        finally:
            self._waiting -= 1


def explain(scorer: Scorer, groups: Sequence[Group], now: datetime) -> dict[str, Any]:
    """The explanations of a request's rows, in their order in the body.

    Raises:
        Refusal: a version cannot explain, values cannot be used, or a sum is not the score.
    """
    places: dict[int, dict[str, Any]] = {}
    versions = sorted(group.version.version for group in groups)
    for scored in of_all(groups, lambda group: _scored(scorer, group, now)):
        told = explained(scored) if isinstance(scored, Scored) else explained_lists(scored)
        for place, one in zip(scored.group.places or range(len(told)), told, strict=True):
            places[place] = one if len(versions) == 1 else {**one, "version": scored.group.version.version}
    who = {"version": versions[0]} if len(versions) == 1 else {"versions": versions}
    return {**who, "explanations": [places[place] for place in sorted(places)]}


def _scored(scorer: Scorer, group: Group, now: datetime) -> Scored | RankedLists:
    return (
        rank(scorer.online, group, now) if group.version.candidates is not None else scorer.score(group, now)
    )


def explained(scored: Scored) -> list[dict[str, Any]]:
    """Per row the answer, and contributions that add up to it.

    Raises:
        Refusal: the version gives no contributions, or they do not add up.
    """
    parts = _explained(scored.group.version, scored.made.numerical, scored.made.categorical, scored.scores)
    return [{**answer, **part} for answer, part in zip(scored.answers(), parts, strict=True)]


def explained_lists(ranked: RankedLists) -> list[dict[str, Any]]:
    """Per list the answer, each of its items with contributions that add up to its score.

    Raises:
        Refusal: as `explained`, or there are too many items.
    """
    items = [one for shown in ranked.lists for one in shown.items]
    if len(items) > MOST_ITEMS:
        what = f"{len(items)} items; at most {MOST_ITEMS} are explained at once"
        raise one_fault(
            413, "too_many_items", what, hint="Ask for fewer rows, or for shorter lists with `k`."
        )
    version = ranked.group.version
    plan = version.bundle.plan
    numbers = np.array([one.numerical for one in items], dtype=np.float32)
    words = np.empty((len(items), len(plan.categorical)), dtype=object)
    for place, one in enumerate(items):
        words[place, :] = one.categorical
    scores = np.array([one.score for one in items], dtype=np.float64)
    parts = iter(
        _explained(version, numbers.reshape(len(items), len(plan.numerical)), words, scores) if items else ()
    )
    told = []
    for shown in ranked.lists:
        answer = shown.answer()
        answer["items"] = [{**item, **next(parts)} for item in answer["items"]]
        told.append(answer)
    return told


def _explained(
    served: ServedVersion,
    numbers: NDArray[np.float32],
    words: NDArray[np.object_],
    scores: NDArray[np.float64],
) -> list[dict[str, Any]]:
    version, bundle = served.version, served.bundle
    if bundle.explainer is None:
        what = f"Version {version} does not explain its answers: {bundle.why_unexplained}"
        hint = "Train a linear model, or trees that are summed (LightGBM, forests, gradient boosting)."
        raise Refusal(
            501, what, (Fault((), "no_explanation", what, hint),), kind="no-explanation", version=version
        )
    found = bundle.explain(numbers, words)
    if (found.gaps(scores) > max(TOLERANCE, bundle.explainer.record.tolerance)).any():
        what = f"The contributions of version {version} do not add up to its answer"
        raise Refusal(
            503, what, (Fault((), "explanation_invalid", what),), kind="explanation", version=version
        )
    return _parts(bundle, found)


def _parts(bundle: Bundle, found: Contributions) -> list[dict[str, Any]]:
    """Scale, base and contributions of each row; by class where there are more than two."""
    assert bundle.explainer is not None
    names, classes = bundle.plan.features, bundle.manifest.classes
    scale = bundle.explainer.record.scale(classification=bool(classes))
    base, values = found.base.tolist(), found.values.tolist()
    if len(base) == 1:
        return [
            {"scale": scale, "base": base[0], "contributions": dict(zip(names, row[0], strict=True))}
            for row in values
        ]
    return [
        {
            "scale": scale,
            "base": dict(zip(classes, base, strict=True)),
            "contributions": {
                name: dict(zip(names, parts, strict=True)) for name, parts in zip(classes, row, strict=True)
            },
        }
        for row in values
    ]
