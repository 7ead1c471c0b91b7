"""An experiment between versions."""

from __future__ import annotations

from pydantic import Field, model_validator

from rondo.contract._base import FileName, Filled, Section


class Variant(Section):
    """One side of the experiment."""

    model_version: Filled
    traffic_percentage: float = Field(ge=0, le=100)


class ExperimentMetrics(Section):
    """What decides, and what must not get worse."""

    primary: Filled
    secondary: tuple[Filled, ...] = ()


class AbTest(Section):
    """The ab_test section."""

    experiment_name: Filled
    variants: dict[FileName, Variant] = Field(min_length=2)
    metrics: ExperimentMetrics
    duration_days: float = Field(gt=0)
    min_sample_size: int = Field(ge=1)

    @model_validator(mode="after")
    def _whole(self) -> AbTest:
        total = sum(variant.traffic_percentage for variant in self.variants.values())
        if abs(total - 100.0) > 1e-6:
            raise ValueError(
                f"the traffic percentages sum to {total:g}; they sum to 100; change the variants"
            )
        return self
