"""Two versions side by side on the real log and controller; servers and pre-flight are as they should be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np

from rondo.adapters.memory import MemoryModelRegistry, MemoryStateStore
from rondo.adapters.segments import SegmentLog, SegmentWriter
from rondo.contract import load_project
from rondo.lifecycle import experimenting, rollouts
from rondo.lifecycle.evidence import experiment as judge
from rondo.lifecycle.workshop import Workshop
from rondo.ports.progress import Silent
from rondo.records.layout import Layout
from rondo.records.prediction import Outcome, Prediction, RequestFigures, VersionFigures
from rondo.records.release import PROMOTED, Switch
from rondo.records.rollout import Evidence, Rollout
from rondo.stages.deployment import Means
from rondo.stages.serving.routing import choose
from rondo.testing.deployment import Clock, means, registered

START = datetime(2026, 5, 4, tzinfo=UTC)


@dataclass
class Practice:
    """A project with two versions of which the first is in production, and whoever asks for predictions."""

    root: Path
    text: str
    clock: Clock = field(default_factory=lambda: Clock(START))
    state: MemoryStateStore = field(default_factory=MemoryStateStore)
    registry: MemoryModelRegistry = field(default_factory=MemoryModelRegistry)
    asked: int = 0

    def __post_init__(self) -> None:
        (self.root / "rondo.yaml").write_text(self.text)
        for version in ("1.2.3", "2.0.0"):
            registered(self.root, self.state, self.registry, version)
        change = Switch("1.2.3", None, {"1.2.3": 1.0}, None, PROMOTED, "ann", "first", 0)
        self.state.switch(change, at=self.clock() - timedelta(days=30))

    @property
    def workshop(self) -> Workshop:
        loaded = load_project(self.root)
        made = SimpleNamespace(
            project=loaded.project,
            loaded=loaded,
            layout=Layout(self.root),
            state=self.state,
            registry=self.registry,
            log=SegmentLog(self.root / "log"),
            clock=self.clock,
            wall_clock=self.clock,
            progress=Silent(),
        )
        return cast("Workshop", made)

    @property
    def means(self) -> Means:
        return means(self.root, self.state, self.registry, clock=self.clock)

    def serve(self, people: int, converting: dict[str, float], *, told: bool = True) -> None:
        """So many new people are answered by the routes of now, and what became of them is told."""
        chance, now = np.random.default_rng(self.asked), self.clock()
        weights = self.state.routes().weights
        writer = SegmentWriter(self.root / "log", flush_every=timedelta(milliseconds=5))
        counted = dict.fromkeys(weights, 0)
        for number in range(self.asked, self.asked + people):
            version = choose(weights, f"user {number}")
            counted[version] += 1
            name, outcome = f"p{number}", "yes" if chance.random() < converting[version] else "no"
            writer.prediction(Prediction(name, now, now, version, f"user {number}", 0.5, "yes", (), (), 2.0))
            if told:
                writer.outcome(Outcome(name, outcome, now))
        versions = {
            version: VersionFigures(count, 0, tuple(chance.gamma(4.0, 1.0, min(count, 1000)).tolist()))
            for version, count in counted.items()
        }
        writer.figures(RequestFigures(now, 1.0, people, 0, 0, (), 0.1, 0.1, 1, versions=versions))
        writer.close()
        self.asked += people

    def start(self) -> experimenting.Standing:
        return experimenting.start(self.workshop, by="ann", reason="", means=self.means)

    def tick(self) -> Rollout:
        def gather(workshop: Workshop, rollout: Rollout, now: datetime) -> Evidence:
            if rollout.phase.kind == "experiment":
                return judge.gather(workshop, rollout, now)
            return Evidence("ship", ("as the test wants it",), now)

        found = rollouts.tick(self.workshop, gather=gather, means=self.means)
        assert found is not None
        return found

    def pass_days(self, days: float) -> None:
        self.clock.now += timedelta(days=days)
