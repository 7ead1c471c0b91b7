"""What the server counts: Prometheus figures for others, RequestFigures for our own monitor.

Counting happens at every answer, so it is plain integers of one thread; the families that Prometheus reads are
made of them when it asks.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from rondo.ports.prediction_log import PredictionWriter
from rondo.records.prediction import RequestFigures
from rondo.stages.serving.answering import Answered
from rondo.stages.serving.routing import RouteTable

SAMPLE = 1000
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(slots=True)
class Durations:
    """A histogram: how many seconds fell into each bucket (the last one is beyond all bounds)."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one duration."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> list[tuple[str, int]]:
        """The buckets as Prometheus has them: each with everything below it."""
        running, buckets = 0, []
        for bound, count in zip([*map(str, BUCKETS), "+Inf"], self.counts, strict=True):
            running += count
            buckets.append((bound, running))
        return buckets


class Figures:
    """Counts answers. Called from the answering thread only."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._predictions: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()
        self._durations: dict[str, Durations] = {}
        self._fetches = Durations()
        self._process = psutil.Process()
        self._process.cpu_percent(None)
        self._chance = random.Random(0)
        self._start()

    def _start(self) -> None:
        self._since = monotonic()
        self._answers = self._errors = self._rejected = 0
        self._latencies: list[float] = []

    def answered(self, endpoint: str, status: int, seconds: float, answered: Answered | None) -> None:
        """Counts one answer of an address that predicts; `answered` where it was a prediction."""
        self._answers += 1
        if answered is None:
            self._requests[endpoint, "", status] += 1
            self._errors += status >= 500
            self._rejected += status in (429, 503)
        else:
            version = answered.version
            self._requests[endpoint, version, status] += 1
            self._predictions[version] += len(answered.predictions)
            durations = self._durations.get(version)
            if durations is None:
                durations = self._durations[version] = Durations()
            durations.add(seconds)
            for prediction in answered.predictions:
                if "unseen" in prediction:
                    self._unseen[version] += prediction["unseen"]
            if answered.fetch_s:
                self._fetches.add(answered.fetch_s)
        self._sample(seconds * 1e3)

    def _sample(self, latency_ms: float) -> None:
        """Keeps a uniform sample of bounded size (Vitter's algorithm R)."""
        if len(self._latencies) < SAMPLE:
            self._latencies.append(latency_ms)
        elif (place := int(self._chance.random() * self._answers)) < SAMPLE:
            self._latencies[place] = latency_ms

    def interval(self, now: datetime, *, dropped: int) -> RequestFigures:
        """The figures since the last call."""
        elapsed = max(monotonic() - self._since, 1e-9)
        with self._process.oneshot():
            cpu = self._process.cpu_percent(None) / 100.0 / (psutil.cpu_count() or 1)
            memory = self._process.memory_info().rss
        figures = RequestFigures(
            now,
            elapsed,
            self._answers,
            self._errors,
            self._rejected,
            tuple(self._latencies),
            min(cpu, 1.0),
            memory / psutil.virtual_memory().total,
            memory,
            dropped,
        )
        self._start()
        return figures

    def text(self, table: RouteTable, *, inflight: int, writer: PredictionWriter) -> bytes:
        """The Prometheus exposition of now."""
        registry = CollectorRegistry()
        registry.register(_Families([*self._counters(), *self._gauges(table, inflight, writer)]))
        return bytes(generate_latest(registry))

    def _counters(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "rondo_requests", "Answers by code", labels=("model", "version", "endpoint", "code")
        )
        for (endpoint, version, status), count in self._requests.items():
            requests.add_metric((self._model, version, endpoint, str(status)), count)
        yield requests
        pairs: Mapping[str, tuple[str, Counter[str]]] = {
            "rondo_predictions": ("Answered rows", self._predictions),
            "rondo_unseen_categories": ("Categories that training did not know", self._unseen),
        }
        for name, (told, counts) in pairs.items():
            family = CounterMetricFamily(name, told, labels=("model", "version"))
            for version, count in counts.items():
                family.add_metric((self._model, version), count)
            yield family
        seconds = HistogramMetricFamily(
            "rondo_request_duration_seconds", "Time to answer", labels=("model", "version")
        )
        for version, durations in self._durations.items():
            seconds.add_metric((self._model, version), durations.cumulative(), durations.total)
        yield seconds
        fetches = HistogramMetricFamily("rondo_feature_fetch_duration_seconds", "Time to read online values")
        fetches.add_metric((), self._fetches.cumulative(), self._fetches.total)
        yield fetches

    def _gauges(self, table: RouteTable, inflight: int, writer: PredictionWriter) -> Iterator[Metric]:
        plain = {
            "rondo_inflight_requests": ("Requests being answered", inflight),
            "rondo_prediction_log_dropped_records": ("Records that could not be stored", writer.dropped),
            "rondo_routes_generation": ("Generation of the routes", table.generation),
            "rondo_ready": ("1 when every routed version is warm", int(table.ready)),
        }
        for name, (told, value) in plain.items():
            yield GaugeMetricFamily(name, told, value=value)
        weights = GaugeMetricFamily("rondo_rollout_weight_ratio", "Share of requests", labels=("version",))
        for version, weight in table.weights.items():
            weights.add_metric((version,), weight)
        yield weights
        info = GaugeMetricFamily("rondo_model_info", "Warm versions", labels=("model", "version", "bundle"))
        for version, served in table.warm.items():
            info.add_metric((self._model, version, served.bundle.bundle_id[:12]), 1)
        yield info


class _Families:
    """Families that are there already, as a collector."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """All of them."""
        return self._families
