"""Features: each defined once, evaluated in batch and online from this definition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from rondo.contract._base import Section, Word
from rondo.contract.units import Duration

TimePart = Literal[
    "hour", "day_of_week", "is_weekend", "day_of_month", "month", "week_of_year", "quarter", "day_of_year"
]
Aggregate = Literal["sum", "mean", "count", "min", "max", "std", "days_since", "nunique"]
DEFINITION_KINDS = ("time", "rolling", "ratio", "expr", "python", "column", "candidate")


class Definition(Section):
    """One feature: exactly one of `time`, `rolling`, `ratio`, `expr`, `python`, `column`, `candidate`."""

    time: TimePart | None = None
    rolling: Aggregate | None = None
    """Over the earlier rows of the entity within `window`; the row itself is never among them.
    `days_since`: days since the last earlier row (with `where` true); `default` when the window has none."""
    of: str | None = None
    """The column (rolling) or the time column (time; the event time by default)."""
    per: Literal["entity", "item", "pair"] = "entity"
    """Whose earlier rows count (rolling): the entity's, the item's, or those of both together (ranking)."""
    window: Duration | None = None
    lag: Duration | None = None
    """How long before the row the window ends (rolling): `window: 1d, lag: 6d` is the same weekday of last week,
    seen from the midnight before it."""
    where: str | None = None
    """SQL condition on the rows that count (rolling)."""
    default: float | None = None
    """The value when no row counts: 0 for sum and count, otherwise missing."""
    ratio: tuple[str, str] | None = None
    zero: float = 0.0
    """The value of a ratio whose denominator is 0 or missing."""
    expr: str | None = None
    """SQL expression over columns and other features."""
    python: str | None = None
    """`file.py:function`; receives a dict of NumPy arrays, returns one array."""
    inputs: tuple[str, ...] = ()
    """Columns that the Python function receives."""
    column: str | None = None
    """A column of the data as it is, under this feature's name."""
    candidate: Literal["popular", "own", "together"] | None = None
    """How strongly that source of candidates proposed the item; 0 where it did not (ranking)."""

    @model_validator(mode="after")
    def _one_kind(self) -> Definition:
        kinds = [kind for kind in DEFINITION_KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            found, kinds_of = ", ".join(kinds) or "none", ", ".join(DEFINITION_KINDS)
            raise ValueError(f"found {found}; a feature has exactly one of {kinds_of}")
        if self.rolling is not None:
            if self.window is None:
                raise ValueError("window is missing; a rolling feature looks back over one; add window: 30d")
            if self.of is None and self.rolling not in {"count", "days_since"}:
                raise ValueError("of is missing; a rolling feature is of a column; add of: COLUMN")
        elif self.lag is not None:
            raise ValueError("lag is of a rolling feature; remove it, or write rolling: sum and window:")
        return self

    @property
    def kind(self) -> str:
        """Which of the kinds it is."""
        return next(kind for kind in DEFINITION_KINDS if getattr(self, kind) is not None)


class Categorical(Section):
    """Columns that name a category; an unseen one gets a code of its own and is counted."""

    columns: tuple[str, ...] = ()
    encoder: Literal["one_hot", "ordinal"] = "one_hot"


class Numerical(Section):
    """Columns that are numbers; `auto` is every other feature."""

    columns: Literal["auto"] | tuple[str, ...] = "auto"
    scaler: Literal["standard", "none"] = "standard"
    impute: Literal["median", "mean", "zero"] = "median"


class Store(Section):
    """Which features are kept in which view of the feature store, and where the online values live."""

    views: dict[Word, tuple[str, ...]] = Field(default_factory=dict)
    """By default one view, named after the entity, with every feature."""
    online: str = "sqlite"
    """`sqlite`, or the URL of a Redis; write its password as ${NAME}."""
    ttl: Duration | None = None
    """Values older than this are not served and not joined."""

    @field_validator("online")
    @classmethod
    def _known_place(cls, online: str) -> str:
        refers = "${" in online or online.strip().startswith("env:")
        if online != "sqlite" and not refers and not online.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError(
                f"{online!r} is no online store; it is sqlite or the URL of a Redis; "
                "write sqlite or redis://:${PASSWORD}@host:6379/0"
            )
        return online


class Features(Section):
    """The features section."""

    definitions: dict[Word, Definition] = Field(default_factory=dict)
    categorical: Categorical = Categorical()
    numerical: Numerical = Numerical()
    store: Store = Store()
