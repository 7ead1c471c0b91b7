"""A process that writes is killed at any moment: what it was told is done is there, the rest is whole or not there."""

from __future__ import annotations

import os
import random
import signal
from contextlib import closing

from rondo.adapters.sqlstate import SqlStateStore
from rondo.testing.state import NOW, promote, promotion

KILLS = 15
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


def write_for_ever(where: str, told: int, seed: int) -> None:
    """Switches and counts; says the number of each count that was acknowledged."""
    chance = random.Random(seed)
    with closing(SqlStateStore(where)) as store:
        number = store.get("count") or 0
        while True:
            others = [one.version for one in store.releases() if one.stage != "Production"]
            store.switch(promotion(store, chance.choice(others)), at=NOW)
            number += 1
            store.put("count", number)
            os.write(told, number.to_bytes(4))


def killed_after(where: str, acknowledged: int, seed: int) -> int:
    """The last count that a process acknowledged before it was killed in the middle of its work."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(told)
            write_for_ever(where, tell, seed)
        finally:
            os._exit(1)
    os.close(tell)
    with os.fdopen(told, "rb") as reader:
        for _ in range(acknowledged):
            assert len(reader.read(4)) == 4
        os.kill(child, signal.SIGKILL)
        rest = reader.read()
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        return int.from_bytes(rest[-4:]) if rest else -1


def test_what_was_acknowledged_survives_and_nothing_is_half_done(where: str) -> None:
    with closing(SqlStateStore(where)) as store:
        promote(store, *VERSIONS)
    for seed in range(KILLS):
        with closing(SqlStateStore(where)) as store:
            before = store.get("count") or 0
        rounds = 1 + seed % 5
        last = killed_after(where, rounds, seed)
        # The dead writer's lock must not keep the next one waiting.
        with closing(SqlStateStore(where)) as store:
            store.put("alive", seed)
            count = store.get("count")
            assert count >= max(last, before + rounds)
            assert count <= max(last, before + rounds) + 1
            in_production = [one.version for one in store.releases() if one.stage == "Production"]
            assert in_production == [store.production_history()[-1]] == list(store.routes().weights)
            assert store.verify_events() == len(store.events()) == len(VERSIONS) + store.routes().generation
    print(f"\n{where.partition(':')[0]}: {KILLS} of {KILLS} kills, nothing lost, nothing half done")  # noqa: T201
