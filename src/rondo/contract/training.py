"""How the data is split, which candidates are tried, and how they are tuned."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from rondo.contract._base import FileName, Filled, Section
from rondo.contract.units import Duration, Share

_RANGE = re.compile(r"^(int|float)\(\s*([^,]+?)\s*,\s*([^,]+?)\s*(?:,\s*(log))?\s*\)$")
_CHOICE = re.compile(r"^choice\((.+)\)$")


@dataclass(frozen=True, slots=True)
class SearchRange:
    """Where a hyperparameter is searched: `int(50, 300)`, `float(0.01, 0.3, log)`, `choice(a, b)`."""

    kind: Literal["int", "float", "choice"]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Any, ...] = ()
    text: str = ""

    def __str__(self) -> str:
        return self.text


def parse_search(raw: Any) -> SearchRange:
    """The search range that a person wrote.

    Raises:
        ValueError: it is not a range, or its ends are the wrong way round.
    """
    if isinstance(raw, SearchRange):
        return raw
    if isinstance(raw, list):
        if not raw or any(isinstance(choice, list | dict) for choice in raw):
            raise ValueError("a list of choices holds at least one text, number, true, false or null")
        return SearchRange("choice", choices=tuple(raw), text=f"choice({', '.join(map(str, raw))})")
    text = str(raw).strip()
    if found := _RANGE.match(text):
        low, high = _number(found[2], text), _number(found[3], text)
        if found[1] == "int" and not (low.is_integer() and high.is_integer()):
            raise ValueError(f"{text!r}: the ends of an int range are whole numbers")
        if low >= high:
            raise ValueError(f"{text!r}: the lower end must be below the upper end")
        if found[4] and low <= 0:
            raise ValueError(f"{text!r}: a logarithmic range starts above 0")
        return SearchRange("int" if found[1] == "int" else "float", low, high, bool(found[4]), text=text)
    if found := _CHOICE.match(text):
        return SearchRange(
            "choice", choices=tuple(_plain(part.strip()) for part in found[1].split(",")), text=text
        )
    raise ValueError(
        f"{text!r} is not a search range; "
        "a range is int(50, 300), float(0.01, 0.3, log), choice(a, b) or a list"
    )


def _number(part: str, text: str) -> float:
    try:
        number = float(part)
    except ValueError:
        raise ValueError(f"{text!r}: {part!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{text!r}: {part!r} is not finite")
    return number


def _plain(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "null": None, "none": None}.get(text.lower(), text)


Search = Annotated[
    SearchRange,
    BeforeValidator(parse_search),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": ["string", "array"]}),
]


class Split(Section):
    """How rows are divided; by time unless said otherwise, so that nothing learns from its own future."""

    by: Literal["time", "random", "entity"] = "time"
    validation: Share = 0.2
    test: Share = 0.2
    gap: Duration | None = None
    """Rows this long before a border are left out on its earlier side; by default the label's `within`."""

    @model_validator(mode="after")
    def _leaves_something(self) -> Split:
        if not 0 < self.test < 1 or not 0 < self.validation < 1 or self.validation + self.test >= 0.9:
            raise ValueError(
                "too little is left to train on; validation and test are each above 0, and together below 90%"
            )
        return self


class RollingOrigin(Section):
    """How a forecast is tried out before the test: trained up to an origin, judged on the time after it."""

    origins: int = Field(default=3, ge=1, le=24)
    """How many, evenly over the rows before the test; each learns from everything before it."""
    horizon: Duration | None = None
    """How long after an origin it is judged; by default up to the next one."""


class CandidateSpec(Section):
    """One kind of model to try."""

    estimator: Filled = "lightgbm.LGBMClassifier"
    """Import path of a scikit-learn compatible estimator."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Fixed hyperparameters."""
    search: dict[str, Search] = Field(default_factory=dict)
    name: FileName | None = None


class Tuning(Section):
    """How long the search goes on and what it maximises (over folds of the training rows only)."""

    trials: int = Field(default=20, ge=1)
    cv: int = Field(default=3, ge=2, le=50)
    scoring: str | None = None
    """By default the success metric."""
    timeout: Duration | None = None


class Training(Section):
    """The training section."""

    split: Split = Split()
    candidates: tuple[CandidateSpec, ...] = Field(default=(CandidateSpec(),), min_length=1)
    tuning: Tuning = Tuning()
    rolling_origin: RollingOrigin | None = None
    """For a forecast; by default three origins."""
    seed: int = Field(default=42, ge=0, le=2**32 - 1)
    threshold: Literal["default", "f1", "cost"] | Annotated[float, Field(ge=0, le=1)] = "default"
    """Decision threshold: 0.5, the best F1 on the validation rows, or a number."""
