"""The story as a page: its pictures, its chapters, and what was decided when and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from markupsafe import Markup

from rondo.pages import charts, render
from rondo.records.files import write_bytes
from rondo.records.monitoring import WITH_VALUE, Observation
from rondo.records.release import Event
from rondo.shop.story import Story

PAGE = "story.html"
BUCKET_S = 2.0
FEATURES_SHOWN = 5
TOLD = (
    "model.registered",
    "rollout.begun",
    "rollout.moved",
    "rollout.promoted",
    "rollout.rolled_back",
    "rollout.aborted",
    "rollout.held",
    "model.promoted",
    "model.rolled_back",
    "alert.sent",
    "retrain.started",
    "retrain.ended",
)
"""Kinds of events that the page lists, in the order in which they happened."""


def write_page(story: Story, seconds: float) -> Path:
    """Writes `reports/story.html` and returns its path."""
    reports = story.folder / "reports"
    tally = story.tally
    text = render(
        "rondo.shop/story.html",
        title="The practice shop, once round and again",
        subtitle="From three sources to a served model; better versions, a bad one, and a world that changes.",
        verdict="passed" if not tally.failed else "failed",
        verdict_text=f"{tally.failed} of {tally.requests:,} requests failed",
        verdict_reason="Every chapter was checked while it happened.",
        facts=[
            ("Customers", f"{story.customers:,}"),
            ("Seed", story.seed),
            ("Versions that answered", len(tally.versions)),
            ("Alerts", len(story.alerts)),
            ("99% of answers within", f"{tally.percentile_ms(0.99):.1f} ms"),
            ("Took", f"{seconds:.0f} s"),
        ],
        traffic=_traffic(story),
        latency=_latency(story),
        experiment=_experiment(story),
        drift=_over_time(story.observations, "psi", "warns above"),
        accuracy=_accuracy(story.observations),
        versions=charts.bars(sorted(tally.versions.items()), label="Requests per version"),
        chapters=story.chapters,
        events=decided(story.events),
        pages=sorted(path.name for path in reports.glob("*.html") if path.name != PAGE),
    )
    page = reports / PAGE
    write_bytes(page, text.encode())
    return page


def _buckets(story: Story) -> tuple[list[float], list[list[tuple[str, float]]]]:
    """Seconds since the story began, and (version, latency) of the answers around them."""
    answers = story.tally.answers
    if not answers:
        return [], []
    first = min(answer.at for answer in answers)
    count = int((max(answer.at for answer in answers) - first) / BUCKET_S) + 1
    buckets: list[list[tuple[str, float]]] = [[] for _ in range(count)]
    for answer in answers:
        buckets[int((answer.at - first) / BUCKET_S)].append((answer.version, answer.latency_ms))
    return [first - story.began + (place + 0.5) * BUCKET_S for place in range(count)], buckets


def _traffic(story: Story) -> Markup:
    xs, buckets = _buckets(story)
    series = {
        version: [float(sum(one == version for one, _ in bucket)) for bucket in buckets]
        for version in _in_order(story)
    }
    return charts.stacked(
        series,
        xs,
        steps=_steps(story, xs),
        x="seconds since the story began",
        label="Traffic shares by version",
    )


def _latency(story: Story) -> Markup:
    xs, buckets = _buckets(story)
    lines: Mapping[str, list[tuple[float, float | None]]] = {
        name: [
            (x, float(np.percentile([ms for _, ms in bucket], share)) if bucket else None)
            for x, bucket in zip(xs, buckets, strict=True)
        ]
        for name, share in (("median", 50), ("99% within", 99))
    }
    return charts.line(lines, zero=True, x="seconds since the story began", y="ms", label="Answer times")


def _in_order(story: Story) -> list[str]:
    """The versions, in the order in which they first answered."""
    return list(dict.fromkeys(answer.version for answer in story.tally.answers))


def _steps(story: Story, xs: Sequence[float]) -> list[tuple[float, str]]:
    """The beginning of each chapter within the picture, by its number."""
    numbered = [(chapter.began, str(number)) for number, chapter in enumerate(story.chapters, start=1)]
    return [(at, text) for at, text in numbered if xs and xs[0] <= at <= xs[-1]]


def _experiment(story: Story) -> Markup | None:
    reading = story.reading
    if reading is None:
        return None
    points = [
        (float(one.n), one.difference, one.low, one.high)
        for one in reading.sequences.get(reading.effects[0].treatment, ())
    ]
    return charts.band(
        points,
        limits={"no difference": 0.0},
        x="customers with a known outcome",
        y=f"{reading.plan.primary}, difference",
        label="Effect in the A/B test",
    )


def _over_time(observations: Sequence[Observation], metric: str, limit: str) -> Markup:
    """The features that moved most, over the time of the shop."""
    found: dict[str, dict[datetime, float | None]] = {}
    thresholds: dict[str, float] = {}
    for seen in observations:
        if seen.metric == metric and seen.window_to is not None and seen.state in WITH_VALUE:
            found.setdefault(seen.feature or metric, {})[seen.observed_at] = seen.value
            if seen.threshold is not None:
                thresholds[limit] = seen.threshold
    lines = {name: sorted(points.items()) for name, points in found.items()}
    moved = sorted(lines, key=lambda name: max(value or 0.0 for _, value in lines[name]), reverse=True)
    return charts.line(
        {name: lines[name] for name in moved[:FEATURES_SHOWN]},
        points=True,
        zero=True,
        limits=thresholds,
        y=metric,
        width=1040,
        label=f"{metric} of the features that moved most",
    )


def _accuracy(observations: Sequence[Observation]) -> Markup:
    """By version, over the time of the shop."""
    lines: dict[str, list[tuple[datetime, float | None]]] = {}
    thresholds: dict[str, float] = {}
    for seen in sorted(observations, key=lambda one: one.observed_at):
        if seen.metric == "accuracy" and seen.window_to is not None and seen.state in WITH_VALUE:
            lines.setdefault(seen.version or "", []).append((seen.window_to, seen.value))
            if seen.threshold is not None:
                thresholds["asked for"] = seen.threshold
    return charts.line(lines, points=True, limits=thresholds, y="accuracy", label="Accuracy over time")


def decided(events: Sequence[Event]) -> list[Event]:
    """The events that tell what was decided, with their reasons."""
    return [event for event in events if event.kind in TOLD and event.reason]
