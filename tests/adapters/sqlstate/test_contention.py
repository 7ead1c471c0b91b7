"""Eight processes promote, roll back and register on one store at once, in SQLite and in PostgreSQL."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.errors import Conflict
from rondo.records.release import PROMOTED, ROLLED_BACK
from rondo.records.releasing import history_after
from rondo.testing.state import NOW, promote, promotion, release, rollback

PROCESSES, ATTEMPTS = 8, 40
VERSIONS = [f"1.0.{patch}" for patch in range(5)]
FORK = multiprocessing.get_context("fork")


def contend(where: str, seed: int) -> Counter[str]:
    """What became of each attempt of one process; the routes may have moved since it looked."""
    chance, told = random.Random(seed), Counter[str]()
    with closing(SqlStateStore(where)) as store:
        for _ in range(ATTEMPTS):
            try:
                if chance.random() < 0.4 and len(store.production_history()) > 1:
                    store.switch(rollback(store), at=NOW)
                elif chance.random() < 0.5:
                    with store.lease("deployment", str(seed), timedelta(minutes=1), now=NOW) as token:
                        change = promotion(store, chance.choice(VERSIONS))
                        store.switch(replace(change, fence=("deployment", token)), at=NOW)
                else:
                    store.switch(promotion(store, chance.choice(VERSIONS)), at=NOW)
                told["done"] += 1
            except (Conflict, IndexError):  # the second: the history became shorter between two looks at it
                told["conflict"] += 1
            except Exception as error:
                told[f"{type(error).__name__}: {error}"] += 1
            in_production = [one.version for one in store.releases() if one.stage == "Production"]
            told["looks"] += 1
            told["not exactly one in production"] += len(in_production) != 1
    return told


def open_and_register(where: str, number: int) -> str:
    """Opens the store that is not there yet, together with others."""
    with closing(SqlStateStore(where)) as store:
        return store.add_release(release(VERSIONS[number % 5]), by=str(number)).version


def test_every_attempt_is_done_or_a_conflict_and_the_history_is_one_line(where: str) -> None:
    with closing(SqlStateStore(where)) as store:
        for version in VERSIONS:
            store.add_release(release(version), by="ann")
        promote(store, "1.0.0", "1.0.1")
        already = len(store.events())
    with FORK.Pool(PROCESSES) as pool:
        told = sum(pool.starmap(contend, [(where, seed) for seed in range(PROCESSES)]), Counter[str]())
    assert set(+told) <= {"done", "conflict", "looks"}
    assert told["done"] + told["conflict"] == PROCESSES * ATTEMPTS
    assert told["done"] > 0
    with closing(SqlStateStore(where)) as store:
        assert store.verify_events() == already + told["done"]
        switches = [event for event in store.events() if event.kind in (PROMOTED, ROLLED_BACK)]
        assert all(
            later.details["generation"] == event.details["generation"] + 1
            for event, later in pairwise(switches)
        )
        history: tuple[str, ...] = ()
        for event in switches:
            history = history_after(history, event.subject, kind=event.kind)
        assert store.production_history() == history
        assert dict(store.routes().weights) == {history[-1]: 1.0}
    print(f"\n{dict(told)}")  # noqa: T201


@pytest.mark.parametrize("round_", range(3))
def test_processes_that_open_a_new_store_together_make_it_once(where: str, round_: int) -> None:
    with FORK.Pool(PROCESSES) as pool:
        pool.starmap(open_and_register, [(where, number) for number in range(PROCESSES)], chunksize=1)
    with closing(SqlStateStore(where)) as store:
        assert {one.version for one in store.releases()} == set(VERSIONS)
        assert store.verify_events() == len(VERSIONS)
