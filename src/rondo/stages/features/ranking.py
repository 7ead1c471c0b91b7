"""Examples of a ranking, and what the store keeps for it.

An example is an item for an entity at a moment: a candidate (see bundle/candidates.py), or an item that was wanted
though nobody proposed it. Its target is 1 where a row with the label's event has both within the label's window.
Entities that wanted nothing then order nothing, and are no examples; those that were not known before are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from rondo.bundle.batch import MOMENT, history_values, pair_key
from rondo.bundle.candidates import LIST, CandidateLists, list_texts, popular_text
from rondo.bundle.plan import EVERYBODY, FeaturePlan, Per
from rondo.bundle.windows import micros
from rondo.contract.problem import Problem
from rondo.contract.project import Project
from rondo.errors import ContractError, DataError
from rondo.records.features import PROPOSED
from rondo.stages.features.examples import (
    Examples,
    active_entities,
    borders,
    condition,
    labelled_moments,
    moment_of_now,
    usable,
)

_TIMES = ("event_timestamp", "created_timestamp")


@dataclass(frozen=True)
class _Wanted:
    """The rows that count as wanting: entity, item and moment."""

    rows: pl.DataFrame
    entity: str
    item: str
    event_time: str

    def between(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Which entity wanted which item in [start, end), each once."""
        at = pl.col(self.event_time)
        found = self.rows.filter((at >= start) & (at < end))
        return found.select(self.entity, self.item).unique().sort(self.entity, self.item)


def make_list_examples(project: Project, plan: FeaturePlan, table: pl.DataFrame) -> Examples:
    """The examples of a processed table, by moment and entity, candidates in their own order.

    Raises:
        ContractError: the project does not say what is ranked, or from which moments.
        DataError: nothing is left to learn from.
    """
    problem, snapshots = project.ml_problem, project.data.snapshots
    table, notes = usable(problem, table)
    if snapshots is None or problem.label is None:
        raise ContractError(
            "a ranking needs moments to look from, and what is wanted after them",
            where="ml_problem",
            mend="Add ml_problem.label and data.snapshots",
        )
    if table.is_empty():
        raise DataError("there are no rows to take snapshots of", where="data.snapshots")
    wanted = _wanted(problem, table)
    lists = CandidateLists(plan, table)
    first, last = borders(table, wanted.event_time)
    moments = labelled_moments(project, snapshots, problem.label, first, last)
    asked = None
    if snapshots.active_within is not None:
        asked = active_entities(problem, table, snapshots, moments)
    parts = []
    for moment in moments:
        later = wanted.between(moment + problem.label.ahead, moment + problem.label.reach)
        if asked is not None:
            here = asked.filter(pl.col(wanted.event_time) == moment)
            later = later.join(here, on=wanted.entity, how="semi", maintain_order="left")
        parts.append(_examples_at(lists, wanted, moment, later, problem.target))
    rows = pl.concat(parts)
    if not rows[PROPOSED].any():
        raise DataError(
            "no candidate is left",
            where="ml_problem.candidates",
            mend="Take more history, or longer windows for the candidates",
        )
    as_of = moment_of_now(snapshots, last)
    everyone = table.select(wanted.entity).unique().sort(wanted.entity)
    everyone = everyone.with_columns(pl.lit(as_of, dtype=MOMENT).alias(wanted.event_time))
    return Examples(rows, table, everyone, as_of, (*notes, _told(rows, problem)))


def _wanted(problem: Problem, table: pl.DataFrame) -> _Wanted:
    assert problem.label is not None
    assert problem.entity is not None
    assert problem.item is not None
    assert problem.event_time is not None
    happened = condition(problem.label.event, table, "ml_problem.label.event")
    rows = table.filter(happened).select(problem.entity, problem.item, problem.event_time)
    return _Wanted(rows, problem.entity, problem.item, problem.event_time)


def _examples_at(
    lists: CandidateLists, wanted: _Wanted, moment: datetime, later: pl.DataFrame, target: str
) -> pl.DataFrame:
    proposed = lists.propose(_micros(moment), later[wanted.entity])
    proposed = proposed.with_columns(pl.lit(value=True).alias(PROPOSED)).with_row_index("_place")
    both = proposed.join(
        later.with_columns(pl.lit(1, dtype=pl.Int8).alias(target)),
        on=[wanted.entity, wanted.item],
        how="full",
        coalesce=True,
    )
    return both.sort(wanted.entity, "_place", wanted.item, nulls_last=True).select(
        wanted.entity,
        wanted.item,
        pl.lit(moment, dtype=MOMENT).alias(wanted.event_time),
        pl.col(target).fill_null(0),
        pl.col(PROPOSED).fill_null(value=False),
        *(name for name in proposed.columns[3:] if name != PROPOSED),
    )


def _told(rows: pl.DataFrame, problem: Problem) -> str:
    bought = rows.filter(pl.col(problem.target) == 1)
    groups = rows.select(problem.entity, problem.event_time).n_unique()
    share = float(bought[PROPOSED].sum()) / max(bought.height, 1)
    return (
        f"{groups:,} lists of {rows[PROPOSED].sum():,} candidates, which hold "
        f"{share:.1%} of {bought.height:,} wanted items"
    )


def _micros(moment: datetime) -> int:
    return int(micros(pl.Series([moment], dtype=MOMENT))[0])


# What the store keeps


def list_sources(plan: FeaturePlan, examples: Examples, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Per key column of the views: every example's values and those of now, as the store takes them."""
    assert examples.as_of is not None
    now = level_rows(plan, examples.events, examples.events, examples.as_of)
    at = pl.col(str(plan.event_time))
    times = [at.alias(name) for name in _TIMES]
    told = rows.with_columns(times)
    sources = {}
    for key, frame in now.items():
        parts = [frame]
        if key != EVERYBODY:
            before = _of_level(plan, key, told.with_columns(pl.lit(None, dtype=pl.String).alias(LIST)))
            parts.insert(0, before.select(frame.columns))
        sources[key] = pl.concat(parts, how="vertical")
    return sources


def level_rows(
    plan: FeaturePlan, events: pl.DataFrame, asked: pl.DataFrame, at: datetime
) -> dict[str, pl.DataFrame]:
    """Per key column of the views: the values at a moment, of everything that `asked` has a row of.

    Args:
        plan: its views say which fields.
        events: what history and candidates are made from; rows at or after the moment count for nobody.
        asked: rows with entity and item.
        at: the moment.
    """
    moment = pl.lit(at, dtype=MOMENT)
    lists = CandidateLists(plan, events)
    found = {}
    for key in plan.view_keys:
        if key == EVERYBODY:
            text = popular_text(lists.popular(_micros(at)), str(plan.item))
            frame = pl.DataFrame({EVERYBODY: [EVERYBODY], LIST: [text]})
        else:
            names = {plan.entity: [plan.entity], plan.item: [plan.item]}.get(key, [plan.entity, plan.item])
            spine = asked.select([str(name) for name in names]).unique().sort([str(name) for name in names])
            spine = spine.with_columns(moment.alias(str(plan.event_time)))
            level = _history_of(plan, _per(plan, key))
            frame = spine.hstack(history_values(level, events, spine).get_columns())
            if key == plan.entity:
                texts = list_texts(lists.lists(_micros(at), spine[key]), str(plan.entity), str(plan.item))
                frame = frame.join(texts, on=key, how="left", maintain_order="left")
        times = [moment.alias(name) for name in _TIMES]
        found[key] = _of_level(plan, key, frame.with_columns(times))
    return found


def _per(plan: FeaturePlan, key: str) -> Per:
    return "entity" if key == plan.entity else "item" if key == plan.item else "pair"


def _history_of(plan: FeaturePlan, per: Per) -> FeaturePlan:
    return replace(plan, history=tuple(each for each in plan.history if each.per == per))


def _of_level(plan: FeaturePlan, key: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Key, times and the fields of the key's views, each key and moment once; pairs without a history left out."""
    fields = list(dict.fromkeys(name for names in plan.of_key(key).views.values() for name in names))
    if key == plan.pair:
        defaults = {each.name: each.default for each in plan.history}
        # A pair that the store does not know has the defaults: only what differs from them is kept.
        told = [pl.col(name).ne_missing(pl.lit(defaults[name], dtype=pl.Float64)) for name in fields]
        rows = rows.with_columns(pair_key(plan)).filter(pl.any_horizontal(told))
    return rows.select(key, *_TIMES, *fields).unique([key, "event_timestamp"], maintain_order=True)
