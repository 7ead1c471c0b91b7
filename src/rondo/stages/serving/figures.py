"""What the server counts: Prometheus figures for others, RequestFigures for our own monitor.

Counting happens at every answer, so it is plain integers of one thread; the families that Prometheus reads are
made of them when it asks.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from rondo.records.prediction import RequestFigures, VersionFigures
from rondo.stages.serving.answering import Answered
from rondo.stages.serving.feedback import Taken
from rondo.stages.serving.routing import RouteTable

SAMPLE = 1000
GONE = 499  # as web servers count a client that did not wait; no answer has it
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


class Sample:
    """A uniform sample of bounded size (Vitter's algorithm R)."""

    def __init__(self, size: int = SAMPLE) -> None:
        self._size, self._seen = size, 0
        self._values: list[float] = []
        self._chance = random.Random(0)

    def add(self, value: float) -> None:
        """Sees one value more."""
        self._seen += 1
        if self._seen <= self._size:
            self._values.append(value)
        elif (place := int(self._chance.random() * self._seen)) < self._size:
            self._values[place] = value

    @property
    def kept(self) -> tuple[float, ...]:
        """The values of the sample."""
        return tuple(self._values)


@dataclass(slots=True)
class _Tally:
    """What one version did since the interval began."""

    requests: int = 0
    errors: int = 0
    latencies: Sample = field(default_factory=Sample)

    def figures(self) -> VersionFigures:
        return VersionFigures(self.requests, self.errors, self.latencies.kept)


def _together(one: VersionFigures, other: VersionFigures) -> VersionFigures:
    """Both: a version may be a shadow and get its first share within one interval."""
    return VersionFigures(
        one.requests + other.requests,
        one.errors + other.errors,
        one.latency_ms + other.latency_ms,
        one.dropped + other.dropped,
    )


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
        psutil.cpu_percent(None)  # the first call begins the interval that the next one measures
        self._mirrored: Counter[tuple[str, str]] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._start()

    def _start(self) -> None:
        self._since = monotonic()
        self._answers = self._errors = self._rejected = self._refused = 0
        self._latencies = Sample()
        self._versions: dict[str, _Tally] = {}

    def answered(
        self,
        endpoint: str,
        status: int,
        seconds: float,
        answered: Answered | None,
        versions: Sequence[str] = (),
    ) -> None:
        """Counts one answer of an address that predicts.

        Args:
            endpoint: the address's name.
            status: the code.
            seconds: from the request's arrival to its answer.
            answered: where it was a prediction.
            versions: who answered, or was to answer; none where the request did not get that far.
        """
        self._answers += 1
        self._errors += status >= 500
        self._rejected += status in (429, 503)
        # A request whose rows several versions answered counts once for each of them.
        for version in versions:
            tally = self._versions.get(version)
            if tally is None:
                tally = self._versions[version] = _Tally()
            tally.requests += 1
            tally.errors += status >= 500
            tally.latencies.add(seconds * 1e3)
            self._requests[endpoint, version, status] += 1
        if not versions:
            self._requests[endpoint, "", status] += 1
        if answered is not None:
            self._predicted(answered, seconds)
        self._latencies.add(seconds * 1e3)

    def _predicted(self, answered: Answered, seconds: float) -> None:
        several = len(answered.versions) > 1
        for version in answered.versions:
            durations = self._durations.get(version)
            if durations is None:
                durations = self._durations[version] = Durations()
            durations.add(seconds)
        if not several:
            self._predictions[answered.versions[0]] += len(answered.predictions)
        for prediction in answered.predictions:
            if several:
                self._predictions[prediction["version"]] += 1
            if "unseen" in prediction:
                version = prediction["version"] if several else answered.versions[0]
                self._unseen[version] += prediction["unseen"]
        if answered.fetch_s:
            self._fetches.add(answered.fetch_s)

    def left(self, endpoint: str) -> None:
        """Counts a client that left before anything was done for it: neither an answer nor an error."""
        self._requests[endpoint, "", GONE] += 1

    def fed_back(self, taken: Taken) -> None:
        """Counts what became of the items of one request for feedback."""
        for name in ("accepted", "repeated", "corrected", "withdrawn", "parked", "late"):
            self._outcomes[name] += getattr(taken, name)

    def refused(self, outcomes: int) -> None:
        """Counts outcomes of a client that may not change more of them."""
        self._outcomes["refused"] += outcomes
        self._refused += outcomes

    def interval(
        self, now: datetime, *, dropped: int, shadows: Mapping[str, VersionFigures] | None = None
    ) -> RequestFigures:
        """The figures since the last call; those of `shadows` stand beside the answers, not among them."""
        versions = {version: tally.figures() for version, tally in self._versions.items()}
        for version, shadow in (shadows or {}).items():
            versions[version] = _together(versions.get(version, VersionFigures()), shadow)
            self._mirrored[version, "answered"] += shadow.requests - shadow.errors
            self._mirrored[version, "failed"] += shadow.errors
            self._mirrored[version, "dropped"] += shadow.dropped
        elapsed = max(monotonic() - self._since, 1e-9)
        machine = psutil.virtual_memory()
        figures = RequestFigures(
            now,
            elapsed,
            self._answers,
            self._errors,
            self._rejected,
            self._latencies.kept,
            min(psutil.cpu_percent(None) / 100.0, 1.0),
            machine.percent / 100.0,
            self._process.memory_info().rss,
            dropped,
            versions,
            self._refused,
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
        outcomes = CounterMetricFamily(
            "rondo_outcomes", "Outcomes by what became of them", labels=("model", "result")
        )
        for result, count in self._outcomes.items():
            outcomes.add_metric((self._model, result), count)
        yield outcomes
        mirrored = CounterMetricFamily(
            "rondo_mirrored_requests", "Requests that a shadow saw", labels=("model", "version", "result")
        )
        for (version, result), count in self._mirrored.items():
            mirrored.add_metric((self._model, version, result), count)
        yield mirrored
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
