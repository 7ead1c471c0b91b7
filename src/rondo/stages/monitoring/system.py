"""Latency, errors, processor, memory and accelerators, from what servers and machines say of themselves. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rondo.contract.metrics import system_name
from rondo.records.monitoring import AcceleratorFigures
from rondo.records.prediction import RequestFigures

PERCENTILES = {"p50_latency": 50, "p95_latency": 95, "p99_latency": 99}
ACCELERATORS = "gpu_utilization"
REFUSED_OUTCOMES = "refused_outcomes"
"""Outcomes of clients that wanted to change more than they may; observed wherever there are any."""
SYSTEM_METRICS = frozenset(
    {*PERCENTILES, "error_rate", "availability", "throughput", "cpu_usage", "memory_usage", ACCELERATORS}
)


def is_system_figure(metric: str) -> bool:
    """Whether the servers tell it, not the predictions."""
    return system_name(metric) in SYSTEM_METRICS


def system_figure(
    metric: str, figures: Sequence[RequestFigures], unit: str | None
) -> tuple[float | None, int]:
    """The figure in the unit asked for, and from how many requests or intervals; None when nothing tells it.

    Latencies are in seconds without a unit; shares are fractions without a unit.
    """
    metric = system_name(metric)
    requests = sum(figure.requests for figure in figures)
    if metric in PERCENTILES:
        times = np.concatenate([np.asarray(f.latency_ms) for f in figures]) if figures else np.array([])
        if not times.size:
            return None, 0
        value = float(np.percentile(times, PERCENTILES[metric]))
        return (value if unit == "ms" else value / 1000.0), requests
    if metric in ("error_rate", "availability"):
        if not requests:
            return None, 0
        lost = sum(figure.errors for figure in figures) / requests
        return _in(lost if metric == "error_rate" else 1.0 - lost, unit), requests
    if metric == "throughput":
        seconds = sum(figure.seconds for figure in figures)
        return (requests / seconds, len(figures)) if seconds else (None, 0)
    if metric == "cpu_usage":
        return _mean([figure.cpu_share for figure in figures], unit)
    if metric == "memory_usage":
        return _mean([figure.memory_share for figure in figures], unit)
    return None, 0


def accelerator_figure(
    accelerators: Sequence[AcceleratorFigures], unit: str | None
) -> tuple[float | None, int, str]:
    """The mean utilisation, of how many devices, and each of them in words."""
    value, n = _mean([one.utilization for one in accelerators], unit)
    told = ", ".join(f"{one.name} {one.utilization:.0%}" for one in accelerators)
    return value, n, f"read on the monitor's machine at this look: {told}"


def _mean(shares: Sequence[float], unit: str | None) -> tuple[float | None, int]:
    return (_in(float(np.mean(shares)), unit), len(shares)) if shares else (None, 0)


def _in(share: float, unit: str | None) -> float:
    return share * 100.0 if unit == "%" else share
