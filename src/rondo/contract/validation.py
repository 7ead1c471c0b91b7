"""How a candidate is judged beyond the success criteria."""

from __future__ import annotations

from pydantic import Field

from rondo.contract._base import Section
from rondo.contract.units import Share


class Validation(Section):
    """The validation section."""

    tolerance: Share = 0.01
    """How much worse than production a candidate may be (relative, non-inferiority margin)."""
    slices: tuple[str, ...] = ()
    """Columns whose values are also judged one by one in the report."""
    min_uplift: Share | None = None
    """How much better than the popular items the success metric must be, relative (ranking)."""
    min_slice_rows: int = Field(default=50, ge=1)
    confidence: Share = 0.95
    bootstrap: int = Field(default=500, ge=50, le=10_000)
