"""What the server counts: Prometheus figures for others, RequestFigures for our own monitor."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from time import monotonic

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rondo.ports.prediction_log import PredictionWriter
from rondo.records.prediction import RequestFigures
from rondo.stages.serving.routing import RouteTable

SAMPLE = 1000
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Figures:
    """Counts answers. Called from the answering thread only."""

    def __init__(self, model: str) -> None:
        self._model = model
        self.registry = CollectorRegistry()
        r = self.registry
        names = ("model", "version", "endpoint", "code")
        self._requests = Counter("rondo_requests", "Answers by code", names, registry=r)
        self._seconds = Histogram(
            "rondo_request_duration_seconds",
            "Time to answer",
            ("model", "version"),
            buckets=BUCKETS,
            registry=r,
        )
        self._fetch = Histogram(
            "rondo_feature_fetch_duration_seconds",
            "Time to read online values",
            buckets=BUCKETS,
            registry=r,
        )
        self._predictions = Counter("rondo_predictions", "Answered rows", ("model", "version"), registry=r)
        self._unseen = Counter(
            "rondo_unseen_categories",
            "Categories that training did not know",
            ("model", "version"),
            registry=r,
        )
        self._inflight = Gauge("rondo_inflight_requests", "Requests being answered", registry=r)
        self._dropped = Gauge("rondo_prediction_log_dropped", "Records that could not be stored", registry=r)
        self._weights = Gauge("rondo_rollout_weight_ratio", "Share of requests", ("version",), registry=r)
        self._generation = Gauge("rondo_routes_generation", "Generation of the routes", registry=r)
        self._ready = Gauge("rondo_ready", "1 when every routed version is warm", registry=r)
        self._info = Gauge("rondo_model_info", "Warm versions", ("model", "version", "bundle"), registry=r)
        self._count: dict[tuple[str, str, int], Counter] = {}
        self._time: dict[str, tuple[Histogram, Counter]] = {}
        self._process = psutil.Process()
        self._process.cpu_percent(None)
        self._chance = random.Random(0)
        self._start()

    def _start(self) -> None:
        self._since = monotonic()
        self._answers = self._errors = self._rejected = 0
        self._latencies: list[float] = []

    def answered(
        self,
        endpoint: str,
        version: str,
        status: int,
        seconds: float,
        *,
        rows: int = 0,
        unseen: int = 0,
        fetch_s: float = 0.0,
    ) -> None:
        """Counts one answer of an endpoint that predicts."""
        key = (endpoint, version, status)
        counter = self._count.get(key)
        if counter is None:
            counter = self._requests.labels(self._model, version, endpoint, str(status))
            self._count[key] = counter
        counter.inc()
        self._answers += 1
        if rows:
            pair = self._time.get(version)
            if pair is None:
                pair = (
                    self._seconds.labels(self._model, version),
                    self._predictions.labels(self._model, version),
                )
                self._time[version] = pair
            pair[0].observe(seconds)
            pair[1].inc(rows)
            if unseen:
                self._unseen.labels(self._model, version).inc(unseen)
            if fetch_s:
                self._fetch.observe(fetch_s)
        elif status == 429 or status == 503:
            self._rejected += 1
        if status >= 500:
            self._errors += 1
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
        self._inflight.set(inflight)
        self._dropped.set(writer.dropped)
        self._generation.set(table.generation)
        self._ready.set(1 if table.ready else 0)
        self._weights.clear()
        self._info.clear()
        weights: Mapping[str, float] = table.weights
        for version, weight in weights.items():
            self._weights.labels(version).set(weight)
        for version, served in table.warm.items():
            self._info.labels(self._model, version, served.bundle.bundle_id[:12]).set(1)
        return bytes(generate_latest(self.registry))
