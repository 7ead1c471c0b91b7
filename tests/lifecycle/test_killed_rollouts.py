"""SIGKILL after every durable action of a rollout's steps; the next look at it finishes what was begun."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.contract.deployment import Canary, Deployment
from rondo.lifecycle import releasing, rollouts
from rondo.lifecycle.workshop import Workshop
from rondo.ports.progress import Silent
from rondo.records.layout import Layout
from rondo.records.release import ServerReport
from rondo.records.rollout import Evidence, Rollout
from rondo.records.verdict import Judgement
from rondo.stages.deployment import Means, promote
from rondo.testing.deployment import registered
from rondo.testing.killing import FolderRegistry, killed

NEW = "1.2.0"
SECTION = Deployment(
    strategy="canary",
    canary=Canary(steps=(0.05, 0.5, 1.0), hold=timedelta(0), min_requests=10),
    rollback_on=cast("Any", {"error_rate": "> 1%"}),
    rollback_window=timedelta(seconds=1),
)


def says(judgement: Judgement, _: Any, rollout: Rollout, now: datetime) -> Evidence:
    """A judge that has seen enough."""
    return Evidence(judgement, ("seen",), now, rollout.phase_since, now, requests=10)


@contextmanager
def opened(root: Path) -> Iterator[Workshop]:
    """The project in that folder."""
    store, registry = SqlStateStore(root / ".rondo" / "state.db"), FolderRegistry(root / "registry")
    yield cast(
        "Workshop",
        SimpleNamespace(
            state=store,
            registry=registry,
            clock=lambda: datetime.now(UTC),
            wall_clock=lambda: datetime.now(UTC),
            progress=Silent(),
            layout=Layout(root),
            project=SimpleNamespace(project="tiny", deployment=SECTION),
        ),
    )
    store.close()


def look(judgement: Judgement, workshop: Workshop) -> None:
    rollouts.tick(workshop, gather=partial(says, judgement))


def place(workshop: Workshop) -> int:
    rollout = workshop.state.rollout()
    return -1 if rollout is None else rollout.place


def reach(wanted: int, workshop: Workshop) -> None:
    """Looks until that phase has begun."""
    while place(workshop) < wanted:
        look("ship", workshop)


def begin(workshop: Workshop) -> None:
    if workshop.state.rollout() is None:
        rollouts.begin(workshop, NEW, by="ann", reason="better")


def reject(workshop: Workshop) -> None:
    look("reject", workshop)


def abort(workshop: Workshop) -> None:
    rollouts.abort(workshop, by="ann", reason="no")


def promote_by_hand(workshop: Workshop) -> None:
    releasing.promote(workshop, NEW, by="ann", reason="now")


def roll_back(workshop: Workshop) -> None:
    releasing.rollback(workshop, by="ann", reason="no")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.0.0 was in production, 1.1.0 is, 1.2.0 waits; one server runs that has every version warm."""
    root = tmp_path_factory.mktemp("project")
    with opened(root) as workshop:
        store, registry = workshop.state, workshop.registry
        for version in ("1.0.0", "1.1.0"):
            registered(root, store, registry, version)
            promote(version, Means("tiny", root, store, registry), by="ann", reason="first")
        registered(root, store, registry, NEW)
        seen = datetime.now(UTC) + timedelta(days=1)
        warm = ("1.0.0", "1.1.0", NEW)
        store.report_server(ServerReport("a", 1, "", warm, {}, 10**9, seen, answered=10**9))
    return root


def outcome(root: Path) -> Mapping[str, Any]:
    """What a user can tell apart, after the registry was told what a dead process could not tell it."""
    with opened(root) as workshop:
        releasing.catch_up(workshop)
        store, registry = workshop.state, cast("FolderRegistry", workshop.registry)
        rollout = store.rollout()
        assert rollout is not None
        return {
            "history": store.production_history(),
            "stages": {one.version: one.stage for one in store.releases()},
            "weights": dict(store.routes().weights),
            "generation": store.routes().generation,
            "rollout": (
                rollout.number,
                rollout.state,
                rollout.phase.kind,
                rollout.place,
                len(rollout.history),
            ),
            "revision": rollout.revision,
            "aliases": registry.roles("tiny"),
            "words": registry.read("stages"),
            "wanted": store.wanted_warm().version,
            "events": [event.kind for event in store.events()],
        }


def check(root: Path) -> None:
    """One version is in production, shares sum to 1, and they are those of the phase in which the rollout stands."""
    with opened(root) as workshop:
        store = workshop.state
        history, routes, rollout = store.production_history(), store.routes(), store.rollout()
        in_production = [one.version for one in store.releases() if one.stage == "Production"]
        assert in_production == [history[-1]]
        assert sum(routes.weights.values()) == pytest.approx(1)
        assert set(routes.weights) <= {"1.0.0", "1.1.0", NEW}
        if rollout is not None and not rollout.ended and rollout.phase.weights:
            assert dict(routes.weights) == dict(rollout.phase.weights)
        if rollout is not None and rollout.state == "aborted" and history[-1] != NEW:
            assert NEW not in routes.weights
        store.verify_events()


def done(action: Callable[[Workshop], None], root: Path) -> None:
    with opened(root) as workshop:
        action(workshop)


PREFLIGHT, FIRST, SECOND, WATCH = 0, 1, 2, 4


@pytest.mark.parametrize(
    ("stands_in", "action", "at_least"),
    [
        (None, begin, 1),
        (PREFLIGHT, partial(reach, FIRST), 8),
        (FIRST, partial(reach, SECOND), 8),
        (SECOND, partial(reach, WATCH), 9),
        (SECOND, reject, 7),
        (WATCH, reject, 9),
        (SECOND, abort, 6),
        (SECOND, promote_by_hand, 9),
        (WATCH, roll_back, 9),
        (SECOND, roll_back, 15),
    ],
    ids=[
        "begin",
        "first canary step",
        "next canary step",
        "promotion",
        "rejected canary",
        "rejected after the promotion",
        "abort",
        "promote by hand",
        "rollback after the promotion",
        "rollback of a canary",
    ],
)
def test_a_killed_step_is_finished_by_the_next(
    prepared: Path,
    tmp_path: Path,
    stands_in: int | None,
    action: Callable[[Workshop], None],
    at_least: int,
) -> None:
    start = tmp_path / "start"
    shutil.copytree(prepared, start)
    if stands_in is not None:
        with opened(start) as workshop:
            begin(workshop)
            reach(stands_in, workshop)
    whole = tmp_path / "whole"
    shutil.copytree(start, whole)
    done(action, whole)
    wanted, moment = outcome(whole), 1
    while True:
        root = tmp_path / str(moment)
        shutil.copytree(start, root)
        if not killed(partial(done, action, root), moment):
            break
        check(root)
        with opened(root) as workshop:
            finish(workshop, action, wanted)
        check(root)
        assert outcome(root) == wanted, f"killed at moment {moment}"
        moment += 1
    print(f"\nkilled at {moment - 1} of {moment - 1} moments, finished")  # noqa: T201
    assert moment - 1 >= at_least


def finish(workshop: Workshop, action: Callable[[Workshop], None], wanted: Mapping[str, Any]) -> None:
    """The same again, unless it had come far enough before the process died."""
    rollout = workshop.state.rollout()
    if action is roll_back and workshop.state.production_history() == wanted["history"]:
        return
    if rollout is None or rollout.revision < wanted["revision"] or action is roll_back:
        action(workshop)
