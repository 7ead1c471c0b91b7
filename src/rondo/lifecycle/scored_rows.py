"""The rows of a file on their way through a version: each with what is told of it, or with what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import polars as pl

from rondo.errors import DataError, Problem, RondoError, TemporaryPortError
from rondo.lifecycle.answer_cells import added_columns, cells, own_names
from rondo.ports.progress import Progress
from rondo.stages.scoring import ROWS_AT_ONCE, Chunk, Source
from rondo.stages.serving.explaining import explained, explained_lists
from rondo.stages.serving.problems import Fault, Refusal
from rondo.stages.serving.ranking import K, rank
from rondo.stages.serving.scoring import EVENT_TIME, Group, Scorer
from rondo.stages.serving.versions import ServedVersion

OnError = Literal["refuse", "keep"]
SHOWN_BAD_ROWS = 20
SHOWN_NAMES = 10
MOST_STRANGE = 1000
LISTS_AT_ONCE = 32

Row = dict[str, Any]


def asked_of(version: ServedVersion) -> Mapping[str, str | None]:
    """Every name that a row may give, with the type that is asked of it; None where several fit."""
    plan = version.bundle.plan
    moments = {EVENT_TIME: "datetime"} | ({plan.event_time: "datetime"} if plan.event_time else {})
    entity = {plan.entity: plan.entity_type} if plan.entity else {}
    if plan.lists is not None:
        return {**entity, **moments, K: "int"}
    asked: dict[str, str | None] = {
        each.name: "string" if each.name in plan.categorical else "float" for each in plan.stateless
    }
    asked |= {each.name: "float" for each in plan.history}
    return asked | moments | {each.name: each.type for each in plan.inputs} | entity


def names_of(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    hidden = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {hidden} more" if hidden > 0 else "")


@dataclass
class ScoredRows:
    """The chunks of a file on their way through the scorer."""

    source: Source
    version: ServedVersion
    scorer: Scorer
    now: datetime
    explain: bool
    on_error: OnError
    progress: Progress
    rows: int = 0
    wrong: int = 0
    strange: set[str] = field(default_factory=set)  # names of JSON lines that the model does not take
    _bad: list[Problem] = field(default_factory=list)

    @cached_property
    def _asked(self) -> Mapping[str, str | None]:
        return asked_of(self.version)

    @cached_property
    def columns(self) -> Mapping[str, pl.DataType]:
        """What is added to a table."""
        return added_columns(self.version, explain=self.explain, errors=self.on_error == "keep")

    def tables(self) -> Iterator[pl.DataFrame]:
        """The file's tables with the columns that are added."""
        columns = self.columns
        for chunk, answers in self._chunks():
            assert isinstance(chunk.kept, pl.DataFrame)
            told = [cells(answer) for answer in answers]
            added = pl.DataFrame(
                {name: [one.get(name) for rows in told for one in rows] for name in columns},
                schema=columns,
                strict=True,
            )
            places = [place for place, rows in enumerate(told) for _ in rows]
            yield chunk.kept[places].hstack(added)

    def lines(self) -> Iterator[Row]:
        """The file's objects with what is told of them."""
        for chunk, answers in self._chunks():
            assert isinstance(chunk.kept, list)
            for row, answer in zip(chunk.kept, answers, strict=True):
                if len(self.strange) < MOST_STRANGE:
                    self.strange.update(name for name in row if name not in self._asked)
                yield {**row, **answer}

    def _chunks(self) -> Iterator[tuple[Chunk, list[Row]]]:
        """Each chunk with what is told of its rows.

        Raises:
            DataError: some rows cannot be scored, and that stops everything.
        """
        for chunk in self.source.chunks():
            faults = dict(chunk.faults)
            if self.source.schema is None:
                faults = self._own_names(chunk) | faults
            answers = self._answers(chunk, faults)
            self.rows += len(answers)
            self.wrong += len(faults)
            self.progress.step("scoring", chunk.done, max(self.source.size, 1), f"{self.rows:,} rows")
            if faults and self.on_error == "refuse":
                self._remember(chunk, faults)
            if not self._bad:
                yield chunk, answers
        if self._bad:
            raise self._refused(whole=True)

    def _answers(self, chunk: Chunk, faults: dict[int, str]) -> list[Row]:
        places = [place for place in range(len(chunk.rows)) if place not in faults]
        told: dict[int, Row] = {}
        for start in range(0, len(places), self._at_once):
            told |= self._told(chunk.rows, places[start : start + self._at_once], faults)
        empty: Row = {}
        return [
            {"error": faults[place]} if place in faults else told.get(place, empty)
            for place in range(len(chunk.rows))
        ]

    def _told(self, rows: Sequence[Row], places: Sequence[int], faults: dict[int, str]) -> dict[int, Row]:
        """What is told of those rows; what is wrong with some of them is added to `faults`."""
        if not places:
            return {}
        group = Group(self.version, [rows[place] for place in places], range(len(places)))
        try:
            answers = self._said(group)
        except Refusal as refusal:
            return self._told_without(refusal, rows, places, faults)
        for answer in answers:
            answer["version"] = self.version.version
        return dict(zip(places, answers, strict=True))

    def _said(self, group: Group) -> list[Row]:
        if self.version.candidates is not None:
            # A cell without a number asks for as many items as the project file says.
            rows = [
                {name: value for name, value in row.items() if name != K or value is not None}
                for row in group.rows
            ]
            ranked = rank(self.scorer.online, replace(group, rows=rows), self.now)
            return explained_lists(ranked) if self.explain else [shown.answer() for shown in ranked.lists]
        scored = self.scorer.score(group, self.now)
        return explained(scored) if self.explain else scored.answers()

    @property
    def _at_once(self) -> int:
        # Behind each list stand all of its candidates.
        return ROWS_AT_ONCE if self.version.candidates is None else LISTS_AT_ONCE

    def _told_without(
        self, refusal: Refusal, rows: Sequence[Row], places: Sequence[int], faults: dict[int, str]
    ) -> dict[int, Row]:
        """The rest of the rows, without those of which the refusal complains."""
        if refusal.status == 422:
            bad = _by_row(refusal.faults)
            faults |= {places[at]: text for at, text in bad.items()}
            return self._told(rows, [place for at, place in enumerate(places) if at not in bad], faults)
        if refusal.kind == "feature-store":
            raise TemporaryPortError(refusal.detail, mend="Try again.") from refusal
        if len(places) == 1:
            faults[places[0]] = refusal.detail
            return {}
        # One row fails the function or the model, and nobody says which: halves are tried.
        middle = len(places) // 2
        return {
            **self._told(rows, places[:middle], faults),
            **self._told(rows, places[middle:], faults),
        }

    def _own_names(self, chunk: Chunk) -> dict[int, str]:
        """Objects that have a name which their answer needs."""
        assert isinstance(chunk.kept, list)
        taken = own_names(self.version, explain=self.explain)
        found = {}
        for place, row in enumerate(chunk.kept):
            if own := taken.intersection(row):
                found[place] = f"it has names of its own that the answer needs: {names_of(sorted(own))}"
        return found

    def _remember(self, chunk: Chunk, faults: Mapping[int, str]) -> None:
        for place in sorted(faults):
            where = f"{self.source.path.name}, {self.source.unit} {chunk.lines[place]}"
            self._bad.append(Problem(where, faults[place]))
        if len(self._bad) >= SHOWN_BAD_ROWS:
            raise self._refused(whole=False)

    def _refused(self, *, whole: bool) -> RondoError:
        count = f"{len(self._bad):,}" if whole else f"at least {len(self._bad):,}"
        first = self._bad[0]
        mend = "Mend the rows, or keep them with --errors keep."
        problems = [Problem(first.where, first.what, mend=mend), *self._bad[1:]]
        return DataError(
            f"{count} of {self.rows:,} rows read cannot be scored; nothing was written", problems=problems
        )


def _by_row(faults: Sequence[Fault]) -> dict[int, str]:
    """What is wrong with each row, in one text."""
    told: dict[int, list[str]] = {}
    for fault in faults:
        at = fault.loc[1] if len(fault.loc) > 1 and isinstance(fault.loc[1], int) else 0
        name = ".".join(str(part) for part in fault.loc[2:])
        told.setdefault(at, []).append(f"{name}: {fault.msg}" if name else fault.msg)
    return {at: "; ".join(texts) for at, texts in told.items()}
