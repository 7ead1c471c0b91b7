"""Where the data comes from, how it is joined, cleaned and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from rondo.contract._base import FileName, Filled, Section
from rondo.contract.calendar import Days
from rondo.contract.units import Duration, Share

ColumnType = Literal["string", "int", "float", "bool", "date", "datetime"]
Scalar = str | int | float | bool


class Source(Section):
    """One source: exactly one of `sql`, `files`, `http`, with its own retries and its own schema."""

    sql: str | None = None
    """SQLAlchemy URL; write passwords as ${NAME} so that they come from the environment."""
    query: str | None = None
    """One SELECT; values enter as :name and are bound, never pasted."""
    params: dict[str, Any] | list[Any] = Field(default_factory=dict)

    files: str | None = None
    """Local path or s3:// URL, with * and {date_partition}-like fields from `params`."""
    format: Literal["parquet", "csv", "jsonl"] | None = None
    """By default told by the file name."""
    storage: dict[str, str] = Field(default_factory=dict)
    """Options of the S3 store: aws_endpoint_url, aws_region, aws_access_key_id, aws_secret_access_key (as env:NAME),
    aws_session_token, aws_profile, aws_skip_signature, aws_allow_http, max_retries. What is not said comes from the
    environment, as for every AWS client."""

    http: str | None = None
    records: str = "$"
    """Where the records lie in the answer, e.g. $.items"""
    paginate: Literal["none", "cursor", "page", "offset", "link"] = "none"
    next: str = "$.next"
    """Where the next cursor lies in the answer (paginate: cursor)."""
    auth: str | None = None
    """Bearer token by reference, env:NAME."""
    allow_private: bool = False
    """Whether the URL may point to this machine or a private network."""
    start: str | None = None
    """A command that serves the URL while it is read (practice worlds, doubles); it gets the URL's {port}."""

    keys: dict[str, ColumnType] = Field(default_factory=dict, alias="schema")
    """Columns that must be there, with their types."""
    nulls: tuple[Scalar, ...] = ()
    """Values that stand for a missing one, e.g. [nan, "?", -999]; nothing else is taken for missing."""
    freshness: Duration | None = None
    """How old the newest row may be when the data is checked, e.g. 2d."""
    loaded_at: Filled | None = None
    """The column that tells how old a row is; by default ml_problem.event_time."""
    retries: int = Field(default=3, ge=0, le=20)
    timeout: Duration = Field(default="30s", validate_default=True)
    max_rows: int = Field(default=50_000_000, ge=1)

    @model_validator(mode="after")
    def _one_kind(self) -> Source:
        kinds = [name for name in ("sql", "files", "http") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(
                f"found {', '.join(kinds) or 'none'}; a source has exactly one of sql, files, http"
            )
        if self.sql is not None and not self.query:
            raise ValueError("query is missing; an sql source needs one SELECT; add query: SELECT …")
        return self

    @property
    def kind(self) -> Literal["sql", "files", "http"]:
        """Which of the three it is."""
        return "sql" if self.sql is not None else "files" if self.files is not None else "http"


class Base(Section):
    """The source whose rows are kept."""

    base: Filled


class JoinStep(Section):
    """One more source beside it."""

    with_: Filled = Field(alias="with")
    on: Filled | Annotated[tuple[Filled, ...], Field(min_length=1)]
    how: Literal["left", "inner", "full"] = "left"


class Missing(Section):
    """What happens to a missing value of a column: a statistic, a value, or the row goes."""

    fill: Literal["median", "mean", "most_frequent", "zero"] | None = None
    value: Scalar | None = None
    drop_row: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Missing:
        if sum((self.fill is not None, self.value is not None, self.drop_row)) != 1:
            raise ValueError("nothing or several things are to be done; exactly one of fill, value, drop_row")
        return self


class Outliers(Section):
    """What happens to a value outside its bounds (given, or quantiles / IQR fences of the column)."""

    min: float | None = None
    max: float | None = None
    quantiles: tuple[Share, Share] | None = None
    iqr: float | None = Field(default=None, gt=0)
    action: Literal["clip", "drop_row", "null"] = "clip"

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Outliers:
        if self.min is None and self.max is None and self.quantiles is None and self.iqr is None:
            raise ValueError("no bound is given; nothing is an outlier without min, max, quantiles or iqr")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; no value could pass; swap them")
        if self.quantiles is not None and self.quantiles[0] >= self.quantiles[1]:
            raise ValueError(
                "the quantiles are not in order; the lower one comes first and is below the upper one"
            )
        return self


class Duplicates(Section):
    """Rows that stand twice for one thing."""

    key: tuple[Filled, ...] = ()
    """Columns in which no two rows may agree, e.g. [user_id, date]. Rows that agree in every column are dropped,
    with a key or without; those that agree in the key alone contradict each other and stop the run."""
    latest: Filled | None = None
    """Of rows that contradict each other the one with the greatest value of this column stays, e.g.
    created_timestamp."""

    @model_validator(mode="after")
    def _latest_of_a_key(self) -> Duplicates:
        if self.latest is not None and not self.key:
            raise ValueError(
                "latest without key; nothing says which rows contradict each other; add key: […]"
            )
        if self.latest in self.key:
            raise ValueError(
                f"latest {self.latest!r} is part of the key; name the column that tells when a row came"
            )
        return self


class Clean(Section):
    """Always in this order: rows that are not kept, duplicates, missing values, outliers, types."""

    keep: str | None = None
    """SQL condition on a row; rows of which it is not true go before anything else is looked at."""
    duplicates: Duplicates | None = None
    """Drops rows that repeat another one, as `{}` or with a key; by default they stay and are counted."""
    missing: dict[str, Missing] = Field(default_factory=dict)
    outliers: dict[str, Outliers] = Field(default_factory=dict)
    types: dict[str, ColumnType] = Field(default_factory=dict)

    @property
    def filled(self) -> frozenset[str]:
        """The columns whose missing values get a value that the project names."""
        return frozenset(name for name, rule in self.missing.items() if rule.value is not None)


class ValueRange(Section):
    """Which values a column may have."""

    min: float | None = None
    max: float | None = None
    values: tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _bounds_in_order(self) -> ValueRange:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; no value could pass; swap them")
        if self.values is not None and not self.values:
            raise ValueError(
                "the list of values is empty; it allows nothing; remove the line, or name values"
            )
        return self


class Validate(Section):
    """Checks that stop the run before features are computed."""

    min_rows: int = Field(default=1, ge=1)
    max_null_ratio: Share = 0.1
    max_null_ratios: dict[str, Share] = Field(default_factory=dict)
    """Exceptions for single columns."""
    keys: dict[str, ColumnType] = Field(default_factory=dict, alias="schema")
    value_ranges: dict[str, ValueRange] = Field(default_factory=dict)
    personal: tuple[Filled, ...] = ()
    """Columns known to hold data of persons; any other that looks like it is warned of."""


class Snapshots(Section):
    """Moments at which each entity is looked at, where rows are events and the target lies in later rows."""

    every: Literal["day", "week", "month"] = "month"
    align: Literal["calendar", "end"] = "calendar"
    """`end`: counted back from the newest moment whose label window is whole, instead of days of the calendar;
    a month is 30 days then."""
    latest: int | None = Field(default=None, ge=1)
    """Only so many of the newest moments are examples."""
    active_within: Duration | None = None
    """Only entities with a row (see `active_event`) in this time before the snapshot."""
    active_event: str = "true"
    """SQL condition on a row that counts as activity."""
    active_rows: int = Field(default=1, ge=1)
    """With fewer such rows in this time (or ever, without `active_within`) an entity is not active."""
    known_for: Duration | None = None
    """Only entities whose first row lies at least this long before the snapshot."""
    closed: tuple[Days, ...] = ()
    """Days without a snapshot: {weekday: saturday}, {from: 12-24, to: 01-03}."""


class Load(Section):
    """How the processed data is stored."""

    format: Literal["parquet"] = "parquet"


def _kind_of_step(raw: Any) -> str:
    base = isinstance(raw, Base) or (isinstance(raw, Mapping) and "with" not in raw and "on" not in raw)
    return "base step" if base else "join step"


Step = Annotated[
    Annotated[Base, Tag("base step")] | Annotated[JoinStep, Tag("join step")], Discriminator(_kind_of_step)
]


class Data(Section):
    """The data section."""

    sources: dict[FileName, Source] = Field(min_length=1)
    join: tuple[Step, ...] = ()
    clean: Clean = Clean()
    validate_: Validate = Field(default=Validate(), alias="validate")
    snapshots: Snapshots | None = None
    load: Load = Load()
