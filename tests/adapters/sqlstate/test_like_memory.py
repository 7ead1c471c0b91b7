"""The SQL store and its twin in memory are given the same operations and must look the same after each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from rondo.adapters.memory import MemoryStateStore
from rondo.adapters.sqlstate import SqlStateStore
from rondo.errors import RondoError
from rondo.ports.state import StateStore
from rondo.records.release import ServerReport
from rondo.records.releasing import with_traffic
from rondo.testing.servers import PostgresServer
from rondo.testing.state import NOW, canary, promotion, release, rollback, shift

VERSIONS = st.sampled_from(["1.0.0", "1.0.1", "1.1.0", "2.0.0"])
LONG = timedelta(minutes=5)


class SameAsMemory(RuleBasedStateMachine):
    def __init__(self, sql: SqlStateStore) -> None:
        super().__init__()
        self.sql = sql
        self.memory = MemoryStateStore()
        self.moment = NOW

    def teardown(self) -> None:
        self.sql.close()

    def both(self, operation: Callable[[StateStore], Any]) -> None:
        """Does it on both and compares results, or what was refused and how."""
        answers = []
        for store in (self.sql, self.memory):
            try:
                answers.append(("gave", operation(store)))
            except RondoError as error:
                answers.append((type(error).__name__, str(error)))
        assert answers[0] == answers[1]

    @rule(
        version=VERSIONS,
        judgement=st.sampled_from(["ship", "ship", "reject", "inconclusive"]),
        bundle=st.sampled_from(["", "", "", "other"]),
    )
    def register(self, version: str, judgement: Any, bundle: str) -> None:
        self.both(
            lambda store: store.add_release(release(version, judgement=judgement, bundle_id=bundle), by="x")
        )

    @rule(version=VERSIONS, stale=st.integers(0, 5).map(lambda n: n == 0))
    def promote(self, version: str, stale: bool) -> None:
        old = {"expected_generation": -1} if stale else {}
        self.both(lambda store: store.switch(promotion(store, version, **old), at=self.moment))

    @rule()
    def roll_back(self) -> None:
        if len(self.memory.production_history()) > 1:
            self.both(lambda store: store.switch(rollback(store), at=self.moment))

    @rule(version=VERSIONS, share=st.sampled_from([0.05, 0.5, 1.0]), shadow=st.none() | VERSIONS)
    def step(self, version: str, share: float, shadow: str | None) -> None:
        history = self.memory.production_history()
        if history and version != history[-1]:
            weights = {history[-1]: 1 - share, version: share}
            self.both(lambda store: store.switch(shift(store, weights, shadow=shadow), at=self.moment))

    @rule(version=VERSIONS, state=st.sampled_from(["running", "paused", "aborted"]), new=st.booleans())
    def roll_out(self, version: str, state: Any, new: bool) -> None:
        newest = self.memory.rollout()
        history = self.memory.production_history()
        if not history or (newest is None and not new):
            return
        rollout = canary(version, history[-1]) if new or newest is None else newest
        after = replace(rollout, state=state)

        def advance(store: StateStore) -> Any:
            shares = {history[-1]: 0.5, version: 0.5} if version != history[-1] else {version: 1.0}
            change = shift(store, shares)
            told = {"kind": f"rollout.{state}", "by": "x", "reason": "", "at": self.moment}
            return store.advance_rollout(after, change=change, **told)

        self.both(advance)

    @rule(version=st.none() | VERSIONS)
    def want_warm(self, version: str | None) -> None:
        self.both(lambda store: store.want_warm(version))

    @rule(name=st.sampled_from("abc"), age_s=st.integers(0, 20))
    def report(self, name: str, age_s: int) -> None:
        seen = self.moment - timedelta(seconds=age_s)
        self.both(lambda store: store.report_server(ServerReport(name, 1, "", ("1.0.0",), {}, 1, seen)))
        self.both(lambda store: store.servers(timedelta(seconds=10), now=self.moment))

    @rule(note=st.booleans())
    def mirror(self, note: bool) -> None:
        todo = self.memory.roles_to_mirror()
        if note and todo is not None:
            self.both(lambda store: store.roles_mirrored(todo))

    @rule(text=st.text(max_size=5), number=st.none() | st.integers(-9, 9) | st.floats())
    def append(self, text: str, number: float | None) -> None:
        details = {"text": text, "number": number}
        self.both(lambda store: store.append("x", text, by="x", reason=text, details=details, at=self.moment))

    @rule(owner=st.sampled_from("ab"), inner=st.sampled_from("ab"), later_s=st.sampled_from([0, 299, 301]))
    def hold(self, owner: str, inner: str, later_s: int) -> None:
        def hold_twice(store: StateStore) -> tuple[int, int]:
            with store.lease("d", owner, LONG, now=self.moment) as outer:
                later = self.moment + timedelta(seconds=later_s)
                with store.lease("d", inner, LONG, now=later) as token:
                    return outer, token

        self.both(hold_twice)

    @rule(seconds=st.integers(1, 1000))
    def time_passes(self, seconds: int) -> None:
        self.moment += timedelta(seconds=seconds)

    @invariant()
    def look_the_same(self) -> None:
        for look in (
            lambda store: store.releases(),
            lambda store: store.production(),
            lambda store: store.production_history(),
            lambda store: store.routes(),
            lambda store: store.rollouts(),
            lambda store: store.wanted_warm(),
            lambda store: store.roles_to_mirror(),
            lambda store: store.events(),
            lambda store: store.verify_events(),
        ):
            self.both(look)

    @invariant()
    def exactly_one_in_production(self) -> None:
        history = self.sql.production_history()
        in_production = [one.version for one in self.sql.releases() if one.stage == "Production"]
        assert in_production == list(history[-1:])
        waiting = [
            one.version
            for one in self.sql.releases()
            if one.stage == "Staging" and one.version not in with_traffic(self.sql.routes())
        ]
        assert len(waiting) <= 1


def compare(open_new: Callable[[int], SqlStateStore], *, examples: int) -> None:
    """Plays with that many new stores."""
    numbers = itertools.count()
    asked = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(lambda: SameAsMemory(open_new(next(numbers))), settings=asked)  # type: ignore[no-untyped-call]


def test_sqlite_does_as_memory_does(tmp_path: Path) -> None:
    compare(lambda number: SqlStateStore(tmp_path / f"{number}.db"), examples=20)


def test_postgresql_does_as_memory_does(postgres: PostgresServer) -> None:
    compare(lambda number: SqlStateStore(postgres.url, project=f"number-{number}"), examples=6)
