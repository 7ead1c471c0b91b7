"""The story as a page: its pictures, its chapters, and what was decided when and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from markupsafe import Markup

from rondo.pages import charts, render
from rondo.records.files import write_bytes
from rondo.records.monitoring import WITH_VALUE, Observation
from rondo.records.release import Event
from rondo.shop.story import Story
from rondo.shop.story.telling import Chapter

PAGE = "story.html"
BUCKET_S = 2.0
FEATURES_SHOWN = 5
CLOSEST = 0.02
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
        drift=_drift(story),
        accuracy=_accuracy(story),
        versions=charts.bars(sorted(tally.versions.items()), label="Requests per version"),
        chapters=[(one.title, _rows(one), one.seconds) for one in story.chapters],
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
        y="share",
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
    """The beginning of each chapter within the picture, by its number; of very short ones the first."""
    steps: list[tuple[float, str]] = []
    for number, chapter in enumerate(story.chapters, start=1):
        if not xs or not xs[0] <= chapter.began <= xs[-1]:
            continue
        if not steps or chapter.began - steps[-1][0] > (xs[-1] - xs[0]) * CLOSEST:
            steps.append((chapter.began, str(number)))
    return steps


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


def _drift(story: Story) -> Markup:
    """The features that moved most, as each look saw them."""
    lines: dict[str, list[tuple[datetime, float | None]]] = {}
    limits: dict[str, float] = {}
    for at, seen in _seen(story, "psi"):
        lines.setdefault(seen.feature or "the score", []).append((at, seen.value))
        if seen.threshold is not None:
            limits[f"warns above {seen.threshold:g}"] = seen.threshold
    moved = sorted(lines, key=lambda name: max(value or 0.0 for _, value in lines[name]), reverse=True)
    shown = {name: lines[name] for name in moved[:FEATURES_SHOWN]}
    return charts.line(
        shown, points=True, zero=True, limits=limits, y="PSI", width=1040, label="Drift over time"
    )


def _accuracy(story: Story) -> Markup:
    """By version, as each look saw it."""
    lines: dict[str, list[tuple[datetime, float | None]]] = {}
    limits: dict[str, float] = {}
    for at, seen in _seen(story, "accuracy"):
        lines.setdefault(seen.version or "", []).append((at, seen.value))
        if seen.threshold is not None:
            limits[f"warns below {seen.threshold:g}"] = seen.threshold
    return charts.line(lines, points=True, limits=limits, y="accuracy", label="Accuracy over time")


def _seen(story: Story, metric: str) -> Iterator[tuple[datetime, Observation]]:
    for look in story.looks:
        for seen in look.observations:
            if seen.metric == metric and seen.state in WITH_VALUE:
                yield look.at, seen


def _rows(chapter: Chapter) -> list[tuple[str, list[str]]]:
    """The figures of a chapter; neighbours of one name share a row."""
    rows: list[tuple[str, list[str]]] = []
    for fact in chapter.facts:
        if rows and rows[-1][0] == fact.name:
            rows[-1][1].append(fact.value)
        else:
            rows.append((fact.name, [fact.value]))
    return rows


def decided(events: Sequence[Event]) -> list[Event]:
    """The events that tell what was decided, with their reasons."""
    return [event for event in events if event.kind in TOLD and event.reason]
