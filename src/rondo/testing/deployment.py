"""A project with real small bundles, and servers that do what the port asks of servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from rondo.contract.project import Project
from rondo.ports.state import StateStore
from rondo.ports.tracking import ModelRegistry
from rondo.records.layout import Layout
from rondo.records.release import Release, ServerReport
from rondo.records.verdict import Judgement, Verdict
from rondo.stages.deployment import Means, register, verify_bundle
from rondo.testing.bundles import tiny_bundle
from rondo.testing.state import NOW

# Registration reads the project's name only.
PROJECT = cast("Project", SimpleNamespace(project="tiny"))


def verdict(bundle_id: str, version: str, judgement: Judgement = "ship") -> Verdict:
    """A verdict on that bundle."""
    return Verdict(judgement, (), ("as the test wants it",), bundle_id, version, NOW)


def registered(
    root: Path,
    store: StateStore,
    registry: ModelRegistry,
    version: str,
    judgement: Judgement = "ship",
) -> Release:
    """A registered release of a fresh bundle; each version is another model."""
    bundle = root / "build" / "bundle"
    made = tiny_bundle(bundle, version, slope=0.01 * (1 + sum(map(int, version.split(".")))))
    return register(
        PROJECT,
        bundle,
        verdict(made.bundle_id, version, judgement),
        layout=Layout(root),
        store=store,
        registry=registry,
        now=NOW,
        by="ann",
    )


@dataclass
class Clock:
    """A time that passes when somebody waits, and what happens meanwhile."""

    now: datetime = NOW
    meanwhile: list[Callable[[datetime], None]] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for happens in self.meanwhile:
            happens(self.now)


@dataclass
class Server:
    """A server process as the port describes it, one look per call; `broken` are versions it cannot load."""

    name: str
    store: StateStore
    broken: Mapping[str, str] = field(default_factory=dict)
    loads_after: int = 2  # looks
    warm: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    seen_number: int = -1
    looks: int = 0
    generation: int = 0
    served: list[str] = field(default_factory=list)

    def __call__(self, now: datetime) -> None:
        routes, wanted = self.store.routes(), self.store.wanted_warm()
        if wanted.number != self.seen_number:
            self.seen_number, self.looks = wanted.number, 0
            if wanted.version:
                self.failed.pop(wanted.version, None)
        self.looks += 1
        for version in (*routes.weights, *filter(None, [wanted.version])):
            if version not in self.warm and self.looks >= self.loads_after:
                if version in self.broken:
                    self.failed[version] = self.broken[version]
                else:
                    self.warm.add(version)
        if set(routes.weights) <= self.warm:
            self.generation = routes.generation
            self.served.extend(routes.weights)
        self.report(now)

    def report(self, now: datetime) -> None:
        self.store.report_server(
            ServerReport(
                server_id=self.name,
                pid=1,
                address="127.0.0.1:0",
                warm=tuple(sorted(self.warm)),
                failed=dict(self.failed),
                generation=self.generation,
                seen_at=now,
                answered=self.seen_number,
            )
        )


def means(root: Path, store: StateStore, registry: ModelRegistry, **other: Any) -> Means:
    """What carrying out needs, with a clock of its own."""
    clock = other.pop("clock", None) or Clock()
    return Means(
        **{
            "model": "tiny",
            "root": root,
            "store": store,
            "registry": registry,
            "verify": verify_bundle,
            "clock": clock,
            "wait": clock.wait,
            **other,
        }
    )
