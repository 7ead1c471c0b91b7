"""An experiment: what was planned, and what one look at it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rondo.records.verdict import Judgement

GuardrailState = Literal["fine", "worse", "unclear", "missing"]


@dataclass(frozen=True, slots=True)
class ExperimentVariant:
    """One side, and the share of the entities that is planned for it."""

    name: str
    version: str
    share: float


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric that must not get worse by more than a margin: in its own unit, or as a share of control's value."""

    metric: str
    margin: float
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """How outcomes are read. Without a positive class they are numbers, or one of several classes."""

    positive: str = ""
    conversion: str = ""  # the outcome that counts as a conversion; empty: no outcome does
    numbers: bool = False


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """What was fixed before the first exposure; the rollout keeps it, whatever becomes of the project file."""

    name: str
    control: ExperimentVariant
    treatments: tuple[ExperimentVariant, ...]
    primary: str
    guardrails: tuple[Guardrail, ...]
    min_sample_size: int  # of each variant
    duration_s: float
    minimum_effect: float  # as a share of control's value
    confidence: float
    power: float
    truth: Truth = Truth()

    @property
    def variants(self) -> tuple[ExperimentVariant, ...]:
        """Control first."""
        return (self.control, *self.treatments)

    @property
    def alpha(self) -> float:
        """The false alarms of one comparison with control, shared out among the treatments (Bonferroni)."""
        return (1.0 - self.confidence) / len(self.treatments)


@dataclass(frozen=True, slots=True)
class Power:
    """How large the test has to be, and how long that takes; None where it is not known, `notes` say why."""

    baseline: float | None  # control's value of the primary metric
    baseline_n: int
    effect: float | None  # the smallest change worth finding, in the metric's unit
    fixed_sample: int | None  # of the smallest variant, if one looked once, at the end
    sample: int | None  # of the smallest variant, for a test that may be looked at any time
    per_day: float | None  # entities (or requests) that arrive in a day, all variants together
    days_to_sample: float | None
    days_to_minimum: float | None
    detectable: float | None  # the smallest relative change to be found within the duration
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """What one variant came to. `n` is what the primary metric counts; the interval holds at every look."""

    variant: ExperimentVariant
    exposed: int  # entities, by their first exposure
    known: int  # of them with a known outcome
    n: int
    value: float | None
    low: float | None
    high: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """Treatment minus control, with an interval that holds at every look at once; None: it cannot be told."""

    metric: str
    treatment: str
    n: int
    difference: float | None
    low: float | None
    high: float | None
    relative: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """Whether the groups have the planned sizes. `always_valid` is the p-value that may be looked at any time."""

    counts: Mapping[str, int]
    expected: Mapping[str, float]
    chi_square: float | None
    always_valid: float | None
    mismatch: bool


@dataclass(frozen=True, slots=True)
class GuardrailFinding:
    """A guardrail of one treatment: `worsening` is positive when it got worse, whatever the metric's direction."""

    guardrail: Guardrail
    treatment: str
    state: GuardrailState
    control: float | None
    value: float | None
    worsening: float | None
    low: float | None
    high: float | None
    margin: float | None  # in the metric's unit
    n: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class SequencePoint:
    """The effect as it stood after the exposures up to a moment."""

    at: datetime
    n: int
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DayOfExposures:
    """New entities of one UTC day, by variant."""

    day: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at an experiment, with the verdict that the data allow."""

    plan: ExperimentPlan
    started_at: datetime
    read_at: datetime
    over: bool  # whether its duration has passed
    judgement: Judgement
    reasons: tuple[str, ...]
    variants: tuple[VariantFigures, ...]
    effects: tuple[Effect, ...]  # one per treatment
    balance: Balance
    guardrails: tuple[GuardrailFinding, ...]
    power: Power
    sequences: Mapping[str, tuple[SequencePoint, ...]] = field(default_factory=dict)  # by treatment
    days: tuple[DayOfExposures, ...] = ()
    notes: tuple[str, ...] = ()  # what was left out of the comparison, and why

    @property
    def version(self) -> str:
        """The version that the verdict is about: that of the treatment."""
        return self.plan.treatments[0].version
