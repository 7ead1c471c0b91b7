"""From the definitions of the project file to the feature plan. Pure, but for reading the user's Python files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal

import polars as pl

from rondo.bundle.batch import INPUT_TYPES, expression
from rondo.bundle.candidates import INPUTS, LIST
from rondo.bundle.plan import (
    EVERYBODY,
    FeaturePlan,
    HistoryFeature,
    InputType,
    ListPlan,
    PlanInput,
    StatelessFeature,
)
from rondo.contract.features import Definition
from rondo.contract.project import Project
from rondo.errors import ContractError, Problem, nearest
from rondo.records.dataset import Column
from rondo.stages.features.expressions import columns_of, type_of
from rondo.stages.features.python_files import checked_function

OWN_COLUMNS = ("_data_version", "_processed_at")
RESERVED = ("event_timestamp", "created_timestamp", "_event_timestamp")
_INPUT_TYPES: dict[str, InputType] = {
    "string": "string", "int": "int", "float": "float", "bool": "bool", "date": "datetime", "datetime": "datetime",
}  # fmt: skip


def compile_plan(project: Project, columns: Sequence[Column], root: Path) -> FeaturePlan:
    """The plan of the project's features over a table with these columns.

    Args:
        project: its sections `ml_problem`, `data.snapshots` and `features` are read.
        columns: of the processed table.
        root: the project's folder, where the files of Python features lie.

    Raises:
        ContractError: every problem of the definitions, together.
    """
    return _Compiler(project, columns, root).plan()


class _Compiler:
    """One compilation; collects problems instead of stopping at the first."""

    def __init__(self, project: Project, columns: Sequence[Column], root: Path) -> None:
        self._features = project.features
        self._problem = project.ml_problem
        self._root = root
        self._problems: list[Problem] = []
        held = {self._problem.target, self._problem.entity, *OWN_COLUMNS}
        self._table = {each.name: INPUT_TYPES[_INPUT_TYPES[each.type]] for each in columns}
        self._types = {each.name: _INPUT_TYPES[each.type] for each in columns}
        self._raw = {name: dtype for name, dtype in self._table.items() if name not in held}
        if self._ranks:
            self._no_row_of_their_own()
        self._definitions = self._named_definitions()
        self._schema = dict(self._raw)  # grows with every feature whose type is known
        self._python_files: dict[str, str] = {}

    @property
    def _ranks(self) -> bool:
        return self._problem.type == "ranking"

    def _no_row_of_their_own(self) -> None:
        """A candidate is no row of the data: what a feature can read is the moment, and how it was proposed."""
        moment = self._problem.event_time
        self._raw = {name: dtype for name, dtype in self._raw.items() if name == moment}
        self._raw |= {each.name: pl.Float64() for each in INPUTS.values()}
        self._types |= {each.name: each.type for each in INPUTS.values()}

    def plan(self) -> FeaturePlan:
        self._check_names()
        needs = {name: self._needs(name, each) for name, each in self._definitions.items()}
        self._stop_at_problems()
        history: dict[str, HistoryFeature] = {}
        stateless: dict[str, StatelessFeature] = {}
        for name in self._in_order(needs):
            try:
                if self._definitions[name].kind == "rolling":
                    history[name] = self._history(name)
                    self._schema[name] = pl.Float64()
                else:
                    stateless[name] = self._stateless(name, needs[name])
            except ContractError as error:
                self._problems += error.problems
                self._schema.setdefault(name, pl.Float64())
        self._stop_at_problems()
        numerical, categorical = self._model_features()
        self._stop_at_problems()
        kept = _reach((*numerical, *categorical, *self._in_views()), needs)
        inputs = self._inputs(kept, needs)
        views = self._views([name for name in self._definitions if name in kept], inputs)
        return FeaturePlan(
            entity=self._problem.entity,
            event_time=self._problem.event_time,
            inputs=tuple(PlanInput(name, self._types[name]) for name in inputs),
            history=tuple(each for name, each in history.items() if name in kept),
            stateless=tuple(each for name, each in stateless.items() if name in kept),
            numerical=numerical,
            categorical=categorical,
            views=views,
            ttl_s=self._features.store.ttl.total_seconds() if self._features.store.ttl else None,
            python_files=dict(sorted(self._python_files.items())),
            entity_type=self._key_type(self._problem.entity),
            item=self._problem.item if self._ranks else None,
            item_type=self._key_type(self._problem.item) if self._ranks else None,
            lists=self._lists() if self._ranks else None,
            keys={view: key for view, key in self._keys().items() if view in views},
        )

    # Names

    def _named_definitions(self) -> dict[str, Definition]:
        """The definitions, and a `column` feature for every column that is named or meant without one."""
        named = dict(self._features.definitions)
        numerical = self._features.numerical.columns
        asked = [*self._features.categorical.columns, *(() if numerical == "auto" else numerical)]
        asked += self._in_views()
        if not self._features.definitions and numerical == "auto":
            moments = {name for name, dtype in self._raw.items() if dtype.is_temporal()}
            asked += [name for name in self._raw if name not in moments]
        for name in asked:
            if name in self._raw:
                named.setdefault(name, Definition(column=name))
        return named

    def _in_views(self) -> list[str]:
        return [name for fields in self._features.store.views.values() for name in fields]

    def _check_names(self) -> None:
        for name, definition in self._definitions.items():
            where = f"features.definitions.{name}"
            if name in RESERVED or name in OWN_COLUMNS:
                self._wrong(where, f"{name!r} is a name of the feature store's own")
            elif name in (self._problem.target, self._problem.entity, self._problem.event_time):
                self._wrong(where, f"{name!r} is the target, the entity or the event time, not a feature")
            elif name in self._raw and definition.column != name:
                self._wrong(where, f"{name!r} is a column of the data; one name cannot mean two things")
        known = {*self._definitions, *self._raw}
        for key, names in (
            ("features.categorical.columns", self._features.categorical.columns),
            ("features.numerical.columns", self._features.numerical.columns),
            *(
                (f"features.store.views.{view}", fields)
                for view, fields in self._features.store.views.items()
            ),
        ):
            for name in names if names != "auto" else ():
                if name == self._problem.target:
                    self._wrong(key, f"{name!r} is the target, it cannot be a feature")
                elif name not in known:
                    self._wrong(key, f"no feature or column is named {name!r}", mend=nearest(name, known))
        if self._features.store.views and self._problem.entity is None:
            self._wrong("features.store.views", "the views of a feature store need ml_problem.entity")
        for role in ("entity", "event_time", "item"):
            name = getattr(self._problem, role)
            if name is None and self._ranks:
                self._wrong(f"ml_problem.{role}", f"a ranking needs ml_problem.{role}")
            if name is not None and name not in self._table:
                self._wrong(
                    f"ml_problem.{role}", f"no column is named {name!r}", mend=nearest(name, self._table)
                )
        if self._problem.event_time is not None and not self._is_moment(self._problem.event_time):
            self._wrong("ml_problem.event_time", f"{self._problem.event_time!r} is not a date or datetime")

    def _is_moment(self, name: str) -> bool:
        return name not in self._table or self._table[name].is_temporal()

    # What a feature reads

    def _needs(self, name: str, definition: Definition) -> tuple[str, ...]:
        """The columns and features that a definition reads (of earlier rows, where it is rolling: none)."""
        where = f"features.definitions.{name}"
        needs: tuple[str, ...]
        try:
            match definition.kind:
                case "rolling":
                    return ()
                case "time":
                    needs = (definition.of or self._event_time(where),)
                case "ratio":
                    assert definition.ratio is not None
                    needs = definition.ratio
                case "expr":
                    assert definition.expr is not None
                    needs = columns_of(definition.expr, where=where)
                case "python":
                    needs = definition.inputs or tuple(
                        each for each in self._raw if each != self._problem.event_time
                    )
                case "candidate":
                    assert definition.candidate is not None
                    needs = (INPUTS[definition.candidate].name,)  # known in a ranking alone
                case _:
                    assert definition.column is not None
                    needs = (definition.column,)
        except ContractError as error:
            self._problems += error.problems
            return ()
        for each in needs:
            self._check_read(where, each)
        return tuple(dict.fromkeys(needs)) if definition.kind != "ratio" else needs

    def _event_time(self, where: str) -> str:
        if self._problem.event_time is None:
            raise ContractError("a time feature needs ml_problem.event_time, or `of`", where=where)
        return self._problem.event_time

    def _check_read(self, where: str, name: str) -> None:
        known = {*self._definitions, *self._raw}
        if name == self._problem.target:
            self._wrong(
                where, f"it reads the target {name!r}", rule="What is to be predicted is not known yet"
            )
        elif name not in known:
            self._wrong(where, f"no column or feature is named {name!r}", mend=nearest(name, known))

    def _in_order(self, needs: dict[str, tuple[str, ...]]) -> list[str]:
        graph = {
            name: [each for each in reads if each in self._definitions and each != name]
            for name, reads in needs.items()
        }
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            cycle = [str(name) for name in reversed(error.args[1])]
            raise ContractError(
                f"features are made from each other in a circle: {' -> '.join(cycle)}",
                where=f"features.definitions.{cycle[0]}",
                mend="Let one of them be made from columns",
            ) from error

    # The two kinds

    def _history(self, name: str) -> HistoryFeature:
        definition = self._definitions[name]
        where = f"features.definitions.{name}"
        if self._problem.entity is None or self._problem.event_time is None:
            raise ContractError(
                "a rolling feature needs ml_problem.entity and ml_problem.event_time", where=where
            )
        if definition.per != "entity" and not self._ranks:
            raise ContractError(f"only a ranking has features per {definition.per}", where=where)
        assert definition.rolling is not None
        assert definition.window is not None
        of = definition.of
        # A row's own expression may be aggregated by its name: sum of `revenue`, itself price times quantity.
        if of is not None and of not in self._table and of in self._definitions:
            of = self._definitions[of].expr or self._definitions[of].column or of
        if of is not None:
            dtype = type_of(of, self._table, where=f"{where}.of")
            if definition.rolling in {"sum", "mean", "min", "max", "std"} and not _is_number(dtype):
                raise ContractError(
                    f"{definition.rolling} needs numbers, {of!r} is {dtype}", where=f"{where}.of"
                )
        if definition.where is not None:
            condition = type_of(definition.where, self._table, where=f"{where}.where")
            if condition != pl.Boolean:
                raise ContractError(
                    f"{definition.where!r} is no condition but {condition}", where=f"{where}.where"
                )
        default = definition.default
        if default is None and definition.rolling in {"sum", "count"}:
            default = 0.0
        window_s = definition.window.total_seconds()
        lag_s = definition.lag.total_seconds() if definition.lag is not None else 0.0
        return HistoryFeature(
            name, definition.rolling, of, window_s, definition.where, default, lag_s, definition.per
        )

    def _stateless(self, name: str, inputs: tuple[str, ...]) -> StatelessFeature:
        definition = self._definitions[name]
        where = f"features.definitions.{name}"
        match definition.kind:
            case "time":
                assert definition.time is not None
                if not self._schema[inputs[0]].is_temporal():
                    raise ContractError(
                        f"{inputs[0]!r} is {self._schema[inputs[0]]}, not a moment", where=where
                    )
                feature = StatelessFeature(name, "time", inputs, part=definition.time)
            case "ratio":
                for each in inputs:
                    if not _is_number(self._schema[each]):
                        raise ContractError(f"{each!r} is {self._schema[each]}, not a number", where=where)
                feature = StatelessFeature(name, "ratio", inputs, zero=definition.zero)
            case "candidate":
                self._schema[name] = pl.Float64()
                zero = f'COALESCE("{inputs[0]}", 0.0)'
                return StatelessFeature(name, "expr", inputs, expression=zero)
            case "expr":
                assert definition.expr is not None
                self._schema[name] = type_of(definition.expr, self._schema, where=where)
                return StatelessFeature(name, "expr", inputs, expression=definition.expr)
            case "python":
                assert definition.python is not None
                file, sha256 = checked_function(self._root, definition.python, where=where)
                self._python_files[file] = sha256
                text = name in self._features.categorical.columns
                self._schema[name] = pl.String() if text else pl.Float64()
                return StatelessFeature(name, "python", inputs, function=definition.python)
            case _:
                feature = StatelessFeature(name, "column", inputs)
        empty = pl.DataFrame(schema=self._schema).lazy()
        self._schema[name] = empty.select(expression(feature).alias(name)).collect_schema()[name]
        return feature

    # Which of them the model takes

    def _model_features(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        categorical = list(dict.fromkeys(self._features.categorical.columns))
        asked = self._features.numerical.columns
        only_kept = (
            set(self._in_views()) - set(self._features.definitions) if self._features.definitions else set()
        )
        numerical = []
        for name in self._definitions if asked == "auto" else asked:
            if name in categorical or (asked == "auto" and name in only_kept):
                continue
            dtype = self._schema[name]
            if dtype == pl.String and asked == "auto":
                categorical.append(name)
            elif _is_number(dtype):
                numerical.append(name)
            else:
                mend = "Use time:, expr: or features.categorical.columns"
                self._wrong(f"features.definitions.{name}", f"it is {dtype}, not a number", mend=mend)
        if not numerical and not categorical:
            self._wrong("features", "there is no feature at all", rule="A model needs at least one")
        return tuple(numerical), tuple(categorical)

    def _inputs(self, kept: set[str], needs: dict[str, tuple[str, ...]]) -> list[str]:
        read = {
            each
            for name in kept
            for each in needs[name]
            if each not in self._definitions or self._definitions[each].column == each
        }
        return [name for name in self._raw if name in read and name != self._problem.event_time]

    # The store

    def _key_type(self, name: str | None) -> Literal["string", "int"] | None:
        if name is None:
            return None
        return "int" if self._types[name] in {"int", "float"} else "string"

    def _lists(self) -> ListPlan:
        candidates, label = self._problem.candidates, self._problem.label
        return ListPlan(
            popular=candidates.popular,
            own=candidates.own,
            together=candidates.together,
            window_s=candidates.window.total_seconds(),
            pairs_window_s=candidates.pairs_window.total_seconds(),
            shown=candidates.shown,
            event=label.event if label is not None else "true",
        )

    def _views_of_levels(self, features: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """A view per level that features are of, one with the entity's candidates, one with everybody's."""
        entity, item = _stem(self._problem.entity or "entity"), _stem(self._problem.item or "item")
        names = {"entity": entity, "item": item, "pair": f"{entity}_{item}"}
        views = {}
        for per, name in names.items():
            fields = [
                each
                for each in features
                if self._definitions[each].kind == "rolling" and self._definitions[each].per == per
            ]
            if fields:
                views[f"{name}_features"] = tuple(fields)
        return {**views, f"{entity}_candidates": (LIST,), "popular_candidates": (LIST,)}

    def _keys(self) -> dict[str, str]:
        if not self._ranks:
            return {}
        entity, item = str(self._problem.entity), str(self._problem.item)
        return {
            f"{_stem(item)}_features": item,
            f"{_stem(entity)}_{_stem(item)}_features": f"{entity}__{item}",
            "popular_candidates": EVERYBODY,
        }

    def _views(self, features: Sequence[str], inputs: Sequence[str]) -> dict[str, tuple[str, ...]]:
        entity = self._problem.entity
        if entity is None:
            return {}
        if self._ranks:
            return self._views_of_levels(features)
        stem = _stem(entity)
        fields = tuple(dict.fromkeys((*features, *inputs)))
        if not self._features.store.views:
            return {f"{stem}_features": fields}
        views = dict(self._features.store.views)
        kept = {name for names in views.values() for name in names}
        needed = {*inputs, *(name for name in features if self._definitions[name].kind == "rolling")}
        if left := tuple(name for name in fields if name in needed and name not in kept):
            views[f"{stem}_inputs"] = left
        return views

    # Problems

    def _wrong(self, where: str, what: str, *, rule: str = "", mend: str = "") -> None:
        self._problems.append(Problem(where, what, rule, mend))

    def _stop_at_problems(self) -> None:
        if self._problems:
            raise ContractError(f"{len(self._problems)} problems in the features", problems=self._problems)


def _stem(key: str) -> str:
    """What a key column names: `user` for user_id."""
    return key.removesuffix("_id").removesuffix("ID").removesuffix("Id").strip("_").lower() or "entity"


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean


def _reach(names: Iterable[str], needs: dict[str, tuple[str, ...]]) -> set[str]:
    """The features among the names and everything that they are made from."""
    reached: set[str] = set()
    todo = [name for name in names if name in needs]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += [each for each in needs[name] if each in needs]
    return reached
