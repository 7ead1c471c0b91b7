"""Latency, errors, processor and memory, from what the servers wrote about themselves. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rondo.records.prediction import RequestFigures

PERCENTILES = {
    "p50_latency": 50,
    "latency_p50": 50,
    "p95_latency": 95,
    "latency_p95": 95,
    "p99_latency": 99,
    "latency_p99": 99,
}
NOT_READ = frozenset({"gpu_utilization"})
"""Figures that the contract may name and that nothing reads on this machine."""


def system_figure(
    metric: str, figures: Sequence[RequestFigures], unit: str | None
) -> tuple[float | None, int]:
    """The figure in the unit asked for, and from how many requests or intervals; None when nothing tells it.

    Latencies are in seconds without a unit; shares are fractions without a unit.
    """
    if metric in PERCENTILES:
        times = np.concatenate([np.asarray(f.latency_ms) for f in figures]) if figures else np.array([])
        if not times.size:
            return None, 0
        value = float(np.percentile(times, PERCENTILES[metric]))
        return (value if unit == "ms" else value / 1000.0), sum(f.requests for f in figures)
    if metric == "error_rate":
        requests = sum(f.requests for f in figures)
        return (_in(sum(f.errors for f in figures) / requests, unit), requests) if requests else (None, 0)
    if metric == "availability":
        requests = sum(f.requests for f in figures)
        lost = sum(f.errors + f.rejected for f in figures)
        return (_in(1 - lost / requests, unit), requests) if requests else (None, 0)
    if metric == "throughput":
        seconds = sum(f.seconds for f in figures)
        return (sum(f.requests for f in figures) / seconds, len(figures)) if seconds else (None, 0)
    if metric == "cpu_usage":
        return _mean([f.cpu_share for f in figures], unit)
    if metric == "memory_usage":
        return _mean([f.memory_share for f in figures], unit)
    return None, 0


SYSTEM_METRICS = frozenset(
    {*PERCENTILES, "error_rate", "availability", "throughput", "cpu_usage", "memory_usage", *NOT_READ}
)


def _mean(shares: Sequence[float], unit: str | None) -> tuple[float | None, int]:
    return (_in(float(np.mean(shares)), unit), len(shares)) if shares else (None, 0)


def _in(share: float, unit: str | None) -> float:
    return share * 100.0 if unit == "%" else share
