"""What the validation room leaves: a judgement with every gate's evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Judgement = Literal["ship", "hold", "reject", "inconclusive"]
GateStatus = Literal["passed", "failed", "missing", "not_a_number", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: what is asked of which figure, what was found. Only `passed` passes."""

    name: str
    kind: Literal["criterion", "baseline", "constraint", "comparison", "integrity"]
    asked: str
    found: float | None
    status: GateStatus
    evidence: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one bundle; `reasons` are sentences for people."""

    judgement: Judgement
    gates: tuple[Gate, ...]
    reasons: tuple[str, ...]
    bundle_id: str
    version: str
    judged_at: datetime
    compared_with: str | None = None  # version in production at that time
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def ships(self) -> bool:
        """Whether the bundle may be released."""
        return self.judgement == "ship"
