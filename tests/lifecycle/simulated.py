"""Seeded rollouts on the store in memory: everything that can go wrong around the controller, and nothing real."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from rondo.adapters.memory import MemoryModelRegistry, MemoryStateStore
from rondo.contract.deployment import Canary, Deployment, Shadow
from rondo.errors import Conflict, RondoError
from rondo.lifecycle import rollouts
from rondo.lifecycle.advancing import rollbacks
from rondo.lifecycle.workshop import Workshop
from rondo.ports.progress import Silent
from rondo.records.layout import Layout
from rondo.records.release import Routes, Switch
from rondo.records.releasing import with_traffic
from rondo.records.rollout import Evidence, Phase, Rollout
from rondo.records.verdict import Judgement
from rondo.stages.deployment import Means, Patience, experiment_phases, promote, rollback
from rondo.stages.deployment.verified import VerifiedBundle
from rondo.testing.state import NOW, release

VERSIONS = tuple(f"1.{number}.0" for number in range(8))
SECTIONS = tuple(
    Deployment(
        strategy=strategy,
        mode=mode,
        shadow=Shadow(hold=timedelta(seconds=20), min_requests=30) if shadow else None,
        canary=Canary(steps=(0.05, 0.5, 1.0), hold=timedelta(seconds=20), min_requests=30),
        rollback_on=cast("Any", {"error_rate": "> 1%"}),
        rollback_window=timedelta(seconds=window),
        max_wait=timedelta(seconds=120),
    )
    for strategy in ("blue_green", "canary", "shadow")
    for mode in ("auto", "approve")
    for shadow in (False, True)
    for window in (0, 30)
)


class Crash(Exception):
    """The process ended here."""


class CrashingStore(MemoryStateStore):
    """Ends the process just before or just after a write, when the simulation says so; its leases stay."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance, self.crash_rate = chance, 0.0
        self.left: Any = None

    def advance_rollout(self, rollout: Rollout, **told: Any) -> Rollout:
        self._maybe_crash()
        kept = super().advance_rollout(rollout, **told)
        self._maybe_crash()
        return kept

    def switch(self, change: Switch, *, at: datetime) -> Routes:
        # Not within `advance_rollout`, which is one transaction.
        return super().switch(change, at=at)

    def _maybe_crash(self) -> None:
        if self.chance.random() < self.crash_rate:
            raise Crash

    @contextmanager
    def lease(self, name: str, owner: str, ttl: timedelta, **told: Any) -> Iterator[int]:
        """A lease that a dead process keeps: until it is seen to be gone, or where nobody can see that, its end."""
        with super().lease(name, owner, ttl, **told) as token:
            try:
                yield token
            except Crash:
                self.left = replace(
                    self._leases[name], owner="elsewhere" if self.chance.random() < 0.05 else ""
                )
                raise
        self.left = None

    def bury(self) -> None:
        """Puts the lease of the process that just died back as it left it."""
        if self.left is not None:
            self._leases["deployment"], self.left = self.left, None


class CrashingRegistry(MemoryModelRegistry):
    """A registry that sometimes does not answer."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance, self.fail_rate = chance, 0.0

    def set_roles(self, *args: Any, **others: Any) -> None:
        if self.chance.random() < self.fail_rate:
            raise Conflict("the registry does not answer")
        super().set_roles(*args, **others)


@dataclass
class World:
    """One seed: a project, a clock, and a judge that may say anything."""

    seed: int
    chance: random.Random = field(init=False)
    now: datetime = NOW
    wrong_by: timedelta = timedelta(0)  # how far the clock is from the truth
    log: list[str] = field(default_factory=list)
    faults: bool = True
    honest: dict[str, bool] = field(default_factory=dict)  # version -> whether it is good

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.store, self.registry = CrashingStore(self.chance), CrashingRegistry(self.chance)
        self.section = self.chance.choice(SECTIONS)
        for version in VERSIONS:
            self.store.add_release(release(version), by="world")
            self.honest[version] = self.chance.random() < 0.6
        self.means = Means(
            model="p",
            root=Layout(cast("Any", "/nowhere")).root,
            store=self.store,
            registry=self.registry,
            verify=lambda folder: VerifiedBundle("", "", "", {}, 0.0),
            clock=lambda: self.now,
            wait=self._wait,
            patience=Patience(its_turn=timedelta(0)),
        )
        self.workshop = cast(
            "Workshop",
            SimpleNamespace(
                state=self.store,
                registry=self.registry,
                clock=lambda: self.now,
                progress=Silent(),
                layout=SimpleNamespace(root="/nowhere"),
                project=SimpleNamespace(project="p", deployment=self.section),
            ),
        )

    def _wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def judge(self, _: Any, rollout: Rollout, now: datetime) -> Evidence:
        """Evidence as it may come: late, missing, not a number, of another phase, or of the truth."""
        fate = self.chance.random() if self.faults else 1.0
        if fate < 0.08:
            raise ConnectionError("the provider answers 500")
        if fate < 0.11:
            raise KeyError("bug in a judge")
        says: Judgement = "ship" if self.honest[rollout.candidate] else "reject"
        if rollout.phase.kind == "preflight":
            says = "ship"
        since = rollout.phase_since or now
        requests = int((now - since).total_seconds() * 10)
        kinds: Mapping[str, Evidence] = {
            "stale": Evidence("ship", (), now - timedelta(hours=1), requests=10**6),
            "to come": Evidence("ship", (), now + timedelta(hours=1), requests=10**6),
            "of before": Evidence("ship", (), now, since - timedelta(seconds=1), now, requests=10**6),
            "no number": Evidence("ship", (), now, since, now, 10**6, figures={"c": {"p99": float("nan")}}),
            "infinite": Evidence("ship", (), now, since, now, 10**6, figures={"p99": float("inf")}),
            "none": Evidence("ship", (), now, since, now, requests=0),
            "nan requests": Evidence("ship", (), now, since, now, requests=cast("Any", float("nan"))),
            "unsure": Evidence("inconclusive", ("too few",), now, since, now, requests),
            "hold": Evidence("hold", (), now, since, now, 10**6),
        }
        if fate < 0.4:
            name = self.chance.choice(list(kinds))
            if name in ("none", "of before") and rollout.phase.kind == "preflight":
                name = "unsure"  # a preflight rests on no requests, and may be one of before
            self.lied = True
            return kinds[name]
        return Evidence(says, ("seen",), now, since, now, requests)

    # what may happen at one step

    def act(self) -> None:
        """One step: time passes, and somebody does something, which a crash may end at any moment."""
        self.now += timedelta(seconds=self.chance.choice([1, 3, 10] if self.faults else [3, 10, 30]))
        if self.faults and self.chance.random() < 0.02:
            wrong_by = timedelta(hours=self.chance.choice([-1, 0, 1]))
            self.now, self.wrong_by = self.now - self.wrong_by + wrong_by, wrong_by
        self.store.crash_rate = 0.08 if self.faults else 0.0
        self.registry.fail_rate = 0.1 if self.faults else 0.0
        what = self.chance.choices(
            [
                "tick",
                "begin",
                "by hand",
                "pause",
                "resume",
                "abort",
                "approve",
                "promote",
                "rollback",
                "late",
            ],
            [60, 14, 3, 2, 4, 1.5, 5, 1, 1, 2] if self.faults else [60, 0, 0, 0, 4, 0, 4, 0, 0, 0],
        )[0]
        self.log.append(what)
        self.lied = False
        before = self.store.rollout()
        try:
            self._do(what)
        except Crash:
            self.log.append("crash")
            self.store.bury()
        except RondoError as error:
            self.log.append(f"{type(error).__name__}: {error}")
        self.check(before, what)

    def _do(self, what: str) -> None:
        version = self.chance.choice(VERSIONS)
        told: dict[str, Any] = {"by": "ann", "reason": "because", "means": self.means}
        match what:
            case "tick":
                rollouts.tick(self.workshop, gather=self.judge, means=self.means)
            case "begin":
                frozen = rollouts.frozen_since(self.workshop)
                rollouts.begin(self.workshop, version, phases=self._experiment(version), **told)
                assert not frozen, self.words()
            case "by hand":
                rollouts.begin(self.workshop, version, by_hand=True, **told)
            case "pause":
                rollouts.pause(self.workshop, **told)
            case "resume":
                rollouts.resume(self.workshop, **told)
            case "abort":
                rollouts.abort(self.workshop, **told)
                rollouts.abort(self.workshop, **told)
            case "approve":
                rollouts.approve(self.workshop, **told)
            case "promote":
                with self._unverified():
                    promote(version, self.means, by="ann", reason="by hand")
            case "rollback":
                with self._unverified():
                    rollback(self.means, by="ann", reason="by hand")
            case "late":
                self._late_tick()

    def _experiment(self, version: str) -> tuple[Phase, ...] | None:
        """Now and then an A/B test in place of the strategy."""
        stable = self.store.production()
        if stable is None or stable.version == version or self.chance.random() < 0.8:
            return None
        minutes = timedelta(minutes=2)
        return experiment_phases(
            {stable.version: 0.5, version: 0.5}, candidate=version, duration=minutes, max_wait=minutes
        )

    @contextmanager
    def _unverified(self) -> Iterator[None]:
        """Bundles are not what is simulated: each release is what its folder says."""
        found = {one.version: one.bundle_id for one in self.store.releases()}
        kept = self.means
        self.means = Means(
            **{
                **{name: getattr(kept, name) for name in kept.__dataclass_fields__},
                "verify": lambda folder: VerifiedBundle(
                    found[str(folder).rpartition("/")[2]], "", "", {}, 0.0
                ),
                "root": cast("Any", _Folders()),
            }
        )
        try:
            yield
        finally:
            self.means = kept

    def _late_tick(self) -> None:
        """A tick whose decision comes after somebody else's: what it read is old, and it writes nothing."""
        between: list[Rollout | None] = []

        def slow(workshop: Any, rollout: Rollout, now: datetime) -> Evidence:
            verdict = self.judge(workshop, rollout, now)
            other = self.chance.choice(["abort", "pause", "pause", "promote"])
            self.log.append(f"meanwhile {other}")
            try:
                self._do(other)
            except (Crash, RondoError):
                self.store.bury()
            after = self.store.rollout()
            if after is not None and after.revision != rollout.revision:
                between.append(after)
            return verdict

        rollouts.tick(self.workshop, gather=slow, means=self.means)
        for found in between:
            assert self.store.rollout() == found, self.words()

    # what must hold after every step

    def check(self, before: Rollout | None, what: str) -> None:
        """The invariants."""
        store, rollout, routes = self.store, self.store.rollout(), self.store.routes()
        history = store.production_history()
        in_production = [one.version for one in store.releases() if one.stage == "Production"]
        assert in_production == list(history[-1:]), self.words()
        assert not history or abs(sum(routes.weights.values()) - 1) < 1e-9, self.words()
        live = set(with_traffic(routes))
        if rollout is None:
            return
        if not rollout.ended:
            assert live <= {rollout.candidate, rollout.stable}, self.words()
            expected = rollout.candidate if rollout.phase.kind == "watch" else rollout.stable
            assert (history[-1] if history else None) == expected, self.words()
            if rollout.state == "waiting" or rollout.phase.kind == "preflight":
                assert rollout.candidate not in live, self.words()
            elif rollout.phase.weights:
                assert dict(routes.weights) == dict(rollout.phase.weights), self.words()
        if rollout.state in ("rolled_back", "aborted", "held", "frozen") and history[-1:] != (
            rollout.candidate,
        ):
            assert rollout.candidate not in live, self.words()
        if before is not None and not before.ended and before.number == rollout.number:
            self._check_step(before, rollout, what)

    def _check_step(self, before: Rollout, after: Rollout, what: str) -> None:
        if after.state == "frozen":
            assert rollbacks(self.store) == self.section.max_rollbacks, self.words()
        moved_on = after.place > before.place or after.state == "promoted"
        if moved_on and what == "tick":
            assert not self.lied, self.words()
            assert before.phase_since is not None
            assert before.state == "running", self.words()
            judged = after.history[len(before.history)]
            assert judged.judgement == "ship", self.words()
            assert judged.requests >= before.phase.min_requests, self.words()
            assert (self.now - before.phase_since).total_seconds() >= before.phase.hold_s, self.words()
            assert self.honest[after.candidate] or before.phase.kind == "preflight", self.words()

    def words(self) -> str:
        """What happened, to understand a failure."""
        return f"seed {self.seed}: {self.log[-15:]} {self.store.rollout()} {self.store.routes()}"


class _Folders:
    """A project whose bundles are all there."""

    def __truediv__(self, name: str) -> Any:
        return _Folder(name)


class _Folder(str):
    __slots__ = ()

    def exists(self) -> bool:
        return True


def play(seed: int, steps: int) -> World:
    """The world of that seed after so many steps with faults, and as many as its rollout needs without any."""
    world = World(seed)
    for _ in range(steps):
        world.act()
    world.faults = False
    # Every phase waits max_wait at most and is resumed when it pauses; a lease of a dead process elsewhere may end
    # two hours later, where the clock was an hour early and is an hour late now.
    for _ in range(1500):
        rollout = world.store.rollout()
        if rollout is None or rollout.ended:
            break
        world.act()
    else:
        raise AssertionError(f"no end: {world.words()}")
    world.store.verify_events()
    return world
