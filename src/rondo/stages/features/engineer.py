"""Feature engineering by hand: the same definitions and the same evaluation, without a project around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import polars as pl
from pydantic import ValidationError

from rondo.bundle.user_functions import UserFunctions
from rondo.contract.features import Features
from rondo.contract.project import Project
from rondo.errors import ContractError, DataError, UsageError, nearest
from rondo.records.dataset import Column
from rondo.records.files import from_json, to_json, write_bytes
from rondo.stages.features.matrix import with_features
from rondo.stages.features.plan import compile_plan

Frame = TypeVar("Frame")
_ROLES = ("entity", "event_time", "target")


class LabelCodes(msgspec.Struct):
    """A code per category, by alphabet; what fitting did not see gets the next code of its own."""

    classes: list[str]
    unseen: int = 0  # values that fitting did not know, counted over all calls

    @property
    def unseen_code(self) -> int:
        """The code of everything that fitting did not see, missing values included."""
        return len(self.classes)


class Standard(msgspec.Struct):
    """Mean and standard deviation (of the population) of a column."""

    mean: float
    deviation: float


class _Transformers(msgspec.Struct):
    encoders: dict[str, LabelCodes]
    scalers: dict[str, Standard]


class FeatureEngineer:
    """Creates, encodes and scales features; takes pandas or Polars frames and gives back the same kind.

    No method changes the frame that it is given. Encoders and scalers are fitted by their first call and never
    again, so call them with the training rows first.

    Args:
        feature_config: a Project, or a dict: the `features` section of a project file, and beside it `entity`,
            `event_time` and `target`, the columns with those roles. `categorical_features` and
            `numerical_features` name the columns to encode and to scale.
        root: the folder of Python features.
    """

    def __init__(self, feature_config: Project | Mapping[str, Any], root: Path | str = ".") -> None:
        self._root = Path(root)
        if isinstance(feature_config, Project):
            self.project = feature_config
            numerical = feature_config.features.numerical.columns
            self._categorical: tuple[str, ...] | None = feature_config.features.categorical.columns
            self._numerical = None if numerical == "auto" else numerical
        else:
            self.project, self._categorical, self._numerical = _from_dict(feature_config)
        self.encoders: dict[str, LabelCodes] = {}
        self.scalers: dict[str, Standard] = {}

    def create_features(self, df: Frame) -> Frame:
        """The features of every row, in the order of the rows; history comes from the rows before it in `df`.

        Raises:
            ContractError: a definition cannot be.
            UserCodeError: a Python feature failed.
        """
        table = _polars(df)
        plan = compile_plan(self.project, _columns(table), self._root)
        made = with_features(plan, table, table, UserFunctions(plan, self._root))
        return _like(df, made.select(plan.features))

    def rolling_aggregate(self, df: Any, column: str, window: int | str | timedelta, agg: str = "sum") -> Any:
        """One aggregate over each entity's earlier rows, the row itself never included.

        Args:
            df: the rows.
            column: what to aggregate.
            window: a number of days, a text like `30d`, or a timedelta.
            agg: sum, mean, count, min, max, std, nunique or days_since.
        """
        length = timedelta(days=window) if isinstance(window, int) else window
        name = f"{column}_{agg}"
        definition = {name: {"rolling": agg, "of": column, "window": length}}
        features = _validated(Features, {"definitions": definition})
        alone = FeatureEngineer(self.project.model_copy(update={"features": features}), self._root)
        return alone.create_features(df)[name]

    def encode_categoricals(self, df: Frame, columns: Sequence[str] | None = None) -> Frame:
        """The frame with codes for categories; fitted on first use of a column.

        A category that fitting did not see gets the code after the last one, and is counted in
        `encoders[column].unseen`.
        """
        table = _polars(df)
        for name in self._chosen(table, columns, self._categorical, "categorical"):
            texts = table[name].cast(pl.String)
            if name not in self.encoders:
                self.encoders[name] = LabelCodes(texts.drop_nulls().unique().sort().to_list())
            encoder = self.encoders[name]
            codes = {value: code for code, value in enumerate(encoder.classes)}
            coded = texts.replace_strict(codes, default=encoder.unseen_code, return_dtype=pl.Int64)
            encoder.unseen += int((coded == encoder.unseen_code).sum())
            table = table.with_columns(coded.alias(name))
        return _like(df, table)

    def scale_numericals(self, df: Frame, columns: Sequence[str] | None = None) -> Frame:
        """The frame with columns of mean 0 and deviation 1; fitted on first use of a column, missing stays missing.

        A constant column becomes 0.
        """
        table = _polars(df)
        for name in self._chosen(table, columns, self._numerical, "numerical"):
            numbers = table[name].cast(pl.Float64).fill_nan(None)
            if name not in self.scalers:
                if numbers.null_count() == len(numbers):
                    raise DataError(f"{name!r} has no value to fit a scaler on", where=name)
                mean, deviation = numbers.mean(), numbers.std(ddof=0)
                assert isinstance(mean, float)
                assert isinstance(deviation, float)
                self.scalers[name] = Standard(mean, deviation or 1.0)
            scaler = self.scalers[name]
            table = table.with_columns(((numbers - scaler.mean) / scaler.deviation).alias(name))
        return _like(df, table)

    def save_transformers(self, path: Path | str) -> None:
        """Puts encoders and scalers at `path` as JSON, whole or not at all."""
        write_bytes(Path(path), to_json(_Transformers(self.encoders, self.scalers)))

    def load_transformers(self, path: Path | str) -> FeatureEngineer:
        """Takes encoders and scalers from `path` in the place of its own, and gives itself.

        Raises:
            CorruptArtifact: the file holds something else.
        """
        found = from_json(Path(path).read_bytes(), _Transformers, where=str(path))
        self.encoders, self.scalers = found.encoders, found.scalers
        return self

    def _chosen(
        self, table: pl.DataFrame, asked: Sequence[str] | None, configured: Sequence[str] | None, kind: str
    ) -> Sequence[str]:
        chosen = asked if asked is not None else configured
        if chosen is None:
            chosen = [name for name, dtype in table.schema.items() if dtype.is_numeric()]
        for name in chosen:
            if name not in table.columns:
                raise UsageError(f"no {kind} column is named {name!r}", mend=nearest(name, table.columns))
        return chosen


def _from_dict(
    config: Mapping[str, Any],
) -> tuple[Project, tuple[str, ...] | None, tuple[str, ...] | None]:
    """A project around the features alone, and the columns to encode and to scale."""
    left = dict(config)
    roles = {role: left.pop(role, None) for role in _ROLES}
    categorical = left.pop("categorical_features", None)
    numerical = left.pop("numerical_features", None)
    features = _validated(Features, left)
    problem = {name: value for name, value in roles.items() if value is not None}
    project = _validated(
        Project,
        {
            "project": "notebook",
            "ml_problem": {"target": "_none", **problem, "type": "regression"},
            "data": {"sources": {"frame": {"files": "frame.parquet"}}},
        },
    ).model_copy(update={"features": features})
    configured = features.numerical.columns
    return (
        project,
        features.categorical.columns if categorical is None else tuple(categorical),
        (None if configured == "auto" else configured) if numerical is None else tuple(numerical),
    )


Model = TypeVar("Model", Features, Project)


def _validated(model: type[Model], values: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ContractError(first["msg"], where=where) from error


def _columns(table: pl.DataFrame) -> tuple[Column, ...]:
    return tuple(Column(name, _logical_type(dtype)) for name, dtype in table.schema.items())


def _logical_type(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean:
        return "bool"
    if dtype.is_integer():
        return "int"
    if dtype.is_numeric():
        return "float"
    return "datetime" if dtype.is_temporal() else "string"


def _polars(df: Any) -> pl.DataFrame:
    """The frame as Polars; one that is not pandas or Polars is refused."""
    if isinstance(df, pl.DataFrame):
        return df
    if type(df).__module__.partition(".")[0] == "pandas":
        if not all(isinstance(name, str) for name in df.columns):
            raise UsageError("column names are texts")
        taken: pl.DataFrame = pl.from_pandas(df)
        return taken
    raise UsageError(f"a pandas or Polars frame is expected, found {type(df).__name__}")


def _like(df: Frame, made: pl.DataFrame) -> Frame:
    """The result as the kind of frame that came in, pandas with its index."""
    if isinstance(df, pl.DataFrame):
        return made  # type: ignore[return-value]
    back: Any = made.to_pandas()
    back.index = df.index  # type: ignore[attr-defined]
    result: Frame = back
    return result
